"""Threads, their messages, and the bindings of conversations to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ScalarSelect,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Author, Message, new_id, well_formed
from bot.ports import Conversation
from bot.store import forgotten
from bot.store.schema import IS_ACTIVE, WAITING, bindings, messages, runs, threads

KEPT = or_(messages.c.position.is_not(None), WAITING)
"""Not withdrawn, and not refused."""


PLACE = ("platform", "workspace", "channel", "thread")

AFRESH = {"begun": "afresh"}
"""Marks a thread that was begun in the middle of a conversation: nothing from before is to be read."""


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """A thread as a list shows it. `title` is how its first message begins."""

    id: str
    created_at: float
    messages: int
    title: str
    conversation: Conversation | None


_PUT = upsert(bindings)
# An update that changes nothing, since only a written row is returned.
_BIND = _PUT.on_conflict_do_update(index_elements=PLACE, set_={"platform": _PUT.excluded.platform}).returning(
    bindings.c.thread_id
)
_kind = threads.c.metadata.type
_BEGUN = case((forgotten.known(bindparam("mark")), literal(AFRESH, _kind)), else_=literal({}, _kind))
_BEGIN = insert(threads).values(metadata=_BEGUN)
"""Takes the id, the time, the platform and the workspace."""


async def bind(tx: AsyncConnection, conversation: Conversation, now: float) -> str:
    """The id of the conversation's thread, which is made where there is none."""
    candidate = new_id("thread")
    bound_to = await tx.execute(_BIND, {**_key(conversation), "thread_id": candidate})
    thread_id = str(bound_to.scalar_one())
    if thread_id == candidate:
        mark = forgotten.conversation(conversation)
        await tx.execute(_BEGIN, {"id": thread_id, "created_at": now, "mark": mark, **_whose(conversation)})
    return thread_id


async def rebind(tx: AsyncConnection, conversation: Conversation, now: float) -> str:
    """Give the conversation a fresh thread; the old one stays in the store. What was said there is to be forgotten."""
    thread_id = new_id("thread")
    await tx.execute(insert(threads).values(id=thread_id, created_at=now, metadata=AFRESH, **_whose(conversation)))
    await rebind_to(tx, conversation, thread_id)
    return thread_id


async def rebind_to(tx: AsyncConnection, conversation: Conversation, thread_id: str) -> None:
    """Let the conversation go on in a thread that is there; the one it had stays in the store."""
    put = upsert(bindings).values(**_key(conversation), thread_id=thread_id)
    await tx.execute(put.on_conflict_do_update(index_elements=list(_key(conversation)), set_={"thread_id": thread_id}))


_BOUND = select(bindings.c.thread_id).where(*(bindings.c[name] == bindparam(name) for name in PLACE))


async def bound(connection: AsyncConnection, conversation: Conversation) -> str | None:
    """The id of the conversation's thread, if it has one."""
    found = (await connection.execute(_BOUND, _key(conversation))).scalar_one_or_none()
    return None if found is None else str(found)


_OF_RUN = select(*(bindparam(f"new_{name}", type_=bindings.c[name].type) for name in PLACE), runs.c.thread_id).where(
    runs.c.id == bindparam("of_run"), runs.c.owner == bindparam("by")
)
_BIND_ALSO = upsert(bindings).from_select([*PLACE, "thread_id"], _OF_RUN).on_conflict_do_nothing(index_elements=PLACE)


async def bind_also(tx: AsyncConnection, conversation: Conversation, run_id: str, owner: str) -> None:
    """Bind a further conversation to the thread of a run that is `owner`'s, unless it is bound already."""
    place = {f"new_{name}": value for name, value in _key(conversation).items()}
    await tx.execute(_BIND_ALSO, {**place, "of_run": run_id, "by": owner})


async def in_channel(connection: AsyncConnection, where: Conversation) -> Sequence[str]:
    """The runs that are active in any of a channel's conversations, oldest first."""
    query = select(runs.c.id, runs.c.created_at).join(bindings, bindings.c.thread_id == runs.c.thread_id)
    here = {name: value for name, value in _key(where).items() if name != "thread"}
    query = query.where(*(bindings.c[name] == value for name, value in here.items()), IS_ACTIVE).distinct()
    return [run_id for run_id, _ in (await connection.execute(query.order_by(runs.c.created_at, runs.c.id)))]


async def exists(connection: AsyncConnection, thread_id: str) -> bool:
    return (await connection.execute(select(threads.c.id).where(threads.c.id == thread_id))).first() is not None


async def newest_first(
    connection: AsyncConnection, limit: int, platform: str | None = None, *only: ColumnElement[bool]
) -> Sequence[ThreadLine]:
    """The threads that were made last, at most `limit`; those with runs on `platform`, where one is given."""
    of_thread = and_(messages.c.thread_id == threads.c.id, KEPT)
    count = select(func.count(messages.c.seq)).where(of_thread).scalar_subquery()
    query = select(threads.c.id, threads.c.created_at, _first(messages.c.text), count, _first(messages.c.conversation))
    query = query.order_by(threads.c.created_at.desc(), threads.c.id.desc())
    if platform is not None:
        query = query.where(threads.c.id.in_(select(runs.c.thread_id).where(runs.c.platform == platform)))
    found = await connection.execute(query.where(*only).limit(limit))
    return [
        ThreadLine(id_, at, number, " ".join((text or "").split())[:60], Conversation(*where) if where else None)
        for id_, at, text, number, where in found
    ]


def _first(column: Column[Any]) -> ScalarSelect[Any]:
    """A column of the first message of the thread that the query around it is at."""
    first = select(column).where(messages.c.thread_id == threads.c.id, KEPT).order_by(messages.c.seq).limit(1)
    return first.correlate(threads).scalar_subquery()


async def add_before(tx: AsyncConnection, thread_id: str, position: int, earlier: Sequence[Message]) -> None:
    """Put messages into the thread, in their order, before those that have this position or a later one."""
    later = (messages.c.thread_id == thread_id, messages.c.position >= position)
    await tx.execute(update(messages).where(*later).values(position=messages.c.position + len(earlier)))
    rows = [
        {
            **_values(message),
            "position": position + number,
            "author_id": message.author.id if message.author else None,
            "author_name": well_formed(message.author.name) if message.author else None,
        }
        for number, message in enumerate(earlier)
    ]
    await tx.execute(insert(messages), rows)


def next_position(thread_id: ColumnElement[str]) -> object:
    """One past the last position of the thread, as an SQL expression."""
    last = select(func.coalesce(func.max(messages.c.position), 0) + 1).where(messages.c.thread_id == thread_id)
    return last.correlate(None).scalar_subquery()


_APPEND = insert(messages).values(position=next_position(bindparam("to_thread")))


async def add_message(tx: AsyncConnection, message: Message) -> None:
    """Append a message that does not wait: the assistant's, or one that no platform brought."""
    await tx.execute(_APPEND, {**_values(message), "to_thread": message.thread_id})


def _values(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "thread_id": message.thread_id,
        "created_at": message.created_at,
        "role": message.role,
        "text": message.text,
        "status": message.status,
        "content": None if message.blocks is None else list(message.blocks),
        "attachments": list(message.attachments),
        "assistant_id": message.assistant_id,
        "run_id": message.run_id,
        "completed_at": message.completed_at,
        "incomplete_at": message.incomplete_at,
        "incomplete_reason": message.incomplete_reason,
        "metadata": dict(message.metadata),
        "waiting": False,
    }


def to_message(row: RowMapping) -> Message:
    author = Author(row["author_id"], row["author_name"]) if row["author_id"] is not None else None
    return Message(
        id=row["id"],
        thread_id=row["thread_id"],
        created_at=row["created_at"],
        role=row["role"],
        text=row["text"],
        status=row["status"],
        attachments=row["attachments"],
        assistant_id=row["assistant_id"],
        run_id=row["run_id"],
        completed_at=row["completed_at"],
        incomplete_at=row["incomplete_at"],
        incomplete_reason=row["incomplete_reason"],
        metadata=row["metadata"],
        author=author,
        position=row["position"],
        blocks=row["content"],
    )


def _whose(conversation: Conversation) -> dict[str, str]:
    return {"platform": conversation.platform, "workspace": conversation.workspace}


def _key(conversation: Conversation) -> dict[str, str]:
    return {
        "platform": conversation.platform,
        "workspace": conversation.workspace,
        "channel": conversation.channel,
        "thread": conversation.thread,
    }
