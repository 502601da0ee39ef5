"""One side of a benchmark: a process of its own, on a platform of its own, and what is measured of all of them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

from tests.benchmarks.conversation import Script
from tests.benchmarks.measured import Round, Used

ROOT = Path(__file__).parents[2]
PEOPLE, CHANNELS = 50, 10
PATIENCE = 30.0
"""Seconds that a round, and a process's start and end, may take."""


@dataclass(frozen=True, slots=True)
class Child:
    """A measured process: it does its work on each line of questions, and answers with what it has used so far."""

    process: asyncio.subprocess.Process
    log: IO[bytes]
    """What it wrote to its standard error."""

    async def told(self, questions: Iterable[str] = (), *, profile: str = "") -> Used:
        """`profile`: a file for where the time goes from now on. Raises `TimeoutError` where the process does not
        answer, and `EOFError` where it is gone.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"questions": list(questions), "profile": profile}
        self.process.stdin.write(f"{json.dumps(order)}\n".encode())
        async with asyncio.timeout(PATIENCE):
            line = await self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise EOFError(f"A measured process ended too early. {self.log.read().decode(errors='replace')}")
        return Used(**json.loads(line))

    async def end(self) -> None:
        """It ends with its input, or is killed."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.process.wait()
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def child(module: str, variables: Mapping[str, str]) -> AsyncIterator[Child]:
    """A module of this package as a process, from when it is ready to the end of the block. Raises as `told` does."""
    with TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"tests.benchmarks.{module}",
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        measured = Child(process, log)
        try:
            await measured.told()
            yield measured
        finally:
            await measured.end()


class Side(Protocol):
    """An app on a platform of its own. `rounds` are those that count."""

    child: Child
    rounds: list[Round]

    async def talk(self, conversations: int) -> Round:
        """So many people ask at once, each in a conversation of their own, and get their answers."""
        ...


@dataclass(slots=True)
class Alone:
    """The core without a platform, which asks itself."""

    child: Child
    script: Script
    used: list[Used] = field(default_factory=list)

    async def talk(self, conversations: int) -> Used:
        before = await self.child.told()
        after = await self.child.told(self.script.question()[1] for _ in range(conversations))
        return after - before
