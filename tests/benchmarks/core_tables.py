"""The figures of the core's benchmark, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from rich.table import Table

from tests.benchmarks.measured import percentile
from tests.benchmarks.starts import AIM, Took
from tests.benchmarks.task import Found, Task

TIMES = ("first p50", "first p99", "whole p50", "whole p99")


def turns(pairs: Iterable[tuple[Task, Found, Found]]) -> Table:
    table = _table(
        "Turns with one or two tools, each in a thread of its own",
        "at once",
        ["CPU, bare loop = 1", "CPU a turn (ms)", "bare loop", "other threads", "turns/s", "bare loop", "turns"],
        ["runs at most"],
        note="Runs at most: MAX_CONCURRENT_RUNS, raised above its default where more ask at once.",
    )
    for task, ours, bare in pairs:
        table.add_row(
            f"{task.at_once:,}",
            _ratio(ours.cost, bare.cost, ".0f"),
            f"{ours.cost:.2f}",
            f"{bare.cost:.2f}",
            _share(ours),
            f"{ours.rate:.0f}",
            f"{bare.rate:.0f}",
            f"{ours.turns:,}",
            f"{task.runs:,}",
        )
    return table


def times(pairs: Iterable[tuple[Task, Found, Found]]) -> Table:
    note = "All ask at once and again when they are answered: with many of them, most of it is spent waiting."
    table = _table("From the acceptance to what is shown, ms", "at once", TIMES, ["bare loop, whole p50"], note=note)
    for task, ours, bare in pairs:
        table.add_row(f"{task.at_once:,}", *_times(ours), _times(bare)[2])
    return table


def waiting(rows: Iterable[tuple[str, Found]]) -> Table:
    title = "Messages that wait for room, or for the answer before them; times in ms from the acceptance"
    table = _table(title, "", ["turns/s", "CPU a turn (ms)", "other threads"], TIMES)
    for name, found in rows:
        table.add_row(name, f"{found.rate:.0f}", f"{found.cost:.2f}", _share(found), *_times(found))
    return table


def threads(rows: Sequence[tuple[str, Found]]) -> Table:
    columns = ["CPU a turn (ms)", f"ratio to {rows[0][0]}", "transactions", "statements", "whole p50 (ms)", "p99"]
    note = "What is read of a thread grows until its newest 200 messages are read: from there on it should be flat."
    table = _table("A turn in a long thread", "messages in it", columns, note=note)
    for name, found in rows:
        table.add_row(
            name,
            f"{found.cost:.2f}",
            _ratio(found.cost, rows[0][1].cost, ".2f"),
            f"{found.transactions:.2f}",
            f"{found.statements:.2f}",
            *_times(found)[2:],
        )
    return table


def memory(rows: Sequence[tuple[str, Found, int]]) -> Table:
    table = _table("Memory of the process", "with", ["MB now", "MB at most", "more than with nothing (KB a thread)"])
    nothing = rows[0][1].memory
    for name, found, count in rows:
        each = f"{1024 * (found.memory - nothing) / count:.1f}" if count else "–"
        table.add_row(name, f"{found.memory:.1f}", f"{found.peak:.1f}", each)
    return table


def start(rows: Iterable[Took], messages: int) -> Table:
    note = f"The median of each. The aim is {AIM} s."
    table = _table("From start to ready", "", ["database", "seconds"], note=note)
    for took in rows:
        database = f"{messages:,} messages, {took.megabytes:.0f} MB" if took.megabytes else "–"
        table.add_row(took.what, database, f"{took.seconds:.2f}")
    return table


def _table(title: str, first: str, *columns: Sequence[str], note: str = "") -> Table:
    table = Table(first, title=title, title_justify="left", caption=note, caption_justify="left")
    for heading in (one for some in columns for one in some):
        table.add_column(heading, justify="right")
    return table


def _times(found: Found) -> list[str]:
    return [f"{1000 * percentile(some, percent):.1f}" for some in (found.firsts, found.wholes) for percent in (50, 99)]


def _share(found: Found) -> str:
    """What other threads than the main one took of the CPU."""
    return f"{found.beside / found.cpu:.0%}" if found.cpu else "–"


def _ratio(ours: float, theirs: float, form: str) -> str:
    return format(ours / theirs, form) if theirs and isfinite(ours) else "–"
