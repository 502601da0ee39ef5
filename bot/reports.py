"""What the operator's shell shows of threads, runs and tools."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from bot.assistants.types import Run, RunStep
from bot.errors import NotFound, StoreError
from bot.settings import Settings
from bot.store import runs, steps, threads
from bot.store.database import Database

console = Console()


async def show_threads(settings: Settings, limit: int) -> None:
    """The newest threads. Raises `StoreError`."""
    database = await _open(settings)
    try:
        async with database.read() as connection:
            lines = await threads.newest_first(connection, limit)
    finally:
        await database.close()
    table = Table("thread", "begun", "messages", "where", "first message", box=None, pad_edge=False)
    for line in lines:
        table.add_row(line.id, _when(line.created_at), str(line.messages), str(line.conversation or ""), line.title)
    console.print(table if lines else "No threads yet.", markup=False)


async def show_runs(settings: Settings, thread_id: str) -> None:
    """A thread's runs with their steps. Raises `NotFound` and `StoreError`."""
    database = await _open(settings)
    try:
        async with database.read() as connection:
            if not await threads.exists(connection, thread_id):
                raise NotFound("thread", thread_id)
            found = await runs.of_thread(connection, thread_id)
            of_runs = await steps.of_runs(connection, [run.id for run in found]) if found else []
    finally:
        await database.close()
    for run in found:
        _show_run(run, [step for step in of_runs if step.run_id == run.id])
    if not found:
        console.print("No runs in this thread yet.")


def show_tools() -> None:
    """Parley's tools with their parameters."""
    from tools.registry import load

    table = Table("tool", "parameters", "what it does", box=None, pad_edge=False)
    for tool in load().values():
        required = tool.parameters.get("required", ())
        names = [name if name in required else f"[{name}]" for name in tool.parameters["properties"]]
        table.add_row(tool.name, " ".join(names).replace("[", r"\["), tool.description.split("\n")[0])
    console.print(table)


async def _open(settings: Settings) -> Database:
    if not settings.database.exists():
        raise StoreError(f"There is no database {settings.database} yet: nothing has been said.")
    return await Database.open(settings.database)


def _show_run(run: Run, of_run: Sequence[RunStep]) -> None:
    usage = run.usage
    tokens = f"{usage.total_tokens} tokens ({usage.prompt_tokens} in, {usage.completion_tokens} out)" if usage else ""
    took = f"{run.ended_at - run.created_at:.2f} s" if run.ended_at else "not over"
    console.print(f"{run.id}  {run.status}  {_when(run.created_at)}  {took}  {run.model}  {tokens}", markup=False)
    for step in of_run:
        took = f"{(step.completed_at or step.created_at) - step.created_at:.2f} s" if step.completed_at else ""
        console.print(f"  {step.id}  {step.type}  {step.status}  {took}", markup=False)
        for call in step.calls:
            state = "waiting" if call.output is None else "failed" if call.failed else "done"
            lasted = f"{call.completed_at - call.started_at:.2f} s" if call.completed_at and call.started_at else ""
            console.print(f"    {call.name}  {state}  {lasted}", markup=False)
    if run.last_error:
        console.print(f"  {run.last_error.code}: {run.last_error.message}", markup=False)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
