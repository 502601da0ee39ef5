"""What was exported elsewhere, put into the tables under its own ids. What is there already is left as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import JSON, Assistant, Message, Thread
from bot.store import files, programs, threads
from bot.store.database import parts
from bot.store.schema import assistants, messages, uploads, vector_stores
from bot.store.schema import threads as threads_table
from bot.tenants import Tenant

Owners = Mapping[str, Tenant]
"""Whose an object is, by its id; of those that there are."""

OPERATOR = Tenant("", "")
"""Whose the default assistant is, which everybody sees."""


async def owners_of_assistants(connection: AsyncConnection, ids: Collection[str]) -> Owners:
    return await _owners(connection, assistants, ids)


async def owners_of_threads(connection: AsyncConnection, ids: Collection[str]) -> Owners:
    return await _owners(connection, threads_table, ids)


async def owners_of_messages(connection: AsyncConnection, ids: Collection[str]) -> Owners:
    found: dict[str, Tenant] = {}
    query = select(messages.c.id, threads_table.c.platform, threads_table.c.workspace)
    query = query.join(threads_table, threads_table.c.id == messages.c.thread_id)
    for some in parts(sorted(ids)):
        rows = await connection.execute(query.where(messages.c.id.in_(some)))
        found |= {id_: Tenant(*whose) for id_, *whose in rows}
    return found


async def _owners(connection: AsyncConnection, table: Table, ids: Collection[str]) -> dict[str, Tenant]:
    found: dict[str, Tenant] = {}
    for some in parts(sorted(ids)):
        rows = await connection.execute(
            select(table.c.id, table.c.platform, table.c.workspace).where(table.c.id.in_(some))
        )
        found |= {id_: Tenant(*whose) for id_, *whose in rows}
    return found


async def resources(connection: AsyncConnection, tenant: Tenant, given: JSON | None) -> JSON | None:
    """Tool resources with those files and vector stores only that are the tenant's."""
    kept: dict[str, Any] = {}
    for tool, name, table in (
        ("code_interpreter", "file_ids", uploads),
        ("file_search", "vector_store_ids", vector_stores),
    ):
        if given and tool in given:
            ids = given[tool].get(name) or ()
            owners = await _owners(connection, table, ids)
            kept[tool] = {name: [id_ for id_ in ids if owners.get(id_) == tenant]}
    return kept or None


async def add_assistants(tx: AsyncConnection, tenant: Tenant, made: Sequence[Assistant]) -> int:
    """How many of them were not there yet."""
    there = await owners_of_assistants(tx, [one.id for one in made])
    new = [one for one in made if one.id not in there]
    for one in new:
        await programs.add_assistant(tx, tenant, one)
    return len(new)


async def add_thread(
    tx: AsyncConnection, tenant: Tenant, thread_id: str, thread: Thread | None, said: Sequence[Message]
) -> tuple[bool, int]:
    """A thread, unless it is there, and those of its messages that are not, in order of their times.

    Whether the thread is new, and how many messages are. Without a `thread` the messages are for one that is there.
    """
    is_new = thread is not None and not await threads.exists(tx, thread_id)
    if thread is not None and is_new:
        await programs.add_thread(tx, tenant, thread)
    there = await owners_of_messages(tx, [message.id for message in said])
    new = [message for message in said if message.id not in there]
    # From the last place to the first: to put messages into one moves none that stand before it.
    for position, together in reversed(list(_places(await _standing(tx, thread_id), new))):
        await threads.add_before(tx, thread_id, position, together)
    await files.add(tx, {message.id: message.files for message in new if message.files})
    return is_new, len(new)


async def _standing(connection: AsyncConnection, thread_id: str) -> Sequence[tuple[int, float]]:
    """The positions in a thread with the times of what stands there."""
    query = select(messages.c.position, messages.c.created_at).where(messages.c.thread_id == thread_id, _READ)
    return [(position, at) for position, at in await connection.execute(query.order_by(messages.c.position))]


_READ: ColumnElement[bool] = messages.c.position.is_not(None)


def _places(standing: Sequence[tuple[int, float]], new: Sequence[Message]) -> Iterator[tuple[int, Sequence[Message]]]:
    """New messages (in order of time) with the position that they go to: before what is later than they are."""
    end = standing[-1][0] + 1 if standing else 1
    position, together, at = 0, list[Message](), 0
    for message in new:
        while at < len(standing) and standing[at][1] <= message.created_at:
            at += 1
        place = standing[at][0] if at < len(standing) else end
        if together and place != position:
            yield position, together
            together = []
        position = place
        together.append(message)
    if together:
        yield position, together
