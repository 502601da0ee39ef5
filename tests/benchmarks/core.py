"""`make bench`: what the core takes, with a model, tools and a platform that take no time. Each figure is measured in a
process of its own.

Ends with 1 where an answer is missing, doubled or not as the model said it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console, RenderableType

from tests.benchmarks import core_tables as tables
from tests.benchmarks.profiled import top
from tests.benchmarks.side import ROOT
from tests.benchmarks.starts import Took, starts
from tests.benchmarks.task import Found, Task

BARE = 10
"""Turns of the bare loop for one of the core's."""
LONGEST = 300.0
"""Seconds that a measured process may take."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    turns: Sequence[tuple[int, int]] = ((1, 200), (10, 300), (100, 600), (1000, 2000))
    """How many talk at once, and how many turns they have together."""
    waiting: int = 1000
    old: Sequence[int] = (10, 200, 1_000, 50_000)
    """Messages in a thread."""
    old_turns: int = 100
    idle: int = 10_000
    answered: Sequence[int] = (1_000, 2_000)
    streaming: int = 1_000
    starts: int = 5
    stored: int = 50_000
    beside: int = 1
    """Processes that are measured at the same time."""


QUICK = Sizes(((20, 40),), 40, (10, 400), 5, 200, (40,), 40, 1, 0, beside=2)

Report = Callable[[RenderableType], None]
Measure = Callable[[Task], Found]


@dataclass(frozen=True, slots=True)
class Bench:
    """`measure` does a task and returns what it found, here or elsewhere; `report` shows a table."""

    sizes: Sizes
    measure: Measure
    report: Report

    def run(self, names: Sequence[str]) -> list[str]:
        """The parts of these names; returns what is wrong with any answer."""
        return [fault for name in names for fault in PARTS[name](self)]

    def _each(self, tasks: Iterable[Task]) -> list[Found]:
        with ThreadPoolExecutor(self.sizes.beside) as pool:
            return list(pool.map(self.measure, tasks))

    def turns(self) -> Iterator[str]:
        pairs: list[tuple[Task, Found, Found]] = []
        for at_once, turns in self.sizes.turns:
            ours = Task("parley", turns, at_once)
            bare = Task("bare", BARE * turns, at_once)
            found, theirs = self._each([ours, bare])
            pairs.append((ours, found, theirs))
        self.report(tables.turns(pairs))
        self.report(tables.times(pairs))
        for ours, found, theirs in pairs:
            yield from _faults(f"{ours.at_once} at once", found)
            yield from _faults(f"{ours.at_once} at once, bare loop", theirs)

    def waiting(self) -> Iterator[str]:
        turns = self.sizes.waiting
        tasks = {
            f"{turns:,} ask at once, 100 have room": Task("late", turns),
            f"{turns // 2:,} ask twice before the first answer": Task("behind", turns, limit=turns),
        }
        rows = list(zip(tasks, self._each(tasks.values()), strict=True))
        self.report(tables.waiting(rows))
        yield from (fault for name, found in rows for fault in _faults(name, found))

    def threads(self) -> Iterator[str]:
        turns = self.sizes.old_turns
        tasks = {f"{old:,}": Task("long", turns, old=old) for old in self.sizes.old}
        rows = list(zip(tasks, self._each(tasks.values()), strict=True))
        self.report(tables.threads(rows))
        yield from (fault for name, found in rows for fault in _faults(f"{name} messages", found))

    def memory(self) -> Iterator[str]:
        sizes, some = self.sizes, self.sizes.streaming
        tasks = [
            ("nothing", Task("none"), 0),
            (f"{sizes.idle:,} idle threads, stored before the start", Task("stored", old=sizes.idle), sizes.idle),
            *((f"{count:,} threads answered", Task("answered", count, 100), count) for count in sizes.answered),
            (f"{some:,} answers on their way", Task("streaming", some, some), some),
        ]
        measured = self._each(task for _, task, _ in tasks)
        rows = [(name, found, threads) for (name, _, threads), found in zip(tasks, measured, strict=True)]
        self.report(tables.memory(rows))
        yield from (fault for name, found, _ in rows for fault in _faults(name, found))

    def start(self) -> Iterator[str]:
        async def collected() -> list[Took]:
            return [took async for took in starts(self.sizes.starts, self.sizes.stored)]

        self.report(tables.start(asyncio.run(collected()), self.sizes.stored))
        yield from ()


PARTS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "turns": Bench.turns,
    "waiting": Bench.waiting,
    "threads": Bench.threads,
    "memory": Bench.memory,
    "start": Bench.start,
}


def _faults(name: str, found: Found) -> Iterator[str]:
    yield from (f"{name}: {problem}" for problem in found.problems)


def in_a_process(task: Task) -> Found:
    """Do the task in a process of its own. Raises `CalledProcessError` where that fails, after what it said."""
    order = json.dumps(asdict(task))
    module = "tests.benchmarks.core_side"
    with tempfile.TemporaryFile("w+") as log:
        words = [sys.executable, "-m", module, order]
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, timeout=LONGEST, check=False)
        if done.returncode:
            log.seek(0)
            sys.stderr.write(log.read())
        done.check_returncode()
    return Found(**json.loads(done.stdout))


def profiling(task: Task) -> Found:
    """As `in_a_process`, and tell where the time of the main thread goes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        found = in_a_process(replace(task, profile=str(path)))
        if path.exists():
            sys.stdout.write(f"{task}\n{top(path)}\n")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.core", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts, to see that it works")
    parser.add_argument("--profile", action="store_true", help="tell where the CPU goes; takes longer")
    parser.add_argument("--only", choices=PARTS, metavar="NAME", help=f"one part: {', '.join(PARTS)}")
    given = parser.parse_args()
    measure = profiling if given.profile else in_a_process
    bench = Bench(QUICK if given.quick else Sizes(), measure, Console(width=120).print)
    faults = bench.run([given.only] if given.only else list(PARTS))
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
