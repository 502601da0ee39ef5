"""Parley beside a bare loop on one platform: both sides in turns, their tables, and what is wrong with either.

The simulators of the platform, OpenAI and Open-Meteo run here, each side in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.conversation import Model, Script
from tests.benchmarks.measured import Figures, percentile
from tests.benchmarks.profiled import top
from tests.benchmarks.side import Alone, Side, child
from tests.benchmarks.table import show, show_split
from tests.simulators.open_meteo import open_meteo
from tests.simulators.serve import serve

SLOWEST_ACK = 1.0
"""Seconds, at the 99th percentile. Slack and Discord wait for three."""

Variables = Mapping[str, str]
"""Of a process's environment."""
Begin = Callable[[Script, Variables], AbstractAsyncContextManager[Side]]


@dataclass(frozen=True, slots=True)
class Options:
    conversations: int
    rounds: int
    profile: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """What is compared."""

    platform: str
    parley: Begin
    bare: Begin
    alone: Variables
    """For the core alone."""
    warm_up: int
    """Conversations before those that count."""
    further: Callable[[Script, Variables, Options], Awaitable[Sequence[str]]] | None = None
    """Another part: shows what it measured, and returns what is wrong."""


async def run(bench: Bench, options: Options) -> int:
    """The exit code."""
    script = Script()
    async with AsyncExitStack() as stack:
        variables = await _simulators(stack, script)
        faults = await _compare(bench, script, variables, options)
        if bench.further:
            faults += await bench.further(script, variables, options)
    for fault in faults:
        _say(fault)
    return 1 if faults else 0


def faults_of(name: str, figures: Figures) -> Iterator[str]:
    yield from (f"{name}: {one}" for one in figures.problems)
    if (slowest := percentile(figures.acks, 99)) >= SLOWEST_ACK:
        yield f"{name}: acknowledged after {slowest:.2f} s (p99)"


async def _simulators(stack: AsyncExitStack, script: Script) -> Variables:
    """Where the model and the weather are."""
    weather = await stack.enter_async_context(open_meteo())
    model = await stack.enter_async_context(serve(Model(brain=script.brain).app))
    return {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{model}/v1",
        "OPEN_METEO_URL": weather.url,
        "OPEN_METEO_GEOCODING_URL": weather.url,
    }


async def _compare(bench: Bench, script: Script, variables: Variables, options: Options) -> list[str]:
    async with AsyncExitStack() as stack:
        parley = await stack.enter_async_context(bench.parley(script, variables))
        bare = await stack.enter_async_context(bench.bare(script, variables))
        core = await stack.enter_async_context(child("core_alone", {**variables, **bench.alone}))
        alone = Alone(core, script)
        for one in (parley, bare, alone):
            await one.talk(bench.warm_up)
        began, busy = time.monotonic(), _cpu()
        await _measure(parley, bare, alone, options)
        share = (_cpu() - busy) / (time.monotonic() - began)
        ours, theirs = Figures(parley.rounds), Figures(bare.rounds)
        show(ours, theirs, note=f"The simulators kept {share:.0%} of one core busy meanwhile.")
        show_split(bench.platform, ours, theirs, alone.used)
        if options.profile:
            _say(await _profiled(parley, options))
    return [*faults_of("Parley", ours), *faults_of("bare loop", theirs)]


async def _measure(parley: Side, bare: Side, alone: Alone, options: Options) -> None:
    """In turns, so that a machine that slows down slows all."""
    for _ in range(options.rounds):
        parley.rounds.append(await parley.talk(options.conversations))
        bare.rounds.append(await bare.talk(options.conversations))
        alone.used.append(await alone.talk(options.conversations))


async def _profiled(parley: Side, options: Options) -> str:
    """The functions of Parley's main thread that take most in one more round. Ends the process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        await parley.child.told(profile=str(path))
        await parley.talk(options.conversations)
        await parley.child.end()
        return top(path)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(bench: Bench, description: str | None) -> None:
    prog = f"python -m tests.benchmarks.{bench.platform.lower()}"
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--conversations", type=int, default=50, help="how many at once")
    parser.add_argument("--rounds", type=int, default=3, help="how often, on each side")
    parser.add_argument("--profile", action="store_true", help="tell where Parley's CPU goes; takes longer")
    sys.exit(asyncio.run(run(bench, Options(**vars(parser.parse_args())))))
