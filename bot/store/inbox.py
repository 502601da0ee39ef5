"""The inbox: messages that came from a platform and wait for a run. They are rows of `messages`, marked `waiting`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Author, new_id, well_formed
from bot.ports import Accepted, Conversation, InboundMessage
from bot.store import forgotten, policies, threads
from bot.store.forgotten import Forgotten
from bot.store.policies import Policy
from bot.store.schema import IS_ACTIVE, WAITING, messages, runs
from bot.tenants import PROGRAMS

ASKED = tuple(
    messages.c[name]
    for name in ("seq", "conversation", "route", "author_id", "author_name", "position", "raw_text", "attachments")
)


SECRET = "secret"  # noqa: S105 - the name of what is forgotten in a route when its answer is shown

SAID = "said"
"""The name of a person's words in a route."""

LATELY, LOOKED_THROUGH = 5_000, 100_000
"""The newest messages of a platform in which conversations are looked for that were talked in lately, among the newest
of all platforms."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the newest message of a run came from."""

    conversation: Conversation
    routes: Sequence[dict[str, Any]]
    """What its adapter needs to answer each of the run's messages, oldest first."""
    askers: frozenset[str]
    """The ids of those whose messages the run answers."""
    asker: Author
    """Who wrote the newest of them: the one whom the run asks back."""
    raw: bool = False
    """One of them came raw, or with attachments: it is to be prepared, unless it has been."""
    withdrawn: bool = False
    """All of them were deleted by who wrote them."""

    @property
    def has_secrets(self) -> bool:
        return any(SECRET in route for route in self.routes)


BROUGHT = (
    "id",
    "thread_id",
    "created_at",
    "role",
    "text",
    "raw_text",
    "unprepared",
    "follow_up",
    "status",
    "completed_at",
    "attachments",
    "author_id",
    "author_name",
    "metadata",
    "key",
    "waiting",
    "conversation",
    "route",
)
"""What is kept of a message."""

# Each is given as `new_…`: an INSERT has the plain name for itself.
_ROW = select(*(bindparam(f"new_{name}", type_=messages.c[name].type) for name in BROUGHT)).where(
    ~forgotten.known(bindparam("mark"))
)
_ACCEPT = (
    upsert(messages)
    .from_select(BROUGHT, _ROW)
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(policies.BESIDE)
)
_KNOWN = select(messages.c.thread_id, messages.c.id).where(messages.c.key == bindparam("of_key"))


async def accept(tx: AsyncConnection, message: InboundMessage, now: float) -> tuple[Accepted, dict[str, Policy]]:
    """Append the message to its conversation's thread, and tell what admins have set there.

    A key that is there already changes nothing, and nothing is told of it. Raises `Forgotten` for a message that was
    forgotten: nothing at all is to be written then.
    """
    thread_id = await threads.bind(tx, message.conversation, now)
    message_id = new_id("msg")
    conversation = message.conversation
    key = scoped(conversation, message.key)
    text = well_formed(message.text)
    values = {
        "id": message_id,
        "thread_id": thread_id,
        "created_at": now,
        "role": "user",
        "text": text,
        "raw_text": text if message.raw else None,
        "unprepared": message.raw or bool(message.attachments),
        "follow_up": message.follow_up,
        "status": "completed",
        "completed_at": now,
        "attachments": list(message.attachments),
        "author_id": message.author.id,
        "author_name": well_formed(message.author.name),
        "metadata": {},
        "key": key,
        "waiting": True,
        "conversation": [conversation.platform, conversation.workspace, conversation.channel, conversation.thread],
        "route": dict(message.route),
    }
    given = {f"new_{name}": value for name, value in values.items()}
    put = await tx.execute(_ACCEPT, {**given, "mark": forgotten.message(key), **policies.about(conversation)})
    held = put.scalar_one_or_none()
    if held is not None:
        return Accepted(thread_id, message_id), policies.brought(held)
    found = (await tx.execute(_KNOWN, {"of_key": key})).one_or_none()
    if found is None:
        raise Forgotten
    thread_id, message_id = found
    return Accepted(thread_id, message_id, duplicate=True), {}


async def has(connection: AsyncConnection, conversation: Conversation, key: str) -> bool:
    """The message is stored, or was forgotten."""
    same = scoped(conversation, key)
    stored = select(messages.c.seq).where(messages.c.key == same).exists()
    return bool((await connection.execute(select(or_(stored, forgotten.known(forgotten.message(same)))))).scalar_one())


def scoped(conversation: Conversation, key: str) -> str:
    """A message's key among those of all platforms: a platform's keys are its own, and often a channel's own only."""
    return f"{conversation.platform}:{conversation.workspace}:{conversation.channel}:{key}"


_TAKE = (
    update(messages)
    .where(messages.c.thread_id == bindparam("of_thread"), WAITING)
    .values(waiting=False, position=threads.next_position(bindparam("of_thread")))
    .returning(*ASKED)
)
_TAKE_THEIRS = _TAKE.where(messages.c.author_id.in_(bindparam("authors", expanding=True)))


async def hand_to(
    tx: AsyncConnection, thread_id: str, run_id: str, authors: Collection[str] | None = None
) -> Asked | None:
    """Give all waiting messages of the thread to a run, or those of some people, in the order they came; None where
    none waits.
    """
    given = {"of_thread": thread_id, "answered_by": run_id}
    if authors is None:
        taken = await tx.execute(_TAKE, given)
    else:
        taken = await tx.execute(_TAKE_THEIRS, {**given, "authors": sorted(authors)})
    return _asked(sorted(taken.mappings(), key=lambda row: int(row["seq"])))


_OF_RUN = select(*ASKED).where(messages.c.answered_by == bindparam("run_id")).order_by(messages.c.seq)


_MADE_BY_PROGRAM = select(runs.c.workspace, runs.c.thread_id).where(
    runs.c.id == bindparam("run_id"), runs.c.platform == PROGRAMS
)


async def asked(connection: AsyncConnection, run_id: str) -> Asked | None:
    """Where the run's question came from, be that a program; None for a run that nobody asked for."""
    if asked := _asked((await connection.execute(_OF_RUN, {"run_id": run_id})).mappings().all()):
        return asked
    made = (await connection.execute(_MADE_BY_PROGRAM, {"run_id": run_id})).one_or_none()
    if made is None:
        return None
    return Asked(Conversation(PROGRAMS, made.workspace, "", made.thread_id), (), frozenset(), Author("", ""))


_NEWEST_WAITING = (
    select(messages.c.conversation, messages.c.author_id)
    .where(messages.c.thread_id == bindparam("thread_id"), WAITING)
    .order_by(messages.c.seq.desc())
    .limit(1)
)


async def waiting_in(connection: AsyncConnection, thread_id: str) -> tuple[Conversation, str] | None:
    """The conversation of the thread's newest waiting message and the id of its author; None where none waits."""
    newest = (await connection.execute(_NEWEST_WAITING, {"thread_id": thread_id})).one_or_none()
    return None if newest is None else (Conversation(*newest[0]), str(newest[1]))


_AUTHORS_WAITING = (
    select(messages.c.author_id, func.max(messages.c.seq))
    .where(messages.c.thread_id == bindparam("thread_id"), WAITING)
    .group_by(messages.c.author_id)
)


async def authors_waiting(connection: AsyncConnection, thread_id: str) -> Sequence[str]:
    """The ids of those whose messages wait in the thread, by their newest one, oldest first."""
    found = await connection.execute(_AUTHORS_WAITING, {"thread_id": thread_id})
    return [str(author) for author, _ in sorted(found, key=lambda row: int(row[1]))]


_FORGET_SECRETS = (
    update(messages)
    .where(
        messages.c.answered_by == bindparam("of_run"),
        select(runs.c.id).where(runs.c.id == bindparam("of_run"), runs.c.owner == bindparam("by")).exists(),
    )
    .values(route=func.json_remove(messages.c.route, f"$.{SECRET}", type_=messages.c.route.type))
)


async def forget_secrets(tx: AsyncConnection, run_id: str, owner: str) -> None:
    """Remove what was kept only in order to answer the run's messages, where the run is still `owner`'s."""
    await tx.execute(_FORGET_SECRETS, {"of_run": run_id, "by": owner})


async def heard_lately(connection: AsyncConnection, platform: str) -> Sequence[tuple[Conversation, str]]:
    """The conversations of a platform in the newest messages, each with the key of its newest one, newest first."""
    late = select(func.max(messages.c.seq) - LOOKED_THROUGH).scalar_subquery()
    query = select(messages.c.conversation, messages.c.key)
    query = query.where(messages.c.seq > late, messages.c.key.startswith(f"{platform}:", autoescape=True))
    newest: dict[Conversation, str] = {}
    for place, key in await connection.execute(query.order_by(messages.c.seq.desc()).limit(LATELY)):
        conversation = Conversation(*place)
        newest.setdefault(conversation, key.removeprefix(scoped(conversation, "")))
    return list(newest.items())


async def threads_waiting(connection: AsyncConnection) -> Sequence[tuple[str, Conversation]]:
    """The threads with waiting messages and no active run, the longest waiting first."""
    busy = select(runs.c.id).where(runs.c.thread_id == messages.c.thread_id, IS_ACTIVE)
    query = select(messages.c.seq, messages.c.thread_id, messages.c.conversation).where(WAITING, ~busy.exists())
    places: dict[str, Conversation] = {}
    # Sorted here: for an order the database would rather walk all messages than the few that wait.
    for _, thread_id, place in sorted(await connection.execute(query), key=lambda row: int(row[0])):
        places.setdefault(thread_id, Conversation(*place))
    return list(places.items())


def _asked(rows: Sequence[RowMapping]) -> Asked | None:
    if not rows:
        return None
    newest = rows[-1]
    return Asked(
        Conversation(*newest["conversation"]),
        [row["route"] for row in rows],
        frozenset(row["author_id"] for row in rows),
        Author(newest["author_id"], newest["author_name"]),
        raw=any(row["raw_text"] is not None or row["attachments"] for row in rows),
        withdrawn=all(row["position"] is None for row in rows),
    )
