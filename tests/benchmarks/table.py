"""The figures of both sides, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measured import Figures, Used, percentile

Row = tuple[str, str, float, float]
"""What, in which form, and how much of it on either side."""


def show(parley: Figures, bare: Figures, *, note: str) -> None:
    title = f"{parley.turns} turns a side"
    show_rows(title, [*times(parley, bare), *_costs(parley, bare), *_calls(parley, bare)], note=note)


def show_rows(title: str, rows: Iterable[Row], *, note: str = "") -> None:
    table = Table(title=title, title_justify="left", caption=note, caption_justify="left")
    table.add_column()
    for heading in ("Parley", "bare loop", "ratio"):
        table.add_column(heading, justify="right")
    for what, form, ours, theirs in rows:
        ratio = f"{ours / theirs:.2f}" if theirs and isfinite(ours) and isfinite(theirs) else "–"
        table.add_row(what, format(ours, form), format(theirs, form), ratio)
    Console(width=100).print(table)


def times(parley: Figures, bare: Figures) -> Iterator[Row]:
    for what, ours, theirs in (
        ("acknowledged", parley.acks, bare.acks),
        ("first thing seen", parley.seen, bare.seen),
        ("whole answer", parley.over, bare.over),
    ):
        for percent in (50, 99):
            yield (
                f"{what}, p{percent} (ms)",
                ".0f",
                1000 * percentile(ours, percent),
                1000 * percentile(theirs, percent),
            )


def _costs(parley: Figures, bare: Figures) -> Iterator[Row]:
    yield "turns a second", ".1f", parley.turns_a_second, bare.turns_a_second
    yield "CPU a turn (ms)", ".1f", 1000 * parley.cpu, 1000 * bare.cpu
    yield "peak memory (MB)", ".0f", parley.memory, bare.memory
    yield "events a turn", ".2f", parley.events, bare.events


def _calls(parley: Figures, bare: Figures) -> Iterator[Row]:
    yield "API calls a turn", ".2f", sum(parley.calls.values()), sum(bare.calls.values())
    for method in sorted(parley.calls.keys() | bare.calls.keys()):
        yield f"  {method}", ".2f", parley.calls.get(method, 0.0), bare.calls.get(method, 0.0)


def show_split(platform: str, parley: Figures, bare: Figures, alone: Sequence[Used]) -> None:
    """Where Parley's CPU goes, in milliseconds a turn. `alone`: the core without the platform in the same rounds."""
    turn = 1000 / parley.turns
    core, store = turn * sum(one.cpu for one in alone), turn * sum(one.beside for one in alone)
    table = Table("CPU a turn", title="Where it goes", title_justify="left")
    table.add_column("ms", justify="right")
    for what, took in (
        ("the core's main thread: model, tools, runs", core - store),
        ("the core's other threads: SQLite", store),
        (f"{platform}: events in, answers out", 1000 * parley.cpu - core),
        ("Parley in all", 1000 * parley.cpu),
        ("the bare loop in all", 1000 * bare.cpu),
    ):
        table.add_row(what, f"{took:.1f}")
    Console(width=100).print(table)
