"""Run steps and their tool calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import LastError, Run, RunStep, ToolCall, Usage
from bot.errors import Superseded
from bot.store import shown
from bot.store.runs import HELD, HELD_IN, holding
from bot.store.schema import run_steps, tool_calls
from bot.store.schema import runs as runs_table

KEPT = (
    "id",
    "run_id",
    "thread_id",
    "assistant_id",
    "created_at",
    "type",
    "message_id",
    "ended_status",
    "ended_at",
    "usage",
    "last_error",
    "provider",
    "items",
    "metadata",
)
"""What is kept of a step."""

# Each is given as `new_…`: an INSERT has the plain name for itself.
_ROW = select(*(bindparam(f"new_{name}", type_=run_steps.c[name].type) for name in KEPT))
_ADD = insert(run_steps).from_select(KEPT, _ROW.where(select(runs_table.c.id).where(HELD_IN).exists()))
_ADD_CALLS = insert(tool_calls)


async def add(tx: AsyncConnection, steps: Sequence[RunStep], owner: str, was: str) -> None:
    """Append steps of one run with their calls. Raises `Superseded` where it is not `owner`'s or not in `was`."""
    for step in steps:
        given = {f"new_{name}": value for name, value in _values(step).items()}
        added = await tx.execute(_ADD, {**given, **holding(step.run_id, owner), "was": was})
        if added.rowcount != 1:
            raise Superseded(f"Run '{step.run_id}' is no longer {was}, or no longer ours.")
    calls = [
        {"run_id": step.run_id, "step_id": step.id, "number": number, **_recorded(call)}
        for step in steps
        for number, call in enumerate(step.calls)
    ]
    if calls:
        await tx.execute(_ADD_CALLS, calls)


_ONE_CALL = (tool_calls.c.run_id == bindparam("of_run"), tool_calls.c.id == bindparam("of_call"))
_RECORD = update(tool_calls).where(*_ONE_CALL, tool_calls.c.output.is_(None))
_RECORD_OURS = _RECORD.where(select(runs_table.c.id).where(HELD).exists())
_RECORDED = select(tool_calls.c.id).where(*_ONE_CALL, tool_calls.c.output.is_not(None))


async def record_outputs(tx: AsyncConnection, run_id: str, calls: Sequence[ToolCall], owner: str | None) -> None:
    """Put outputs on their calls. One that has an output keeps it.

    Raises `Superseded` where the run is not `owner`'s any more (None: whoever drives it).
    """
    record, ours = (_RECORD_OURS, holding(run_id, owner)) if owner else (_RECORD, {"of_run": run_id})
    for call in calls:
        values = {name: getattr(call, name) for name in ("output", "failed", "started_at", "completed_at")}
        if (await tx.execute(record, {**values, **ours, "of_call": call.id})).rowcount == 1:
            await shown.add(tx, run_id, call)
            continue
        if (await tx.execute(_RECORDED, {"of_run": run_id, "of_call": call.id})).first() is None:
            raise Superseded(f"Run '{run_id}' is no longer ours.")


async def allow(tx: AsyncConnection, run_id: str, call_ids: Sequence[str]) -> None:
    """These calls wait for nobody outside any more."""
    here = (tool_calls.c.run_id == run_id, tool_calls.c.id.in_(call_ids))
    await tx.execute(update(tool_calls).where(*here).values(outside=False))


async def end_open(tx: AsyncConnection, run: Run) -> None:
    """End the steps of a run that broke off before all their calls had an output."""
    match run.status:
        case "cancelled" | "expired" | "failed":
            unanswered = select(tool_calls.c.step_id).where(
                tool_calls.c.run_id == run.id, tool_calls.c.output.is_(None)
            )
            await tx.execute(
                update(run_steps)
                .where(run_steps.c.run_id == run.id, run_steps.c.id.in_(unanswered))
                .values(ended_status=run.status, ended_at=run.ended_at)
            )
        case _:
            pass  # the others end after a model call, with no call open


def _with_calls(*columns: Any) -> Select[Any]:
    """A row for each call of the steps, and for each step without calls."""
    call = ("name", "arguments", "outside", "output", "failed", "started_at", "completed_at")
    return (
        select(*columns, tool_calls.c.id.label("call_id"), *(tool_calls.c[name] for name in call))
        .outerjoin(tool_calls, tool_calls.c.step_id == run_steps.c.id)
        .where(run_steps.c.run_id.in_(bindparam("run_ids", expanding=True)))
        .order_by(run_steps.c.seq, tool_calls.c.number)
    )


_OUTLINE = ("id", "run_id", "thread_id", "assistant_id", "created_at", "type", "message_id")
_WHOLE_STEPS = _with_calls(run_steps)
_OUTLINES = _with_calls(*(run_steps.c[name] for name in _OUTLINE))


async def of_runs(connection: AsyncConnection, run_ids: Collection[str]) -> Sequence[RunStep]:
    """The steps of some runs with their calls, oldest first."""
    return await _read(connection, _WHOLE_STEPS, run_ids, _to_step)


async def outlines(connection: AsyncConnection, run_ids: Collection[str]) -> Sequence[RunStep]:
    """The same, less what only a run's own next model call needs: items, usage, errors, metadata and ends."""
    return await _read(connection, _OUTLINES, run_ids, _to_outline)


async def _read(
    connection: AsyncConnection,
    statement: Select[Any],
    run_ids: Collection[str],
    made: Callable[[RowMapping, Sequence[ToolCall]], RunStep],
) -> Sequence[RunStep]:
    calls: dict[str, list[ToolCall]] = {}
    firsts: dict[str, RowMapping] = {}
    for row in (await connection.execute(statement, {"run_ids": sorted(run_ids)})).mappings():
        firsts.setdefault(row["id"], row)
        if row["call_id"] is not None:
            calls.setdefault(row["id"], []).append(_to_call(row))
    return [made(row, calls.get(step_id, ())) for step_id, row in firsts.items()]


def _values(step: RunStep) -> dict[str, Any]:
    return {
        "id": step.id,
        "run_id": step.run_id,
        "thread_id": step.thread_id,
        "assistant_id": step.assistant_id,
        "created_at": step.created_at,
        "type": step.type,
        "message_id": step.message_id,
        "ended_status": step.ended[0] if step.ended else None,
        "ended_at": step.ended[1] if step.ended else None,
        "usage": asdict(step.usage) if step.usage else None,
        "last_error": asdict(step.last_error) if step.last_error else None,
        "provider": step.provider,
        "items": list(step.items),
        "metadata": dict(step.metadata),
    }


def _recorded(call: ToolCall) -> dict[str, Any]:
    """What a call's row keeps. What it asks a person stands with the run, as long as it waits; what it shows comes
    with its output."""
    return {name: value for name, value in asdict(call).items() if name not in ("asks", "answers", "shown")}


def _to_call(row: RowMapping) -> ToolCall:
    return ToolCall(
        id=row["call_id"],
        name=row["name"],
        arguments=row["arguments"],
        outside=row["outside"],
        output=row["output"],
        failed=row["failed"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
    )


def _to_outline(row: RowMapping, calls: Sequence[ToolCall]) -> RunStep:
    return RunStep(**{name: row[name] for name in _OUTLINE}, calls=tuple(calls))


def _to_step(row: RowMapping, calls: Sequence[ToolCall]) -> RunStep:
    return RunStep(
        id=row["id"],
        run_id=row["run_id"],
        thread_id=row["thread_id"],
        assistant_id=row["assistant_id"],
        created_at=row["created_at"],
        type=row["type"],
        calls=tuple(calls),
        message_id=row["message_id"],
        ended=(row["ended_status"], row["ended_at"]) if row["ended_status"] else None,
        usage=Usage(**row["usage"]) if row["usage"] else None,
        last_error=LastError(**row["last_error"]) if row["last_error"] else None,
        items=row["items"],
        provider=row["provider"],
        metadata=row["metadata"],
    )
