"""Messages of a run that are still to be prepared, and what was found out about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import LargeBinary, bindparam, cast, func, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Author, File, Message, Role, new_id, well_formed
from bot.errors import Superseded
from bot.ports import Conversation, Earlier, InboundMessage
from bot.store import files as stored_files
from bot.store import forgotten, threads
from bot.store.inbox import scoped
from bot.store.runs import HELD, holding
from bot.store.schema import IS_ACTIVE, files, messages, runs
from bot.store.schema import threads as threads_table


@dataclass(frozen=True, slots=True)
class Unprepared:
    """A message as its platform brought it."""

    id: str
    thread_id: str
    position: int
    message: InboundMessage
    read: bool
    """Its attachments have been read: only its text is new."""


@dataclass(frozen=True, slots=True)
class Unready:
    """What is left to be done for a run."""

    messages: Sequence[Unprepared] = ()
    """In the order they came."""
    begins: bool = False
    """There is nothing in the thread yet that a model could read, and what was said before it may be."""
    text: int = 0
    """Bytes of text (UTF-8) that files of the run have brought already."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a message comes to."""

    of: Unprepared
    text: str
    author: Author
    earlier: Sequence[Earlier] = ()
    files: Sequence[File] = ()


_other = messages.alias("other")
_READY = (_other.c.thread_id == messages.c.thread_id, _other.c.position.is_not(None), _other.c.unprepared.is_(False))
_BROUGHT = (
    select(func.coalesce(func.sum(func.length(cast(files.c.text, LargeBinary))), 0))
    .join(_other, _other.c.id == files.c.message_id)
    .where(_other.c.answered_by == bindparam("run_id"))
)
_UNREADY = (
    select(
        messages,
        threads_table.c.metadata.label("of_thread"),
        select(files.c.number).where(files.c.message_id == messages.c.id).exists().label("read"),
        select(_other.c.id).where(*_READY).exists().label("some"),
        _BROUGHT.scalar_subquery().label("brought"),
    )
    .join(threads_table, threads_table.c.id == messages.c.thread_id)
    .where(messages.c.answered_by == bindparam("run_id"), messages.c.unprepared, messages.c.position.is_not(None))
    .order_by(messages.c.seq)
)


async def unready(connection: AsyncConnection, run_id: str) -> Unready:
    """The messages of a run that nobody has prepared, and what is there beside them."""
    rows = (await connection.execute(_UNREADY, {"run_id": run_id})).mappings().all()
    if not rows:
        return Unready()
    begins = not rows[0]["some"] and rows[0]["of_thread"] != threads.AFRESH
    return Unready([_unprepared(row) for row in rows], begins, rows[0]["brought"])


_SOME = (
    select(messages.c.id)
    .where(
        messages.c.answered_by == bindparam("run_id"),
        messages.c.position.is_not(None),
        messages.c.unprepared.is_(False),
    )
    .limit(1)
)


async def has_some(connection: AsyncConnection, run_id: str) -> bool:
    """There is a message of the run that is prepared, or needs no preparation."""
    return (await connection.execute(_SOME, {"run_id": run_id})).first() is not None


_OURS = select(runs.c.id).where(HELD, IS_ACTIVE)
_TAKE = update(messages).where(messages.c.id == bindparam("of_message"), _OURS.exists())
_TAKE_RAW = _TAKE.where(messages.c.raw_text == bindparam("was"))
_TAKE_AS_IT_IS = _TAKE.where(messages.c.raw_text.is_(None))


async def record(tx: AsyncConnection, run_id: str, owner: str, found: Findings, now: float) -> bool:
    """Keep what was found. False where the message was changed meanwhile: it is still unprepared.

    Raises `Superseded` where the run is not `owner`'s any more, or over.
    """
    if not await _take(tx, found, holding(run_id, owner)):
        if (await tx.execute(_OURS, holding(run_id, owner))).first() is None:
            raise Superseded(f"Run '{run_id}' is over, or no longer ours.")
        return False
    if found.earlier:
        await _add_earlier(tx, found, now)
    await stored_files.add(tx, {found.of.id: found.files})
    return True


_HERE = select(messages.c.key).where(
    messages.c.thread_id == bindparam("of_thread"), messages.c.key.in_(bindparam("keys", expanding=True))
)


async def _add_earlier(tx: AsyncConnection, found: Findings, now: float) -> None:
    """Put what was said before in front of the message, but what the thread has as a message already.

    Should the platform bring one of them yet, it is not answered again: the model has read it with this question.
    """
    where = found.of.message.conversation
    said = [(scoped(where, one.key) if one.key else "", one) for one in found.earlier]
    given = {"of_thread": found.of.thread_id, "keys": [key for key, _ in said]}
    here = set((await tx.execute(_HERE, given)).scalars())
    new = [(key, one) for key, one in said if key not in here]
    if new:
        before = [_message(found.of.thread_id, one, now) for _, one in new]
        await threads.add_before(tx, found.of.thread_id, found.of.position, before)
    marks = [forgotten.message(key) for key, _ in new if key]
    await forgotten.add(tx, marks, now + forgotten.BROUGHT_AGAIN)


async def _take(tx: AsyncConnection, found: Findings, ours: Mapping[str, str]) -> bool:
    values = {"author_id": found.author.id, "author_name": well_formed(found.author.name), "unprepared": False}
    given = {**values, **ours, "of_message": found.of.id}
    if found.of.message.raw:
        raw = {"text": well_formed(found.text), "was": found.of.message.text}
        return (await tx.execute(_TAKE_RAW, {**given, **raw})).rowcount == 1
    return (await tx.execute(_TAKE_AS_IT_IS, given)).rowcount == 1


def _message(thread_id: str, said: Earlier, now: float) -> Message:
    role: Role = "user" if said.author else "assistant"
    text = well_formed(said.text)
    return Message(new_id("msg"), thread_id, now, role, text, completed_at=now, author=said.author)


def _unprepared(row: RowMapping) -> Unprepared:
    where = Conversation(*row["conversation"])
    message = InboundMessage(
        where,
        Author(row["author_id"], row["author_name"]),
        row["text"] if row["raw_text"] is None else row["raw_text"],
        key=row["key"].removeprefix(scoped(where, "")),
        attachments=row["attachments"],
        route=row["route"],
        follow_up=row["follow_up"],
        raw=row["raw_text"] is not None,
    )
    return Unprepared(row["id"], row["thread_id"], row["position"], message, row["read"])
