"""`make bench-api`: programs stream runs by the openai client, all at once, beside a bare stream of the same bytes.

Each program makes a thread and streams a run in it, in one request, from this process; the server is another one. The
model takes no time and says fifty pieces. The bare stream is the same server without Parley: Starlette on uvicorn,
which knows what it will say and stores nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from openai import AsyncOpenAI

from tests.benchmarks.api_model import ANSWER
from tests.benchmarks.api_served import KEY
from tests.benchmarks.measured import Talk, Used, percentile
from tests.benchmarks.profiled import top
from tests.benchmarks.side import ROOT
from tests.benchmarks.table import Row, show_rows

PROGRAMS, ROUNDS, WARM_UP = 200, 1, 20
ROOM = (200, 100)
"""How many runs may be in the making at once; the second is the default, with which half of them wait."""
PATIENCE = 60.0
"""Seconds that a round may take."""


@dataclass(frozen=True, slots=True)
class Served:
    process: asyncio.subprocess.Process
    port: int

    async def told(self) -> tuple[Used, dict[str, int]]:
        """What the process has used so far, and how many of its runs have which status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        told = json.loads(await self.process.stdout.readline())
        return Used(**told["used"]), told["runs"]


@dataclass(frozen=True, slots=True)
class Rounds:
    talks: Sequence[Talk]
    seconds: float
    used: Used

    def rows(self) -> list[tuple[str, str, float]]:
        count = len(self.talks)
        firsts, wholes = [one.seen for one in self.talks], [one.over for one in self.talks]
        return [
            ("CPU a run, server (ms)", ".2f", 1000 * self.used.cpu / count),
            ("runs a second", ".1f", count / self.seconds),
            *((f"first event, p{at} (ms)", ".0f", 1000 * percentile(firsts, at)) for at in (50, 99)),
            *((f"done, p{at} (ms)", ".0f", 1000 * percentile(wholes, at)) for at in (50, 99)),
            ("peak memory, server (MB)", ".0f", self.used.memory),
        ]

    def faults(self, name: str) -> Iterator[str]:
        yield from (f"{name}: {talk.problem}" for talk in self.talks if talk.problem)


@asynccontextmanager
async def served(pieces: Sequence[str] = (), room: int = 0, profile: str = "") -> AsyncIterator[Served]:
    """Parley, or where there are pieces the bare stream of them."""
    order = json.dumps({"pieces": pieces, "room": room, "profile": profile})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.api_served", order),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Served(process, json.loads(await process.stdout.readline())["port"])
        process.stdin.close()
        await asyncio.wait_for(process.wait(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def talk(client: AsyncOpenAI, assistant: str) -> Talk:
    """One program's run, to the end of its stream."""
    since = time.perf_counter()
    seen, text, last = 0.0, "", ""
    try:
        stream: Any = await client.beta.threads.create_and_run(
            assistant_id=assistant, thread={"messages": [{"role": "user", "content": "How is Oslo?"}]}, stream=True
        )
        async for event in stream:
            seen = seen or time.perf_counter() - since
            last = event.event
            if last == "thread.message.delta":
                text += event.data.delta.content[0].text.value
    except Exception as error:  # whatever it is, this run is lost
        return Talk(seen, time.perf_counter() - since, f"a stream broke off: {error!r} {error.__cause__!r}")
    problem = "" if (last, text) == ("thread.run.completed", ANSWER) else f"a stream ended with {last} after {text!r}"
    return Talk(seen, time.perf_counter() - since, problem)


async def rounds(side: Served, client: AsyncOpenAI, assistant: str, programs: int, count: int) -> Rounds:
    talks: list[Talk] = []
    before, _ = await side.told()
    since = time.perf_counter()
    for _ in range(count):
        async with asyncio.timeout(PATIENCE):
            talks += await asyncio.gather(*(talk(client, assistant) for _ in range(programs)))
    seconds = time.perf_counter() - since
    after, _ = await side.told()
    return Rounds(talks, seconds, after - before)


async def pieces_of(port: int, assistant: str) -> list[str]:
    """The bytes of one stream, event by event."""
    asked = {"assistant_id": assistant, "thread": {"messages": [{"role": "user", "content": "?"}]}, "stream": True}
    async with httpx2.AsyncClient(trust_env=False) as client:
        url, key = f"http://127.0.0.1:{port}/v1/threads/runs", {"Authorization": f"Bearer {KEY}"}
        text = (await client.post(url, json=asked, headers=key)).text
    return [f"{event}\n\n" for event in text.split("\n\n") if event]


async def run(programs: int, count: int, room: int, profile: str) -> int:
    """The exit code."""
    async with served(room=room, profile=profile) as parley, speaking(parley) as client:
        assistant = (await client.beta.assistants.create(model="instant")).id
        pieces = await pieces_of(parley.port, assistant)
        await rounds(parley, client, assistant, WARM_UP, 1)
        async with served(pieces) as bare, speaking(bare) as other:
            await rounds(bare, other, assistant, WARM_UP, 1)
            ours = await rounds(parley, client, assistant, programs, count)
            theirs = await rounds(bare, other, assistant, programs, count)
        _, outcomes = await parley.told()
    show_rows(f"{count} x {programs} runs at once, room for {room}", _beside(ours, theirs))
    faults = [*ours.faults("Parley"), *theirs.faults("bare stream")]
    if outcomes != {"completed": 1 + WARM_UP + count * programs}:
        faults.append(f"Parley: in the store the runs are {outcomes}")
    for fault in faults or [f"none lost: {count * programs} streams whole and done, all runs completed in the store"]:
        sys.stdout.write(f"{fault}\n")
    return 1 if faults else 0


def _beside(ours: Rounds, theirs: Rounds) -> Iterator[Row]:
    for (what, form, mine), (_, _, bare) in zip(ours.rows(), theirs.rows(), strict=True):
        yield what, form, mine, bare


@asynccontextmanager
async def speaking(side: Served) -> AsyncIterator[AsyncOpenAI]:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)  # each program has one of its own
    async with (
        httpx2.AsyncClient(trust_env=False, limits=limits, timeout=PATIENCE) as http,
        AsyncOpenAI(
            base_url=f"http://127.0.0.1:{side.port}/v1", api_key=KEY, max_retries=0, http_client=http
        ) as client,
    ):
        yield client


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.api", description=__doc__)
    parser.add_argument("--programs", type=int, default=PROGRAMS, help="how many at once")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often")
    parser.add_argument("--profile", action="store_true", help="tell where the server's CPU goes; takes longer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        code = 0
        for room in ROOM:
            code |= asyncio.run(run(given.programs, given.rounds, room, str(profile) if given.profile else ""))
            if given.profile:
                sys.stdout.write(top(profile))
    sys.exit(code)


if __name__ == "__main__":
    main()
