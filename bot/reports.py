"""What the operator's shell shows of threads, runs, tools and keys."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from bot.assistants.types import Run, RunStep, Usage
from bot.errors import NotFound
from bot.settings import Settings
from bot.store import keys, runs, steps, threads
from bot.store.database import Database
from bot.tenants import DEFAULT
from bot.view import one_line


def _console() -> Console:
    """Wraps in a terminal only: what other programs read stays a line a row."""
    wide = None if sys.stdout.isatty() else 1000
    return Console(width=wide, markup=False, emoji=False, highlight=False, soft_wrap=wide is not None)


def _table(*columns: str) -> Table:
    """The first column, an id or a name, is never cut."""
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    return table


async def show_threads(settings: Settings, limit: int) -> None:
    """The newest threads. Raises `StoreError`."""
    database = await Database.look(settings.database)
    try:
        lines = await database.read(lambda c: threads.newest_first(c, limit))
    finally:
        await database.close()
    table = _table("thread", "begun", "messages", "where", "first message")
    for line in lines:
        where = str(line.conversation or "")
        table.add_row(line.id, _when(line.created_at), str(line.messages), where, one_line(line.title))
    _console().print(table if lines else "No threads yet.")


async def show_runs(settings: Settings, thread_id: str) -> None:
    """A thread's runs with their steps. Raises `NotFound` and `StoreError`."""
    database = await Database.look(settings.database)
    try:
        if not await database.read(lambda c: threads.exists(c, thread_id)):
            raise NotFound("thread", thread_id)
        found = await database.read(lambda c: runs.of_thread(c, thread_id))
        of_runs = await database.read(lambda c: steps.of_runs(c, [run.id for run in found])) if found else []
    finally:
        await database.close()
    for run in found:
        _show_run(run, [step for step in of_runs if step.run_id == run.id])
    if not found:
        _console().print("No runs in this thread yet.")


def show_tools() -> None:
    """Parley's tools with their parameters."""
    from tools.registry import load

    table = _table("tool", "parameters", "what it does")
    for tool in load().values():
        required = tool.parameters.get("required", ())
        names = [name if name in required else f"[{name}]" for name in tool.parameters["properties"]]
        table.add_row(tool.name, " ".join(names), tool.description.split("\n")[0])
    _console().print(table)


async def show_keys(settings: Settings) -> None:
    """The keys of programs by their names, without what they read. Raises `StoreError`."""
    database = await Database.look(settings.database)
    try:
        found = await database.read(keys.every)
    finally:
        await database.close()
    table = _table("key", "opens", "made")
    if settings.api_key:
        table.add_row("API_KEY", str(DEFAULT), "a setting")
    for key in found:
        table.add_row(key.name, str(key.tenant), _when(key.created_at))
    _console().print(table if table.row_count else "No keys yet. Make one with `parley api key create NAME`.")


def _show_run(run: Run, of_run: Sequence[RunStep]) -> None:
    show = _console().print
    took = _took(run.created_at, run.ended_at) or "not over"
    show("  ".join((run.id, run.status, _when(run.created_at), took, run.model, _tokens(run.usage))).rstrip())
    for step in of_run:
        took = _took(step.created_at, step.completed_at)
        show("  ".join(("", step.id, step.type, step.status, took, _tokens(step.usage))).rstrip())
        for call in step.calls:
            state = "waiting" if call.output is None else "failed" if call.failed else "done"
            show("  ".join(("", "", one_line(call.name), state, _took(call.started_at, call.completed_at))).rstrip())
    if run.last_error:
        show(f"  {run.last_error.code}: {one_line(run.last_error.message)}")


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return ""
    return f"{usage.total_tokens} tokens ({usage.prompt_tokens} in, {usage.completion_tokens} out)"


def _took(start: float | None, end: float | None) -> str:
    return "" if start is None or end is None else f"{end - start:.2f} s"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
