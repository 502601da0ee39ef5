"""A process of the core's benchmark: does one `Task`, writes what it `Found` as a line of JSON, and ends.

Parley runs whole, but for its platform and its model, which take no time and are in this process, too.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2

from bot import log
from bot.app import Core, running
from bot.clock import SystemClock
from tests.benchmarks.bare_core import BareLoop
from tests.benchmarks.child import memory, used
from tests.benchmarks.instant import MODEL, REGISTRY, Gate, InstantModel
from tests.benchmarks.screen import Screen
from tests.benchmarks.stuffed import lengthen, multiply, thread_of
from tests.benchmarks.task import Found, Task
from tests.counted import counted
from tests.parley import settings_for

COUNTED = 3
"""Turns whose statements are counted, after those whose time is taken."""
WARM_UP = 5
"""Turns before those that count."""


@dataclass(slots=True)
class Meter:
    """What this process has used since the meter was made."""

    _began: float = field(default_factory=time.perf_counter)
    _used: dict[str, float] = field(default_factory=used)

    def read(self, turns: int) -> Found:
        seconds, now = time.perf_counter() - self._began, used()
        cpu, beside = (now[name] - self._used[name] for name in ("cpu", "beside"))
        return Found(turns, seconds, cpu, beside)


@contextmanager
def profiled(path: str) -> Iterator[None]:
    """`path`: a file for the profile; none is made where it is empty."""
    if not path:
        yield
        return
    profile = cProfile.Profile()
    with profile:
        yield
    profile.dump_stats(path)


async def measure(task: Task, model: InstantModel | None = None) -> Found:
    model = model or InstantModel()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parley.db"
        match task.kind:
            case "bare":
                return await _bare(task, model)
            case "parley":
                return await _parley(task, path, model)
            case "late" | "behind":
                return await _waiting(task, path, model)
            case "long":
                return await _long(task, path, model)
            case "none" | "stored" | "answered" | "streaming":
                return await _memory(task, path, model)


# -- many at once -----------------------------------------------------------------------------------------------


async def _bare(task: Task, model: InstantModel) -> Found:
    screen = Screen()
    async with httpx2.AsyncClient() as http:
        loop = BareLoop(model, screen, http)
        await _talk(screen, WARM_UP, 1, loop.ask_and_wait)
        meter = Meter()
        with profiled(task.profile):
            await _talk(screen, task.turns, task.at_once, loop.ask_and_wait)
    return _found(meter.read(task.turns), screen, WARM_UP)


async def _parley(task: Task, path: Path, model: InstantModel) -> Found:
    screen = Screen()
    async with _serving(task, path, screen, model) as core:
        await _talk(screen, WARM_UP, 1, screen.ask_and_wait)
        await core.quiet()
        meter = Meter()
        with profiled(task.profile):
            if await _within(task.patience, _talk(screen, task.turns, task.at_once, screen.ask_and_wait)):
                await core.quiet()
        return _found(meter.read(task.turns), screen, WARM_UP)


async def _talk(screen: Screen, turns: int, at_once: int, ask: Any) -> None:
    """So many people ask at once, and again in another thread when they have their answer, until all is asked."""
    numbers = iter(range(len(screen.shown) + 1, len(screen.shown) + 1 + turns))

    async def person() -> None:
        for number in numbers:
            await ask(number)

    await asyncio.gather(*(person() for _ in range(at_once)))


async def _waiting(task: Task, path: Path, model: InstantModel) -> Found:
    """`late`: more ask at once than there is room for. `behind`: each asks a second time before the first answer."""
    screen = Screen()
    model.gate = Gate()
    behind = task.kind == "behind"
    async with _serving(task, path, screen, model) as core:
        threads = task.turns // 2 if behind else task.turns
        meter = Meter()
        with profiled(task.profile):
            for number in range(1, task.turns + 1):
                await screen.ask(number, thread=f"w{number % threads}")
            model.gate.opened.set()
            await _within(task.patience, core.quiet())
        return _found(meter.read(task.turns), screen)


# -- long threads -----------------------------------------------------------------------------------------------


async def _long(task: Task, path: Path, model: InstantModel) -> Found:
    """Turns one after the other in threads that hold `old` messages each; in short ones, one a thread."""
    await one_turn(task, path, "long", model)
    threads = task.turns + WARM_UP + COUNTED if task.old < 200 else 1
    thread_id = thread_of(path, "long")
    lengthen(path, thread_id, task.old)
    multiply(path, thread_id, threads - 1)
    names = ["long", *(f"long+{number}" for number in range(1, threads))]
    screen = Screen()
    async with _serving(task, path, screen, model) as core:

        async def talk(first: int, turns: int) -> None:
            for number in range(first, first + turns):
                await screen.ask_and_wait(number, names[number % threads])
            await core.quiet()

        await talk(2, WARM_UP)
        meter = Meter()
        with profiled(task.profile):
            await talk(2 + WARM_UP, task.turns)
        found = _found(meter.read(task.turns), screen, WARM_UP)
        with counted(core.database) as cost:
            await talk(2 + WARM_UP + task.turns, COUNTED)
    counts = cost.transactions / COUNTED, len(cost.statements) / COUNTED
    return replace(found, transactions=counts[0], statements=counts[1])


async def one_turn(task: Task, path: Path, name: str, model: InstantModel) -> None:
    screen = Screen()
    async with _serving(task, path, screen, model) as core:
        await screen.ask_and_wait(1, name)
        await core.quiet()


# -- memory -----------------------------------------------------------------------------------------------------


async def _memory(task: Task, path: Path, model: InstantModel) -> Found:
    """`stored`: beside threads of another life. `answered`: after so many threads. `streaming`: in mid-answer."""
    await one_turn(task, path, "idle", model)
    if task.kind == "stored":
        multiply(path, thread_of(path, "idle"), task.old)
    screen = Screen()
    model.gate = Gate()
    async with _serving(task, path, screen, model) as core:
        if task.kind != "streaming":
            model.gate.opened.set()
            await _talk(screen, WARM_UP, 1, screen.ask_and_wait)
        if task.kind == "answered":
            await _within(task.patience, _talk(screen, task.turns, task.at_once, screen.ask_and_wait))
        if task.kind == "streaming":
            asked = [screen.ask(number) for number in range(1, task.turns + 1)]
            await _within(task.patience, asyncio.gather(*asked))
            await _within(task.patience, model.gate.until(task.turns))
            await asyncio.sleep(0)
        else:
            await core.quiet()
        gc.collect()
        now = memory("VmRSS", 0.0)
        model.gate.opened.set()
        await _within(task.patience, core.quiet())
        return replace(_found(Found(len(screen.shown)), screen), memory=now, peak=used()["memory"])


# -- what all of them need --------------------------------------------------------------------------------------


def _serving(task: Task, path: Path, screen: Screen, model: InstantModel) -> AbstractAsyncContextManager[Core]:
    log.configure("info", "json")
    settings = settings_for(path, model=MODEL, flood_limit=0, max_concurrent_runs=task.runs)
    return running(settings, [screen], model=model, registry=REGISTRY, clock=SystemClock())


async def _within(seconds: float, work: Awaitable[Any]) -> bool:
    """False where it takes longer: what is missing then is found in the answers."""
    with suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)
        return True
    return False


def _found(found: Found, screen: Screen, warm_up: int = 0) -> Found:
    """With what the screen has seen, and what is wrong with it."""
    shown = list(screen.shown.values())[warm_up:]
    whole = [one for one in shown if one.whole]
    firsts, wholes = [one.first - one.accepted for one in whole], [one.whole - one.accepted for one in whole]
    problems = list(screen.problems())
    if len(shown) < found.turns:
        problems.append(f"{found.turns - len(shown)} questions could not even be asked")
    return replace(found, firsts=firsts, wholes=wholes, problems=problems)


def main() -> None:
    task = Task(**json.loads(sys.argv[1]))
    found = asyncio.run(measure(task))
    sys.stdout.write(f"{json.dumps(asdict(found))}\n")


if __name__ == "__main__":
    main()
