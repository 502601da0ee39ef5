"""`make bench-discord`: Parley on Discord beside a bare loop, fifty conversations at once: first without rate limits on
either side, then with Discord's.

Ends with 1 where an answer is missing, doubled, not whole or outside of its thread, a command was acknowledged too
late, or Discord refused a call of Parley's because there were too many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

from adapters.discord import limits
from tests.benchmarks.buckets import Buckets
from tests.benchmarks.compared import Bench, Options, Variables, faults_of, main
from tests.benchmarks.conversation import Script
from tests.benchmarks.discord_side import FOLLOW_UPS, DiscordSide, discord_side
from tests.benchmarks.measured import Figures
from tests.benchmarks.table import Row, show_rows, times
from tests.simulators.discord.limits import GLOBAL


async def limited(script: Script, variables: Variables, options: Options) -> Sequence[str]:
    """The same where Discord counts. Two rounds, of which the first has no earlier threads to go on with."""
    async with AsyncExitStack() as stack:
        parley, bare = [
            await stack.enter_async_context(discord_side(module, script, variables, limits=True))
            for module in ("parley_discord", "bare_discord")
        ]
        for _ in range(2):
            for side in (parley, bare):
                side.rounds.append(await side.talk(options.conversations))
    ours = Figures(parley.rounds)
    show_rows(f"Within Discord's limits, {ours.turns} turns a side", _rows(parley, bare))
    refused = parley.world.limited
    return [*faults_of("Parley", ours), *([f"Parley: {refused} calls were too many for Discord"] if refused else [])]


def _rows(parley: DiscordSide, bare: DiscordSide) -> Iterator[Row]:
    ours, theirs = Figures(parley.rounds), Figures(bare.rounds)
    yield from times(ours, theirs)
    yield "turns a second", ".1f", ours.turns_a_second, theirs.turns_a_second
    yield "API calls a turn", ".2f", sum(ours.calls.values()), sum(theirs.calls.values())
    yield "edits an answer", ".2f", sum(ours.edits) / ours.turns, sum(theirs.edits) / theirs.turns
    yield "edits an answer, at the most", "d", max(ours.edits), max(theirs.edits)
    yield "calls that were refused (429)", "d", parley.world.limited, bare.world.limited
    yield from _fullest(_buckets(parley), _buckets(bare))


def _fullest(ours: Buckets, theirs: Buckets) -> Iterator[Row]:
    yield f"calls in the busiest second, of {GLOBAL[0]}", "d", ours.busiest, theirs.busiest
    for kind, size in sorted({**ours.sizes, **theirs.sizes}.items()):
        yield f"calls in the fullest bucket of {kind}, of {size}", "d", ours.most[kind], theirs.most[kind]


def _buckets(side: DiscordSide) -> Buckets:
    assert isinstance(side.world.limits, Buckets)
    return side.world.limits


BENCH = Bench(
    platform="Discord",
    parley=lambda script, variables: discord_side("parley_discord", script, variables),
    bare=lambda script, variables: discord_side("bare_discord", script, variables),
    alone={"RHYTHM": str(limits.RHYTHM.seconds), "FOLLOW_UPS": str(FOLLOW_UPS)},
    warm_up=50,
    further=limited,
)

if __name__ == "__main__":
    main(BENCH, __doc__)
