"""Vector stores: files of a tenant that are searched together, and the batches in which they were brought.

A file is in a store by a document of its own (see `bot.store.library`), which stands on the shelf of a channel that has
the store's id. How far it is follows from that document.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, case, delete, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import JSON, Run
from bot.errors import NotFound
from bot.store import library, uploads
from bot.store.database import MUCH, parts
from bot.store.library import Stored
from bot.store.paging import Listing, Page
from bot.store.schema import assistants, documents, threads
from bot.store.schema import uploads as uploads_table
from bot.store.schema import vector_store_batches as batches
from bot.store.schema import vector_store_files as members
from bot.store.schema import vector_stores as stores
from bot.store.uploads import Upload
from bot.tenants import Tenant

DAY = 86_400.0
STILL = 60.0
"""Seconds in which another use of a store is not noted."""

Status = Literal["in_progress", "completed", "failed", "cancelled"]
_THERE = ("in_progress", "completed")


@dataclass(frozen=True, slots=True)
class VectorStore:
    id: str
    created_at: float
    last_active_at: float
    name: str | None = None
    expires_after_days: int | None = None
    metadata: JSON = field(default_factory=dict)

    @property
    def expires_at(self) -> float | None:
        return None if self.expires_after_days is None else self.last_active_at + self.expires_after_days * DAY

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def idle(self, now: float) -> bool:
        """It was not used so lately that another use need not be noted."""
        return now - self.last_active_at > STILL


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that is to be in a store."""

    file_id: str
    attributes: JSON = field(default_factory=dict)
    chunking_strategy: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a store."""

    store_id: str
    file_id: str
    name: str
    size: int
    """Bytes."""
    document_id: str
    created_at: float
    status: Status
    problem: str
    """Why it failed, in a sentence."""
    attributes: JSON
    chunking_strategy: JSON


@dataclass(frozen=True, slots=True)
class Batch:
    id: str
    store_id: str
    created_at: float
    cancelled: bool = False


class Counts(NamedTuple):
    """How far the files are. `size` is the bytes of those that can be searched."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    size: int = 0

    @property
    def total(self) -> int:
        return self.in_progress + self.completed + self.failed + self.cancelled


# -- stores -----------------------------------------------------------------------------------------------------------

_STORES = Listing("vector store", stores.c.id, (stores.c.created_at, stores.c.id))


def _its(tenant: Tenant) -> tuple[ColumnElement[bool], ...]:
    return stores.c.platform == tenant.platform, stores.c.workspace == tenant.workspace


async def add(tx: AsyncConnection, tenant: Tenant, made: VectorStore) -> None:
    whose = {"platform": tenant.platform, "workspace": tenant.workspace}
    await tx.execute(insert(stores).values(id=made.id, created_at=made.created_at, **whose, **_described(made)))


async def get(connection: AsyncConnection, tenant: Tenant, store_id: str) -> VectorStore:
    """Raises `NotFound`."""
    row = (await connection.execute(select(stores).where(stores.c.id == store_id, *_its(tenant)))).mappings().first()
    if row is None:
        raise NotFound("vector store", store_id)
    return _store(row)


async def page(connection: AsyncConnection, tenant: Tenant, asked: Page) -> tuple[Sequence[VectorStore], bool]:
    """Raises `NotFound` for what the page begins at."""
    rows, more = await _STORES.page(connection, select(stores).where(*_its(tenant)), asked)
    return [_store(row) for row in rows], more


async def change(tx: AsyncConnection, changed: VectorStore) -> None:
    await tx.execute(update(stores).where(stores.c.id == changed.id).values(**_described(changed)))


async def touch(tx: AsyncConnection, store_ids: Collection[str], now: float) -> None:
    """They are used now: their time begins again."""
    await tx.execute(update(stores).where(stores.c.id.in_(sorted(store_ids))).values(last_active_at=now))


async def remove(tx: AsyncConnection, tenant: Tenant, store_id: str) -> None:
    """Remove a store and what is searched in it; the files themselves stay. Raises `NotFound`."""
    await get(tx, tenant, store_id)
    await _drop(tx, members.c.vector_store_id == store_id)
    await tx.execute(delete(batches).where(batches.c.vector_store_id == store_id))
    await tx.execute(delete(stores).where(stores.c.id == store_id))


def _described(one: VectorStore) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in ("last_active_at", "name", "expires_after_days")}
    return {**values, "metadata": dict(one.metadata)}


def _store(row: RowMapping) -> VectorStore:
    return VectorStore(
        row["id"], row["created_at"], row["last_active_at"], row["name"], row["expires_after_days"], row["metadata"]
    )


# -- their files ------------------------------------------------------------------------------------------------------

_status = case(
    (members.c.cancelled, "cancelled"),
    (documents.c.status == "reading", "in_progress"),
    (documents.c.status == "ready", "completed"),
    else_="failed",
)
_OF_DOCUMENT = documents.c.id == members.c.document_id
_MEMBERS = (
    select(members, uploads_table.c.name, uploads_table.c.size, documents.c.problem, _status.label("status"))
    .join(uploads_table, uploads_table.c.id == members.c.file_id)
    .outerjoin(documents, _OF_DOCUMENT)
)
_FILES = Listing("file", members.c.file_id, (members.c.created_at, members.c.file_id))


async def add_files(
    tx: AsyncConnection,
    tenant: Tenant,
    store_id: str,
    entries: Sequence[Entry],
    now: float,
    place: Callable[[Upload], Stored],
    batch_id: str | None = None,
) -> Sequence[tuple[Stored, str]]:
    """Put files into a store; `place` makes the places in which they are kept there. Returns those that are to be read,
    with the ids of the files.

    What is in the store already stays, with the attributes and the batch that are given now, and is read again where it
    failed or was cancelled. Raises `NotFound` for a file that is not the tenant's.
    """
    wanted = {entry.file_id: entry for entry in entries}
    brought = {one.id: one for one in await uploads.these(tx, tenant, wanted.keys(), now)}
    if missing := next((file_id for file_id in wanted if file_id not in brought), None):
        raise NotFound("file", missing)
    there = await _how_far(tx, store_id, wanted.keys())
    await _keep(tx, store_id, [wanted.pop(id_) for id_, status in there.items() if status in _THERE], batch_id)
    for some in parts(sorted(there.keys() & wanted.keys())):
        await _drop(tx, members.c.vector_store_id == store_id, members.c.file_id.in_(some))
    places = [(place(brought[file_id]), entry) for file_id, entry in wanted.items()]
    await library.begin_all(tx, [stored for stored, _ in places])
    rows = [_row(store_id, stored, entry, now, batch_id) for stored, entry in places]
    if rows:
        await tx.execute(insert(members).prefix_with(MUCH), rows)
    return [(stored, entry.file_id) for stored, entry in places]


_ONE = (members.c.vector_store_id == bindparam("of_store"), members.c.file_id == bindparam("of_file"))
_DESCRIBE = update(members).where(*_ONE).values(attributes=bindparam("now")).prefix_with(MUCH)


async def _keep(tx: AsyncConnection, store_id: str, entries: Sequence[Entry], batch_id: str | None) -> None:
    described = [
        {"of_store": store_id, "of_file": one.file_id, "now": dict(one.attributes)} for one in entries if one.attributes
    ]
    if described:
        await tx.execute(_DESCRIBE, described)
    if batch_id is not None:
        for some in parts([one.file_id for one in entries]):
            here = (members.c.vector_store_id == store_id, members.c.file_id.in_(some))
            await tx.execute(update(members).where(*here).values(batch_id=batch_id))


def _row(store_id: str, stored: Stored, entry: Entry, now: float, batch_id: str | None) -> dict[str, Any]:
    return {
        "vector_store_id": store_id,
        "file_id": entry.file_id,
        "document_id": stored.id,
        "batch_id": batch_id,
        "created_at": now,
        "cancelled": False,
        "attributes": dict(entry.attributes),
        "chunking_strategy": dict(entry.chunking_strategy),
    }


async def _how_far(connection: AsyncConnection, store_id: str, ids: Collection[str]) -> Mapping[str, Status]:
    found: dict[str, Status] = {}
    for some in parts(sorted(ids)):
        query = select(members.c.file_id, _status.label("status")).outerjoin(documents, _OF_DOCUMENT)
        here = query.where(members.c.vector_store_id == store_id, members.c.file_id.in_(some))
        found |= {row.file_id: row.status for row in await connection.execute(here)}
    return found


async def member(connection: AsyncConnection, store_id: str, file_id: str) -> Member:
    """Raises `NotFound`."""
    row = (await connection.execute(_MEMBERS.where(*_one(store_id, file_id)))).mappings().first()
    if row is None:
        raise NotFound("file", file_id)
    return _member(row)


async def files(
    connection: AsyncConnection,
    store_id: str,
    asked: Page,
    status: Status | None = None,
    batch_id: str | None = None,
) -> tuple[Sequence[Member], bool]:
    """The files of a store, or of one batch there. Raises `NotFound` for what the page begins at."""
    query = _MEMBERS.where(members.c.vector_store_id == store_id)
    if status is not None:
        query = query.where(_status == status)
    if batch_id is not None:
        query = query.where(members.c.batch_id == batch_id)
    rows, more = await _FILES.page(connection, query, asked)
    return [_member(row) for row in rows], more


async def describe(tx: AsyncConnection, store_id: str, file_id: str, attributes: JSON) -> None:
    await tx.execute(update(members).where(*_one(store_id, file_id)).values(attributes=dict(attributes)))


async def remove_file(tx: AsyncConnection, store_id: str, file_id: str) -> None:
    """Raises `NotFound`."""
    await member(tx, store_id, file_id)
    await _drop(tx, *_one(store_id, file_id))


async def remove_upload(tx: AsyncConnection, tenant: Tenant, file_id: str) -> None:
    """Remove a file from all stores, and then itself. Raises `NotFound`."""
    await uploads.get(tx, tenant, file_id)
    await _drop(tx, members.c.file_id == file_id)
    await uploads.remove(tx, tenant, file_id)


async def described(connection: AsyncConnection, store_id: str) -> Sequence[tuple[str, JSON]]:
    """The documents of a store with the attributes of their files."""
    query = select(members.c.document_id, members.c.attributes).where(members.c.vector_store_id == store_id)
    return [(id_, attributes) for id_, attributes in await connection.execute(query.prefix_with(MUCH))]


async def found(connection: AsyncConnection, store_id: str, document_ids: Collection[str]) -> Mapping[str, Member]:
    """The files of a store that can be searched, by their documents, of which there are few."""
    ready = _MEMBERS.where(members.c.vector_store_id == store_id, _status == "completed")
    rows = await connection.execute(ready.where(members.c.document_id.in_(sorted(document_ids))))
    return {row["document_id"]: _member(row) for row in rows.mappings()}


async def _drop(tx: AsyncConnection, *which: ColumnElement[bool]) -> None:
    its = select(members.c.document_id).where(*which)
    await library.remove_where(tx, documents.c.id.in_(its))
    await tx.execute(delete(members).where(*which))


def _one(store_id: str, file_id: str) -> tuple[ColumnElement[bool], ...]:
    return members.c.vector_store_id == store_id, members.c.file_id == file_id


def _member(row: RowMapping) -> Member:
    fields = ("file_id", "name", "size", "document_id", "created_at", "status", "attributes", "chunking_strategy")
    return Member(row["vector_store_id"], problem=row["problem"] or "", **{name: row[name] for name in fields})


async def of_run(connection: AsyncConnection, run: Run, now: float) -> tuple[Tenant, Sequence[VectorStore]]:
    """The tenant of a run's thread, and its stores that the thread and the assistant name and that have not expired."""
    query = select(threads.c.platform, threads.c.workspace, threads.c.tool_resources, assistants.c.settings)
    both = query.select_from(threads).join(assistants, assistants.c.id == run.assistant_id)
    found = (await connection.execute(both.where(threads.c.id == run.thread_id))).one_or_none()
    if found is None:
        return Tenant("", ""), []
    tenant = Tenant(found.platform, found.workspace)
    named = {*_named(found.tool_resources), *_named(found.settings.get("tool_resources"))}
    its = await connection.execute(select(stores).where(stores.c.id.in_(sorted(named)), *_its(tenant)))
    return tenant, [one for one in map(_store, its.mappings()) if not one.expired(now)]


def _named(tool_resources: JSON | None) -> Sequence[str]:
    search = (tool_resources or {}).get("file_search") or {}
    return list(search.get("vector_store_ids") or ())


# -- batches ----------------------------------------------------------------------------------------------------------


async def add_batch(tx: AsyncConnection, made: Batch) -> None:
    values = {"id": made.id, "vector_store_id": made.store_id, "created_at": made.created_at, "cancelled": False}
    await tx.execute(insert(batches).values(**values))


async def batch(connection: AsyncConnection, store_id: str, batch_id: str) -> Batch:
    """Raises `NotFound`."""
    query = select(batches).where(batches.c.id == batch_id, batches.c.vector_store_id == store_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound("vector store file batch", batch_id)
    return Batch(row["id"], row["vector_store_id"], row["created_at"], row["cancelled"])


async def cancel(tx: AsyncConnection, batch_id: str) -> None:
    """What is not read yet of a batch will not be read."""
    reading = select(documents.c.id).where(documents.c.status == "reading", _OF_DOCUMENT).exists()
    open_ones = (members.c.batch_id == batch_id, reading)
    its = list((await tx.execute(select(members.c.document_id).where(*open_ones))).scalars())
    await tx.execute(update(batches).where(batches.c.id == batch_id).values(cancelled=True))
    await tx.execute(update(members).where(*open_ones).values(cancelled=True))
    await library.remove(tx, its)


# -- how far they are -------------------------------------------------------------------------------------------------


async def counts(connection: AsyncConnection, store_ids: Collection[str]) -> Mapping[str, Counts]:
    """Of stores, by their ids."""
    return await _counts(connection, members.c.vector_store_id, store_ids)


async def counts_of(connection: AsyncConnection, batch_id: str) -> Counts:
    return (await _counts(connection, members.c.batch_id, [batch_id])).get(batch_id, Counts())


async def _counts(connection: AsyncConnection, by: ColumnElement[Any], ids: Collection[str]) -> Mapping[str, Counts]:
    size = func.sum(case((_status == "completed", uploads_table.c.size), else_=0))
    query: Select[Any] = (
        select(by, _status, func.count(), size)
        .select_from(members)
        .join(uploads_table, uploads_table.c.id == members.c.file_id)
        .outerjoin(documents, _OF_DOCUMENT)
        .where(by.in_(sorted(ids)))
        .group_by(by, _status)
    )
    found: dict[str, Counts] = dict.fromkeys(ids, Counts())
    for id_, status, count, bytes_ in await connection.execute(query.prefix_with(MUCH)):
        found[id_] = found[id_]._replace(**{status: count}, size=found[id_].size + bytes_)
    return found
