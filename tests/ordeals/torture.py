"""`make torture`: the real process under load, killed at random while everything around it fails; then all is counted.

`kill -9`, and SIGTERM once in five, at random instants, on the simulated Slack and the simulated Discord. Ends with 1
where an accepted message has no answer or more than one, where something is left over, or where a tool call was made
again after its output was recorded. Twice the same seed makes the same faults, at instants as alike as the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from tests.ordeals.life import GONE, Life, life
from tests.ordeals.setting import STAGES, Setting, setting
from tests.ordeals.tally import Tally

KILLS = 200
TERMS, EARLY = 0.2, 0.2
"""How many of the kills are SIGTERM, and how many come before the process is ready."""
STARTING, SERVING = (0.05, 1.5), (0.0, 1.8)
"""Seconds after the start, or after it is ready, at which it is killed."""
PAUSE, TROUBLE = 0.25, 0.4
"""Seconds between two questions, as long as few are open, and between two faults, on average."""
REASONS = ("is full", "disk I/O error", "is locked", "is in trouble", "was lost before it answered")
"""What a start that is refused may say at last."""
LIVES, TOLD = 4, 25
"""How many lives there are for each kill, at the most; and after how many it is told how far things are."""
READY, LAST = 30.0, 90.0
"""Seconds within which a process is ready, and within which the last one has to answer all that is left."""


@dataclass(slots=True)
class Ordeal:
    """What happened to the process, and what came of it."""

    platform: str
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    """Seconds that it took to stop where that was too long."""
    refused: int = 0
    """Starts that ended by themselves, since the disk was full or the database locked."""
    crashes: list[str] = field(default_factory=list)
    """What else it ended by itself with."""
    left: list[str] = field(default_factory=list)
    """What was not over when the last one had had its time."""
    never_ready: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)

    @property
    def problems(self) -> list[str]:
        late = [f"took {seconds:.1f} s to stop" for seconds in self.late]
        unready = [f"was not ready after {READY:.0f} s, {self.never_ready} times"] if self.never_ready else []
        return [*self.crashes, *late, *unready, *self.left, *self.tally.problems]


async def torture(platform: str, kills: int, seed: int, log: Path) -> Ordeal:
    ordeal, chance, begun = Ordeal(platform, seed), Random(f"kills {seed}"), time.monotonic()
    async with setting(platform, seed, log, TROUBLE) as here:
        async with life(here.variables, here.folder, log):
            if not await here.stage.ready(READY):
                raise TimeoutError("Parley did not start.")
            await here.introduce()
        async with asyncio.TaskGroup() as group:
            around = [group.create_task(here.talk(PAUSE)), group.create_task(here.trouble.go_on())]
            for lives in range(1, LIVES * kills + 1):
                if ordeal.kills.total() == kills or ordeal.crashes:
                    break
                await _one_life(here, ordeal, chance)
                if not lives % TOLD:
                    done = f"{ordeal.kills.total()} of {kills} kills, {here.asked} questions"
                    sys.stderr.write(f"{platform}, seed {seed}: {done}\n")
            for task in around:
                task.cancel()
        here.trouble.end()
        here.stage.end()
        async with life(here.variables, here.folder, log) as last:
            if not await here.rest(LAST):
                ordeal.left = [f"question {number} is still open" for number in here.left()]
                ordeal.left += [what for shown in here.stage.shown() for what in shown.unfinished] or ["not at rest"]
            if (took := await last.stop()) > GONE:
                ordeal.late.append(took)
        ordeal.tally, ordeal.troubles = here.count(), here.trouble.counts
        ordeal.tracebacks = await asyncio.to_thread(_tracebacks, log)
        if ordeal.problems:
            shutil.copy(here.database, log.with_suffix(".db"))
            await asyncio.to_thread(log.with_suffix(".seen").write_text, _seen(here, ordeal.tally))
    ordeal.seconds = time.monotonic() - begun
    return ordeal


async def _one_life(here: Setting, ordeal: Ordeal, chance: Random) -> None:
    async with life(here.variables, here.folder, here.log) as lived:
        if chance.random() < EARLY:
            await asyncio.sleep(chance.uniform(*STARTING))
        else:
            instant = chance.uniform(*SERVING)
            if not await _ready(here, lived.process):
                _ended(ordeal, lived, served=False)
                return
            await asyncio.sleep(instant)
            if lived.over:
                _ended(ordeal, lived, served=True)
                return
        if lived.over:
            _ended(ordeal, lived, served=False)
        elif chance.random() < TERMS:
            ordeal.kills["SIGTERM"] += 1
            if (took := await lived.stop()) > GONE:
                ordeal.late.append(took)
        else:
            ordeal.kills["SIGKILL"] += 1
            await lived.kill()


def _ended(ordeal: Ordeal, lived: Life, *, served: bool) -> None:
    """Nobody has killed it: it may refuse to start where the disk is full or the database locked, and say so."""
    if not lived.over:
        ordeal.never_ready += 1
        return
    code, said = lived.process.returncode, [line for line in lived.said.splitlines() if not line.startswith("{")]
    if not served and code == 1 and said and any(reason in said[-1] for reason in REASONS):
        ordeal.refused += 1
    else:
        ordeal.crashes.append(f"ended by itself with {code}: {lived.said[-500:]}")


async def _ready(here: Setting, process: asyncio.subprocess.Process) -> bool:
    """Whether it is connected; false, too, as soon as it has ended."""
    ended = asyncio.create_task(process.wait())
    connected = asyncio.create_task(here.stage.ready(READY))
    await asyncio.wait({ended, connected}, return_when=asyncio.FIRST_COMPLETED)
    ready = connected.done() and connected.result()
    for task in (ended, connected):
        task.cancel()
    await asyncio.gather(ended, connected, return_exceptions=True)
    return ready


def _seen(here: Setting, tally: Tally) -> str:
    wrong = sorted(tally.lost | tally.doubled)
    return "\n".join(f"{number}: {line}" for number in wrong for line in here.stage.seen(number))


def _tracebacks(log: Path) -> int:
    return log.read_text(errors="replace").count("Traceback (most recent call last)")


def show(ordeals: Sequence[Ordeal]) -> None:
    table = Table(title="Killed at random", title_justify="left")
    table.add_column()
    for one in ordeals:
        table.add_column(f"{one.platform}, seed {one.seed}", justify="right")
    for what, of in (
        ("kill -9", lambda one: one.kills["SIGKILL"]),
        ("SIGTERM", lambda one: one.kills["SIGTERM"]),
        ("starts that ended by themselves", lambda one: one.refused),
        ("other faults", lambda one: one.troubles.total()),
        ("questions", lambda one: one.tally.asked),
        ("accepted", lambda one: len(one.tally.accepted)),
        ("answered once, as a whole", lambda one: len(one.tally.answered & one.tally.accepted)),
        ("people were told that it failed", lambda one: len(one.tally.failed)),
        ("people were told that it was not taken in", lambda one: len(one.tally.refused)),
        ("lost", lambda one: len(one.tally.lost)),
        ("doubled or in pieces", lambda one: len(one.tally.doubled)),
        ("left over", lambda one: len(one.tally.leftovers)),
        ("tool calls made again after their record", lambda one: len(one.tally.repeated)),
        ("not shown, or still waiting", lambda one: len(one.tally.undelivered)),
        ("stops that took too long", lambda one: len(one.late)),
        ("tracebacks in the log", lambda one: one.tracebacks),
        ("seconds", lambda one: round(one.seconds)),
    ):
        table.add_row(what, *(str(of(one)) for one in ordeals))
    Console(width=100).print(table)
    for one in ordeals:
        sys.stdout.write(f"{one.platform}, seed {one.seed}: {dict(sorted(one.troubles.items()))}\n")
        for problem in one.problems:
            sys.stdout.write(f"{one.platform}, seed {one.seed}: {problem}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ordeals.torture", description=__doc__)
    parser.add_argument("--platform", choices=[*STAGES], action="append", help="where; everywhere if not said")
    parser.add_argument("--kills", type=int, default=KILLS, help="how often, on each platform and for each seed")
    parser.add_argument("--seed", type=int, action="append", help="of chance; a new one if not said")
    options = parser.parse_args()
    seeds = options.seed or [int(time.time()) % 1_000_000]
    folder = Path(tempfile.mkdtemp(prefix="parley-torture-"))
    ordeals = []
    for seed in seeds:
        for platform in options.platform or STAGES:
            log = folder / f"{platform}-{seed}.log"
            ordeals.append(asyncio.run(torture(platform, options.kills, seed, log)))
            show(ordeals[-1:])
    if len(ordeals) > 1:
        show(ordeals)
    if any(one.problems for one in ordeals):
        sys.stdout.write(f"Logs and databases: {folder}\n")
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
