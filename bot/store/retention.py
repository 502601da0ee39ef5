"""What is older than the operator keeps it: conversations in which nothing was said since, and the admins' record."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import forgetting, traces
from bot.store.database import MUCH
from bot.store.schema import IS_UNFINISHED, WAITING, audit, messages, runs, threads

BATCH = 50
"""Threads that one transaction removes: others write in between."""


async def outlived(connection: AsyncConnection, before: float) -> Sequence[str]:
    """The threads in which nothing has happened since a moment (Unix seconds), and nothing is to come; oldest first."""
    return list((await connection.execute(_outlived(before).prefix_with(MUCH))).scalars())


async def remove(tx: AsyncConnection, thread_ids: Sequence[str], before: float, now: float) -> int:
    """Remove those of some threads that are still outlived; returns how many.

    People may go on in the conversation: what stands on the platform is read again then, as in any other.
    """
    still = (await tx.execute(_outlived(before).where(threads.c.id.in_(thread_ids)))).scalars().all()
    await forgetting.remove_threads(tx, still, now, for_good=False)
    return len(still)


async def old_record(connection: AsyncConnection, before: float) -> bool:
    return (await connection.execute(select(audit.c.seq).where(audit.c.at < before).limit(1))).first() is not None


async def remove_record(tx: AsyncConnection, before: float) -> None:
    """Remove what was recorded of admins' changes before a moment."""
    await tx.execute(delete(audit).where(audit.c.at < before))
    await traces.mark(tx)


def _outlived(before: float) -> Select[str]:
    said = select(messages.c.seq).where(messages.c.thread_id == threads.c.id, messages.c.created_at >= before)
    ran = select(runs.c.id).where(runs.c.thread_id == threads.c.id, runs.c.created_at >= before)
    waits = select(messages.c.seq).where(messages.c.thread_id == threads.c.id, WAITING)
    making = select(runs.c.id).where(runs.c.thread_id == threads.c.id, IS_UNFINISHED)
    idle = [~one.exists() for one in (said, ran, waits, making)]
    return select(threads.c.id).where(threads.c.created_at < before, *idle).order_by(threads.c.created_at)
