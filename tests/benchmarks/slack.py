"""`make bench-slack`: Parley on Slack beside a bare loop, fifty conversations at once, no rate limits on either side.

The simulators of Slack, OpenAI and Open-Meteo run here, each side in a process of its own, in turns. Ends with 1 where
an answer is missing, doubled or not whole, or an event was acknowledged too late.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.conversation import Model, Script
from tests.benchmarks.measured import Figures, percentile
from tests.benchmarks.profiled import top
from tests.benchmarks.side import Alone, Side, child, side
from tests.benchmarks.table import show, show_split
from tests.simulators.open_meteo import open_meteo
from tests.simulators.serve import serve
from tests.simulators.slack.announce import EVENTS

WARM_UP = 5
"""Conversations before those that count."""
SLOWEST_ACK = 1.0
"""Seconds, at the 99th percentile. Slack itself waits for three."""


@dataclass(frozen=True, slots=True)
class Options:
    conversations: int
    rounds: int
    profile: bool


async def run(options: Options) -> int:
    """The exit code."""
    script = Script()
    async with AsyncExitStack() as stack:
        variables = await _simulators(stack, script)
        parley = await stack.enter_async_context(side("parley_slack", script, variables, EVENTS))
        bare = await stack.enter_async_context(side("bare_slack", script, variables, ["app_mention"]))
        alone = Alone(await stack.enter_async_context(child("core_alone", variables)), script)
        began, busy = time.monotonic(), _cpu()
        await _measure(parley, bare, alone, options)
        share = (_cpu() - busy) / (time.monotonic() - began)
        ours, theirs = Figures(parley.rounds), Figures(bare.rounds)
        show(ours, theirs, note=f"The simulators kept {share:.0%} of one core busy meanwhile.")
        show_split(ours, theirs, alone.used)
        if options.profile:
            _say(await _profiled(parley, options))
    return _judged(ours, theirs)


async def _simulators(stack: AsyncExitStack, script: Script) -> Mapping[str, str]:
    """Where the model and the weather are, as environment variables."""
    weather = await stack.enter_async_context(open_meteo())
    model = await stack.enter_async_context(serve(Model(brain=script.brain).app))
    return {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{model}/v1",
        "OPEN_METEO_URL": weather.url,
        "OPEN_METEO_GEOCODING_URL": weather.url,
    }


async def _measure(parley: Side, bare: Side, alone: Alone, options: Options) -> None:
    """In turns, so that a machine that slows down slows all."""
    for one in (parley, bare, alone):
        await one.talk(WARM_UP)
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


def _judged(parley: Figures, bare: Figures) -> int:
    faults = [*(f"Parley: {one}" for one in parley.problems), *(f"bare loop: {one}" for one in bare.problems)]
    for name, figures in (("Parley", parley), ("bare loop", bare)):
        if (slowest := percentile(figures.acks, 99)) >= SLOWEST_ACK:
            faults.append(f"{name}: acknowledged after {slowest:.2f} s (p99)")
    for fault in faults:
        _say(fault)
    return 1 if faults else 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.slack", description=__doc__)
    parser.add_argument("--conversations", type=int, default=50, help="how many at once")
    parser.add_argument("--rounds", type=int, default=3, help="how often, on each side")
    parser.add_argument("--profile", action="store_true", help="tell where Parley's CPU goes; takes longer")
    sys.exit(asyncio.run(run(Options(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
