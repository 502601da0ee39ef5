"""Who changed what, when and where, from what to what; refusals too."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert
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
