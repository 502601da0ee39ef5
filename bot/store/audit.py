"""Who changed what, when and where, from what to what; refusals too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Author
from bot.ports import Conversation
from bot.store.schema import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """`before` and `after` are words that a person reads; both None for a refusal."""

    at: float
    actor: Author
    where: Conversation
    action: str
    target: str
    allowed: bool
    before: str | None = None
    after: str | None = None


async def add(tx: AsyncConnection, entry: Entry) -> None:
    await tx.execute(
        insert(audit).values(
            at=entry.at,
            actor_id=entry.actor.id,
            actor_name=entry.actor.name,
            platform=entry.where.platform,
            workspace=entry.where.workspace,
            channel=entry.where.channel,
            action=entry.action,
            target=entry.target,
            before=entry.before,
            after=entry.after,
            allowed=entry.allowed,
        )
    )


async def newest_first(connection: AsyncConnection, where: Conversation, limit: int) -> Sequence[Entry]:
    """What was done in a platform's workspace, in any channel of it."""
    here = (audit.c.platform == where.platform, audit.c.workspace == where.workspace)
    found = await connection.execute(select(audit).where(*here).order_by(audit.c.seq.desc()).limit(limit))
    return [
        Entry(
            row["at"],
            Author(row["actor_id"], row["actor_name"]),
            Conversation(row["platform"], row["workspace"], row["channel"], ""),
            row["action"],
            row["target"],
            row["allowed"],
            row["before"],
            row["after"],
        )
        for row in found.mappings()
    ]
