"""Runs: their state, who drives them, and how far their reply is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.lifecycle import ACTIVE
from bot.assistants.types import RUN_LIFETIME, LastError, Run, RunStatus, ToolCall, Usage
from bot.errors import NotFound, Superseded
from bot.ownership import Others
from bot.ports import Conversation, Placed
from bot.store import inbox, threads
from bot.store.schema import IS_ACTIVE, IS_UNFINISHED, runs

Delivery = Literal["none", "open", "done"]

SETTINGS = (
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that is not over, or whose reply is not shown in its last state."""

    run: Run
    placed: Placed
    owner: str | None
    open: bool
    """False where it is over and shown, after all."""


HELD = and_(runs.c.id == bindparam("of_run"), runs.c.owner == bindparam("by"))
"""The run is ours to drive: the condition of every write of who drives it. `holding` gives its parameters."""

HELD_IN = and_(HELD, runs.c.status == bindparam("was"))
"""… and it is in that status."""


def holding(run_id: str, owner: str) -> dict[str, str]:
    return {"of_run": run_id, "by": owner}


_ADD = upsert(runs).on_conflict_do_nothing()


async def add(
    tx: AsyncConnection,
    run: Run,
    *,
    owner: str,
    lease_until: float,
    where: Conversation | None = None,
    person: str = "",
    delivery: Delivery = "none",
) -> bool:
    """Insert a run, which `person` asked for in a conversation, or nobody. False where its thread has an active one."""
    values = {
        "id": run.id,
        "thread_id": run.thread_id,
        "assistant_id": run.assistant_id,
        "created_at": run.created_at,
        "model": run.model,
        "instructions": run.instructions,
        "tools": list(run.tools),
        "settings": {name: getattr(run, name) for name in SETTINGS},
        "metadata": dict(run.metadata),
        "owner": owner,
        "lease_until": lease_until,
        "platform": where.platform if where else "",
        "workspace": where.workspace if where else "",
        "channel": where.channel if where else "",
        "person": person,
        "delivery": delivery,
        **_state(run),
    }
    return (await tx.execute(_ADD, values)).rowcount == 1


_ONE = select(runs).where(runs.c.id == bindparam("run_id"))


async def get(connection: AsyncConnection, run_id: str) -> Run:
    """Raises `NotFound`."""
    row = (await connection.execute(_ONE, {"run_id": run_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return to_run(row)


_CHANGE = update(runs).where(HELD_IN)
_MOVE = update(runs).where(runs.c.id == bindparam("of_run"))


async def change(tx: AsyncConnection, run: Run, was: str, owner: str) -> None:
    """Write the run's state. Raises `Superseded` where it is not `owner`'s any more, or no longer in `was`."""
    done = await tx.execute(_CHANGE, {**_state(run), **holding(run.id, owner), "was": was})
    if done.rowcount != 1:
        raise Superseded(f"Run '{run.id}' is no longer {was}, or no longer ours.")


async def move(tx: AsyncConnection, run: Run) -> None:
    """Write the run's state in a transaction that has read it, whoever drives it."""
    await tx.execute(_MOVE, {**_state(run), "of_run": run.id})


async def of_thread(connection: AsyncConnection, thread_id: str) -> Sequence[Run]:
    """All runs of a thread, oldest first."""
    query = select(runs).where(runs.c.thread_id == thread_id).order_by(runs.c.created_at, runs.c.id)
    return [to_run(row) for row in (await connection.execute(query)).mappings()]


async def last_ended(connection: AsyncConnection, thread_id: str) -> Run | None:
    """The thread's newest run that is over."""
    query = select(runs).where(runs.c.thread_id == thread_id, runs.c.status.not_in(sorted(ACTIVE)))
    newest = query.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(1)
    row = (await connection.execute(newest)).mappings().one_or_none()
    return None if row is None else to_run(row)


_ACTIVE_IN = select(runs).where(runs.c.thread_id == bindparam("thread_id"), IS_ACTIVE)


async def active_in(connection: AsyncConnection, thread_id: str) -> Run | None:
    row = (await connection.execute(_ACTIVE_IN, {"thread_id": thread_id})).mappings().one_or_none()
    return None if row is None else to_run(row)


# -- the reply --------------------------------------------------------------------------------------------------


_PLACE = update(runs).where(HELD)
_PLACE_LAST = _PLACE.where(runs.c.delivery == "open").values(delivery="done")


async def place(
    tx: AsyncConnection,
    run_id: str,
    owner: str,
    placed: Placed,
    *,
    done: bool = False,
    forget: bool = False,
    rests: Run | None = None,
) -> bool:
    """Keep what the platform shows of the reply; `done` where that is its last state. For its owner only.

    Where people go on talking elsewhere, that conversation is bound to the run's thread from now on. With `forget` the
    last state removes what was kept only in order to answer. False where it is not the owner's, or was done already.
    `rests`: what is shown is how the run waits for somebody; see `not_shown`.
    """
    shown = {"state": dict(placed.state), "undecided": placed.undecided}
    values = {"placed": shown | ({"asks": _asks(_state(rests))} if rests else {})}
    changed = await tx.execute(_PLACE_LAST if done else _PLACE, {**values, **holding(run_id, owner)})
    for conversation in placed.conversations:
        await threads.bind_also(tx, conversation, run_id, owner)
    if done and forget:
        await inbox.forget_secrets(tx, run_id, owner)
    return changed.rowcount == 1


async def unfinished(connection: AsyncConnection, run_id: str) -> Unfinished:
    """A run with what is placed of its reply. Raises `NotFound`."""
    row = (await connection.execute(_ONE, {"run_id": run_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    run = to_run(row)
    is_open = not run.is_terminal or row["delivery"] == "open"
    return Unfinished(run, _placed(row["placed"]), row["owner"], is_open)


async def not_shown(connection: AsyncConnection, *, owner: str) -> Sequence[str]:
    """Our runs that wait for somebody who is not shown what for: it could not be shown, or somebody has answered some
    of it by way of another process."""
    query = select(runs.c.id, runs.c.required_calls, runs.c.placed)
    query = query.where(IS_UNFINISHED, runs.c.owner == owner, runs.c.status == "requires_action")
    found = (await connection.execute(query)).mappings()
    return [row["id"] for row in found if (row["placed"] or {}).get("asks") != _asks(dict(row))]


async def past_their_time(connection: AsyncConnection, *, owner: str, now: float) -> Sequence[str]:
    """Our runs that wait for someone outside and have expired."""
    overdue = (IS_UNFINISHED, runs.c.owner == owner, runs.c.status == "requires_action", runs.c.expires_at <= now)
    return [str(run_id) for run_id in (await connection.execute(select(runs.c.id).where(*overdue))).scalars()]


# -- ownership --------------------------------------------------------------------------------------------------


async def take_over(
    tx: AsyncConnection, *, owner: str, others: Others, platforms: Collection[str], now: float, lease_until: float
) -> Sequence[str]:
    """Make the unfinished runs ours that nobody drives: parked ones, those of owners that are gone, run-out leases.

    A run that was interrupted at work gets a fresh ten minutes; one that waits for someone outside keeps its own.
    """
    ran_out = and_(runs.c.lease_until < now, runs.c.owner.not_in(sorted(others.alive)), runs.c.owner != owner)
    free = or_(runs.c.owner.is_(None), runs.c.owner.in_(sorted(others.gone)), ran_out)
    query = select(runs.c.id).where(IS_UNFINISHED, free, runs.c.platform.in_(sorted(platforms)))
    ids = (await tx.execute(query.order_by(runs.c.created_at))).scalars().all()
    if not ids:
        return []
    await tx.execute(update(runs).where(runs.c.id.in_(ids)).values(owner=owner, lease_until=lease_until))
    interrupted = and_(runs.c.id.in_(ids), runs.c.status.in_(("queued", "in_progress")))
    fresh = {"expires_at": now + RUN_LIFETIME, "interruptions": runs.c.interruptions + 1}
    await tx.execute(update(runs).where(interrupted).values(**fresh))
    return ids


async def renew_lease(
    tx: AsyncConnection, *, owner: str, platforms: Collection[str], lease_until: float
) -> Sequence[tuple[str, RunStatus]]:
    """Keep our unfinished runs ours; returns them with their status, oldest first."""
    renewed = await tx.execute(
        update(runs)
        .where(IS_UNFINISHED, runs.c.owner == owner, runs.c.platform.in_(sorted(platforms)))
        .values(lease_until=lease_until)
        .returning(runs.c.created_at, runs.c.id, runs.c.status)
    )
    return [(run_id, status) for _, run_id, status in sorted(renewed)]


async def worn_out(connection: AsyncConnection, *, owner: str, interruptions: int) -> Sequence[str]:
    """Our runs at work that were interrupted more often than that."""
    often = (IS_ACTIVE, runs.c.owner == owner, runs.c.status == "in_progress", runs.c.interruptions > interruptions)
    return list((await connection.execute(select(runs.c.id).where(*often))).scalars())


async def release(tx: AsyncConnection, *, owner: str) -> None:
    """Park all that is unfinished: whoever starts next goes on with it at once."""
    await tx.execute(update(runs).where(IS_UNFINISHED, runs.c.owner == owner).values(owner=None, lease_until=None))


# -- rows -------------------------------------------------------------------------------------------------------


def _state(run: Run) -> dict[str, Any]:
    """The columns that change while a run lives."""
    return {
        "status": run.status,
        "expires_at": run.expires_at,
        "required_calls": [asdict(call) for call in run.required_calls],
        "last_error": asdict(run.last_error) if run.last_error else None,
        "incomplete_reason": run.incomplete_reason,
        "usage": asdict(run.usage) if run.usage else None,
        "transitions": [list(transition) for transition in run.transitions],
    }


def to_run(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        thread_id=row["thread_id"],
        assistant_id=row["assistant_id"],
        status=row["status"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        model=row["model"],
        instructions=row["instructions"],
        tools=row["tools"],
        required_calls=tuple(_waiting_call(call) for call in row["required_calls"]),
        last_error=LastError(**row["last_error"]) if row["last_error"] else None,
        incomplete_reason=row["incomplete_reason"],
        usage=Usage(**row["usage"]) if row["usage"] else None,
        metadata=row["metadata"],
        transitions=tuple((status, at) for status, at in row["transitions"]),
        **row["settings"],
    )


def _asks(row: Mapping[str, Any]) -> str:
    """A digest of what a run waits for."""
    waiting = json.dumps(row["required_calls"], sort_keys=True)
    return hashlib.blake2b(waiting.encode(), digest_size=8).hexdigest()


def _waiting_call(value: dict[str, Any]) -> ToolCall:
    return ToolCall(**{**value, "answers": tuple(value.get("answers", ()))})


def _placed(value: dict[str, Any] | None) -> Placed:
    """Nothing recorded does not mean nothing sent: the first send of a reply goes without a record of its own."""
    return Placed(value["state"], value["undecided"]) if value else Placed(undecided=True)
