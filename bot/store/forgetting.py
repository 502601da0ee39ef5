"""Removing what was said, for good: whole conversations, or all that one person said.

What a run that is not over needs is never removed, nor what waits for one: `busy` is asked in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Conversation
from bot.store import forgotten, library, traces
from bot.store.database import MUCH, parts
from bot.store.inbox import scoped
from bot.store.schema import (
    IS_UNFINISHED,
    WAITING,
    audit,
    bindings,
    documents,
    feedback,
    files,
    messages,
    run_steps,
    runs,
    shown_files,
    threads,
    tool_calls,
)
from bot.store.threads import KEPT

LAST = "\U0010ffff"
"""Comes after every key."""


class Stock(NamedTuple):
    """How much is stored: messages of people, answers to them, and files that came with messages."""

    messages: int = 0
    answers: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What is stored of a person's words on a platform."""

    alone: Sequence[str]
    """The threads in which nobody else has asked anything …"""
    among: int
    """… how many others there are …"""
    messages: Sequence[str]
    """… the person's messages in those …"""
    runs: Sequence[str]
    """… and the runs there that answer nobody else."""
    judged: int
    """Answers that the person gave feedback on, whosever they are."""


async def takes_part(connection: AsyncConnection, thread_id: str, person: str) -> bool:
    """The person wrote a message that is in the thread."""
    theirs = (messages.c.thread_id == thread_id, messages.c.author_id == person, KEPT)  # and it was not refused
    query = select(messages.c.seq).where(*theirs)
    return (await connection.execute(query.limit(1))).first() is not None


async def has_earlier(connection: AsyncConnection, where: Conversation) -> bool:
    """Something that was said in the conversation is stored; where its thread is empty, from before that began."""
    said = [where.platform, where.workspace, where.channel, where.thread]
    first = scoped(where, "")
    here = (messages.c.key.between(first, first + LAST), messages.c.conversation == said)
    query = select(messages.c.seq).where(*here, KEPT)
    return (await connection.execute(query.limit(1))).first() is not None


async def busy(connection: AsyncConnection, thread_ids: Sequence[str]) -> bool:
    """In one of these threads an answer is in the making, or is not shown in its last state, or a message waits."""
    making = select(runs.c.id).where(runs.c.thread_id.in_(thread_ids), IS_UNFINISHED).limit(1)
    waiting = select(messages.c.id).where(messages.c.thread_id.in_(thread_ids), WAITING).limit(1)
    return any([(await connection.execute(query)).first() is not None for query in (making, waiting)])


async def busy_with(connection: AsyncConnection, platform: str, person: str) -> bool:
    """The same of what one person asked there, wherever it was."""
    theirs = (messages.c.author_id == person, _on(platform))
    making = select(runs.c.id).join(messages, messages.c.answered_by == runs.c.id).where(IS_UNFINISHED, *theirs)
    waiting = select(messages.c.id).where(WAITING, *theirs)
    return any([(await connection.execute(query.limit(1))).first() is not None for query in (making, waiting)])


async def stock(connection: AsyncConnection, thread_ids: Sequence[str]) -> Stock:
    """What is stored of some threads."""
    found = Stock()
    for some in parts(thread_ids):
        found = _sum(found, await _stock(connection, messages.c.thread_id.in_(some), messages.c.thread_id.in_(some)))
    return found


async def stock_of(connection: AsyncConnection, share: Share) -> Stock:
    """What is stored of a person, with the answers that go with it."""
    found = await stock(connection, share.alone)
    for some in parts(share.messages):
        found = _sum(found, await _stock(connection, messages.c.id.in_(some), messages.c.id.in_([])))
    for some in parts(share.runs):
        found = _sum(found, await _stock(connection, messages.c.id.in_([]), messages.c.run_id.in_(some)))
    return found


async def of_person(connection: AsyncConnection, platform: str, person: str) -> Share:
    """What a person said on a platform, in all of its workspaces, by the id of the author."""
    said_in = select(messages.c.thread_id).where(messages.c.author_id == person).distinct().subquery()
    asked = messages.alias("asked")
    here = (asked.c.thread_id == said_in.c.thread_id, asked.c.key.startswith(f"{platform}:", autoescape=True))
    by_others = select(asked.c.seq).where(*here, asked.c.author_id != person).exists()
    query = select(said_in.c.thread_id, by_others).where(select(asked.c.seq).where(*here).exists())
    rows = (await connection.execute(query.prefix_with(MUCH))).all()
    alone = [thread_id for thread_id, shared in rows if not shared]
    among = [thread_id for thread_id, shared in rows if shared]
    theirs: list[tuple[str, str | None]] = []
    for some in parts(among):
        here_said = (messages.c.author_id == person, messages.c.thread_id.in_(some))
        said = await connection.execute(select(messages.c.id, messages.c.answered_by).where(*here_said))
        theirs += [(message_id, run_id) for message_id, run_id in said]
    own = sorted({run_id for _, run_id in theirs if run_id is not None})
    for some in parts(own):
        others = (messages.c.answered_by.in_(some), messages.c.author_id != person)
        shared_runs = set((await connection.execute(select(messages.c.answered_by).where(*others))).scalars())
        own = [run_id for run_id in own if run_id not in shared_runs]
    judged = select(func.count()).select_from(feedback).where(*_judged(platform, person))
    return Share(
        alone,
        len(among),
        [message_id for message_id, _ in theirs],
        own,
        (await connection.execute(judged.prefix_with(MUCH))).scalar_one(),
    )


async def remove_threads(tx: AsyncConnection, thread_ids: Sequence[str], now: float, *, for_good: bool) -> None:
    """Remove threads with all that belongs to them. `for_good`: what was said there is not to be read again, should
    somebody go on in that conversation."""
    for some in parts(thread_ids):
        of_messages = messages.c.thread_id.in_(some)
        if for_good:
            bound = await tx.execute(select(bindings).where(bindings.c.thread_id.in_(some)))
            places = [
                Conversation(row["platform"], row["workspace"], row["channel"], row["thread"])
                for row in bound.mappings()
            ]
            await forgotten.add(tx, [forgotten.conversation(place) for place in places], until=None)
        await _remove(tx, of_messages, runs.c.thread_id.in_(some), now)
        await library.remove_where(tx, documents.c.thread_id.in_(some))
        await tx.execute(delete(bindings).where(bindings.c.thread_id.in_(some)))
        await tx.execute(delete(threads).where(threads.c.id.in_(some)))


async def remove_person(tx: AsyncConnection, platform: str, person: str, share: Share, now: float) -> None:
    """Remove what a person said, the answers to nobody else, and what the person thought of others' answers."""
    await remove_threads(tx, share.alone, now, for_good=True)
    for some in parts(share.runs):
        await _remove(tx, messages.c.answered_by.in_(some), runs.c.id.in_(some), now)
    for some in parts(share.messages):
        await library.remove_where(tx, and_(documents.c.message_id != "", documents.c.message_id.in_(some)))
        await _remove(tx, messages.c.id.in_(some), runs.c.id.in_([]), now)
    await tx.execute(delete(feedback).where(*_judged(platform, person)).prefix_with(MUCH))
    await traces.mark(tx)
    brought = update(documents).where(documents.c.person == person, documents.c.platform == platform)
    await tx.execute(brought.values(person=""))
    asked = update(runs).where(runs.c.person == person, runs.c.platform == platform)
    await tx.execute(asked.prefix_with(MUCH).values(person=""))
    # What was refused is told in the person's own words.
    refused = (audit.c.actor_id == person, audit.c.platform == platform, audit.c.allowed.is_(False))
    await tx.execute(update(audit).where(*refused).values(target="", actor_name=person))
    await traces.mark(tx)


async def _remove(tx: AsyncConnection, which: ColumnElement[bool], which_runs: ColumnElement[bool], now: float) -> None:
    """Remove messages, and runs with what they said and did. The platform may bring the messages again."""
    of_runs = select(runs.c.id).where(which_runs)
    gone = or_(which, messages.c.run_id.in_(of_runs))
    keys = select(messages.c.key).where(which, messages.c.key.is_not(None))
    late = keys.where(messages.c.created_at > now - forgotten.BROUGHT_AGAIN)
    marks = [forgotten.message(key) for key in (await tx.execute(late)).scalars()]
    await forgotten.add(tx, marks, until=now + forgotten.BROUGHT_AGAIN)
    for removal in (
        delete(files).where(files.c.message_id.in_(select(messages.c.id).where(gone))),
        delete(shown_files).where(shown_files.c.run_id.in_(of_runs)),
        delete(tool_calls).where(tool_calls.c.run_id.in_(of_runs)),
        delete(run_steps).where(run_steps.c.run_id.in_(of_runs)),
        delete(feedback).where(feedback.c.run_id.in_(of_runs)),
        delete(messages).where(gone),
        delete(runs).where(which_runs),
    ):
        await tx.execute(removal.prefix_with(MUCH))
    await traces.mark(tx)


async def _stock(connection: AsyncConnection, said: ColumnElement[bool], answered: ColumnElement[bool]) -> Stock:
    counts = [
        select(func.count()).select_from(messages).where(said, messages.c.role == "user"),
        select(func.count()).select_from(messages).where(answered, messages.c.role == "assistant"),
        select(func.count()).select_from(files).join(messages, messages.c.id == files.c.message_id).where(said),
    ]
    return Stock(*[(await connection.execute(query.prefix_with(MUCH))).scalar_one() for query in counts])


def _judged(platform: str, person: str) -> tuple[ColumnElement[bool], ...]:
    there = select(runs.c.id).where(runs.c.platform == platform)
    return feedback.c.author_id == person, feedback.c.run_id.in_(there)


def _sum(one: Stock, other: Stock) -> Stock:
    return Stock(one.messages + other.messages, one.answers + other.answers, one.files + other.files)


def _on(platform: str) -> ColumnElement[bool]:
    return messages.c.key.startswith(f"{platform}:", autoescape=True)
