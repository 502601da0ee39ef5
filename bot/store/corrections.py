"""Messages that a person changed or deleted before they were answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import well_formed
from bot.ports import Conversation
from bot.store import files, library
from bot.store.inbox import SAID, scoped
from bot.store.schema import IS_ACTIVE, WAITING, documents, messages, runs


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A message that waits, or is being answered by the run `run_id`. `said` is its text as the platform brought it."""

    message_id: str
    run_id: str | None
    said: str
    owner: str | None = None
    """Which process drives the run; None where none does, or there is no run."""


async def unanswered(connection: AsyncConnection, conversation: Conversation, key: str) -> Unanswered | None:
    """The message that was accepted under this key; None where it is answered, withdrawn or unknown."""
    query = select(messages.c.id, messages.c.answered_by, messages.c.text, messages.c.raw_text, runs.c.owner)
    query = query.outerjoin(runs, runs.c.id == messages.c.answered_by)
    open_ = or_(WAITING, and_(IS_ACTIVE, messages.c.position.is_not(None)))
    row = (await connection.execute(query.where(messages.c.key == scoped(conversation, key), open_))).one_or_none()
    if row is None:
        return None
    message_id, run_id, text, raw_text, owner = row
    return Unanswered(message_id, run_id, text if raw_text is None else raw_text, owner)


async def amend(tx: AsyncConnection, message: Unanswered, text: str) -> None:
    """Give the message another text, which is raw whatever the first one was."""
    text = well_formed(text)
    changed = {"text": text, "raw_text": text, "unprepared": True}
    await tx.execute(update(messages).where(messages.c.id == message.message_id).values(**changed))


async def withdraw(tx: AsyncConnection, message: Unanswered) -> bool:
    """Forget what the message said. True where its run has no other message: that run is over.

    The row stays, so that a redelivery of the message is known for one; the last of a run stays with it, since it
    tells where the reply is.
    """
    others = (
        messages.c.answered_by == message.run_id,
        messages.c.id != message.message_id,
        messages.c.position.is_not(None),
    )
    last = message.run_id is not None and (await tx.execute(select(messages.c.id).where(*others))).first() is None
    gone: dict[str, Any] = {
        "text": "",
        "raw_text": None,
        "unprepared": False,
        "attachments": [],
        "position": None,
        "waiting": False,
    }
    keep = {} if last else {"answered_by": None}
    query = select(messages.c.route).where(messages.c.id == message.message_id)
    route = (await tx.execute(query)).scalar_one() or {}
    gone["route"] = {name: value for name, value in route.items() if name != SAID}
    await tx.execute(update(messages).where(messages.c.id == message.message_id).values(**gone, **keep))
    await files.drop(tx, message.message_id)
    await library.remove_where(tx, documents.c.message_id == message.message_id)
    if last:
        await forget_reply(tx, message.run_id)
    return last


async def forget_reply(tx: AsyncConnection, run_id: str | None) -> None:
    """Nobody reads later what the run has said."""
    await tx.execute(update(messages).where(messages.c.run_id == run_id).values(position=None))
