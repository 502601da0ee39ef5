"""Files that can be searched: their passages, the words of these (SQLite FTS5) and their vectors.

A file belongs to a thread, to a channel or to a whole workspace; a vector store is a channel here. Nobody finds what
belongs to others: every query here names the place that it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, delete, func, insert, or_, select, text, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import well_formed
from bot.errors import NotFound
from bot.store import traces
from bot.store.database import MUCH, Database, parts
from bot.store.schema import NOT_READY, documents, messages, passages
from bot.store.words import indexed, match


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where files stand: those of a thread, where it is set; else those of a channel; of the workspace where that is
    empty."""

    platform: str
    workspace: str
    channel: str = ""
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be searched: the files of a thread, where one is named, and those of some channels. The workspace's own
    are among them only where the empty channel is."""

    platform: str
    workspace: str
    channels: tuple[str, ...] = ()
    thread_id: str | None = None
    documents: frozenset[str] | None = None
    """Nothing but these, where they are given."""

    @classmethod
    def of(cls, place: Shelf) -> Reach:
        """From a thread of people: its own files, its channel's and its workspace's."""
        return cls(place.platform, place.workspace, tuple(dict.fromkeys(("", place.channel))), place.thread_id)

    @property
    def shelves(self) -> Sequence[Shelf]:
        shared = [Shelf(self.platform, self.workspace, channel) for channel in self.channels]
        own = [Shelf(self.platform, self.workspace, "", self.thread_id)] if self.thread_id else []
        return [*shared, *own]


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as lists tell of it."""

    id: str
    shelf: Shelf
    name: str
    mime: str
    size: int
    """Bytes."""
    created_at: float
    person: str
    """Who brought it."""
    message_id: str = ""
    """The message that it came with, in a thread."""
    digest: str = ""
    """Of its bytes, once these are known."""
    status: Literal["reading", "ready", "failed"] = "reading"
    reader: str = ""
    """The process that reads it."""
    problem: str = ""
    """Why it failed, in a sentence for who brought it."""
    passages: int = 0
    embedded_by: str = ""
    """The model that its vectors are of; empty without."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A passage to be kept."""

    text: str
    indexed: str
    place: str
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    seq: int
    document_id: str
    name: str
    place: str
    text: str


def _on(shelf: Shelf) -> tuple[ColumnElement[bool], ...]:
    """The files of this very shelf."""
    return (
        documents.c.platform == shelf.platform,
        documents.c.workspace == shelf.workspace,
        documents.c.channel == shelf.channel,
        documents.c.thread_id == shelf.thread_id if shelf.thread_id else documents.c.thread_id.is_(None),
    )


def _in_reach(of: Shelf | Reach) -> ColumnElement[bool]:
    reach = _reach(of)
    same = (documents.c.platform == reach.platform, documents.c.workspace == reach.workspace)
    own = documents.c.thread_id == reach.thread_id
    shared = and_(documents.c.thread_id.is_(None), documents.c.channel.in_(reach.channels))
    found = and_(*same, or_(own, shared) if reach.thread_id else shared)
    return found if reach.documents is None else and_(found, documents.c.id.in_(sorted(reach.documents)))


def _reach(of: Shelf | Reach) -> Reach:
    return of if isinstance(of, Reach) else Reach.of(of)


def _key(shelf: Shelf) -> str:
    """The word under which the full-text index knows a shelf. It ends with a digit: a stem is nothing else then."""
    where = ["thread", shelf.thread_id] if shelf.thread_id else [shelf.platform, shelf.workspace, shelf.channel]
    return f"{sha256(json.dumps(where).encode()).hexdigest()[:24]}0"


# -- keeping ----------------------------------------------------------------------------------------------------------


_COLUMNS = (
    "id", "name", "mime", "size", "created_at", "person", "message_id", "digest", "status", "reader", "problem",
    "passages", "embedded_by",
)  # fmt: skip
"""What `Stored` and the table call by the same names."""


_SHELF = ("platform", "workspace", "channel", "thread_id")


_WITH: BindParameter[str] = bindparam("new_message_id")
_SAID = select(messages.c.id).where(messages.c.id == _WITH, messages.c.position.is_not(None))
_NEW = select(*(bindparam(f"new_{name}", type_=documents.c[name].type) for name in (*_COLUMNS, *_SHELF)))
_BEGIN = insert(documents).from_select((*_COLUMNS, *_SHELF), _NEW.where(or_(_WITH == "", _SAID.exists())))


async def begin(tx: AsyncConnection, stored: Stored) -> None:
    """Keep a place for a file that is to be read. Raises `NotFound` where its message was deleted meanwhile."""
    given = {f"new_{name}": value for name, value in _row(stored).items()}
    if (await tx.execute(_BEGIN, given)).rowcount != 1:
        raise NotFound("message", stored.message_id)


async def begin_all(tx: AsyncConnection, stored: Sequence[Stored]) -> None:
    """The same for many that came with no message, while other work goes on."""
    if stored:
        await tx.execute(insert(documents).prefix_with(MUCH), [_row(one) for one in stored])


def _row(stored: Stored) -> dict[str, Any]:
    values = {name: getattr(stored, name) for name in _COLUMNS}
    values |= {"name": well_formed(stored.name), "mime": well_formed(stored.mime)}
    return values | {name: getattr(stored.shelf, name) for name in _SHELF}


async def known(tx: AsyncConnection, stored: Stored) -> Stored | None:
    """Another file on the same shelf with the same bytes; in a thread, of the same message: each goes with its own."""
    same = select(documents).where(
        *_on(stored.shelf),
        documents.c.message_id == stored.message_id,
        documents.c.digest == stored.digest,
        documents.c.status == "ready",
        documents.c.id != stored.id,
    )
    row = (await tx.execute(same.limit(1))).mappings().first()
    return None if row is None else _stored(row)


async def must_be_there(tx: AsyncConnection, document_id: str) -> None:
    """Raises `NotFound` where the file was removed or given up meanwhile."""
    there = select(documents.c.id).where(documents.c.id == document_id, documents.c.status == "reading")
    if (await tx.execute(there)).first() is None:
        raise NotFound("file", document_id)


_ADD = insert(passages).prefix_with(MUCH)


async def add(tx: AsyncConnection, stored: Stored, first: int, kept: Sequence[Kept]) -> None:
    """Put passages behind those before them."""
    shelf = _key(stored.shelf)
    rows = [
        {
            "document_id": stored.id,
            "number": number,
            "shelf": shelf,
            "text": well_formed(one.text),
            "indexed": indexed(well_formed(one.indexed)),
            "place": well_formed(one.place),
            "vector": one.vector,
        }
        for number, one in enumerate(kept, first)
    ]
    await tx.execute(_ADD, rows)


async def finish(tx: AsyncConnection, document_id: str, count: int, digest: str) -> None:
    """All of it is kept: from now on it is found."""
    ready = update(documents).where(documents.c.id == document_id)
    await tx.execute(ready.values(status="ready", passages=count, digest=digest, reader=""))


async def remove(tx: AsyncConnection, ids: Sequence[str]) -> None:
    """Remove files for good: see `remove_where`."""
    for some in parts(ids):
        await remove_where(tx, documents.c.id.in_(some))


_TOLD = ("platform", "workspace", "channel", "name", "mime", "person", "message_id", "digest", "reader", "problem")
_GONE: dict[str, Any] = {**dict.fromkeys(_TOLD, ""), "thread_id": None, "size": 0, "status": "gone"}


async def remove_where(tx: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Remove all files that this is true of: nobody finds anything of them, and `clear` removes their passages."""
    if (await tx.execute(update(documents).where(which).values(**_GONE))).rowcount:
        await traces.mark(tx)


async def fail(tx: AsyncConnection, document_id: str, problem: str) -> None:
    """It cannot be found, and lists tell why; `clear` removes what was kept of it."""
    failed = update(documents).where(documents.c.id == document_id, documents.c.status == "reading")
    await tx.execute(failed.values(status="failed", problem=problem, passages=0, digest=""))


AT_ONCE = 100
"""Passages that one transaction removes, in about 50 ms: others write in between."""
_NEVER_FOUND = and_(NOT_READY, documents.c.status.in_(("failed", "gone")))
_WORTHLESS = (
    select(passages.c.seq).join(documents, documents.c.id == passages.c.document_id).where(_NEVER_FOUND).limit(AT_ONCE)
)
_CLEAR = delete(passages).where(passages.c.seq.in_(_WORTHLESS)).prefix_with(MUCH)


async def is_cleared(connection: AsyncConnection) -> bool:
    """Nothing is left of files that were removed, and no passage of those that failed."""
    kept = select(passages.c.seq).where(passages.c.document_id == documents.c.id).exists()
    left = select(documents.c.id).where(_NEVER_FOUND, or_(documents.c.status == "gone", kept)).limit(1)
    return (await connection.execute(left)).first() is None


async def clear(database: Database) -> None:
    """Remove what is left of files that were removed or failed, in small transactions. Raises `StoreError`."""
    if not await database.read(is_cleared):
        while not await database.write(_clear_some):
            pass


async def _clear_some(tx: AsyncConnection) -> bool:
    """True where nothing is left."""
    removed = (await tx.execute(_CLEAR)).rowcount
    await traces.mark(tx)
    if removed < AT_ONCE:
        await tx.execute(delete(documents).where(NOT_READY, documents.c.status == "gone"))
    return removed < AT_ONCE


async def read_by(connection: AsyncConnection, readers: Collection[str]) -> Sequence[Stored]:
    """What some processes are reading."""
    query = select(documents).where(NOT_READY, documents.c.status == "reading", documents.c.reader.in_(sorted(readers)))
    return [_stored(row) for row in (await connection.execute(query)).mappings()]


# -- looking ----------------------------------------------------------------------------------------------------------


async def on(connection: AsyncConnection, shelf: Shelf) -> Sequence[Stored]:
    """The files of this very shelf, by their names."""
    query = (
        select(documents).where(*_on(shelf)).order_by(documents.c.name, documents.c.created_at, text("documents.rowid"))
    )
    return [_stored(row) for row in (await connection.execute(query)).mappings()]


async def in_reach(connection: AsyncConnection, of: Shelf | Reach) -> Sequence[Stored]:
    """The files that may be searched from there, by their names; those that are being read, too."""
    query = (
        select(documents)
        .where(_in_reach(of))
        .order_by(documents.c.name, documents.c.created_at, text("documents.rowid"))
    )
    return [_stored(row) for row in (await connection.execute(query)).mappings()]


def within(of: Shelf | Reach, words: str) -> str:
    """What `match` made of a query, for the passages in reach only: nothing else is ranked then."""
    return f"shelf: ({' OR '.join(_key(shelf) for shelf in _reach(of).shelves)}) AND indexed: ({words})"


_BY_WORDS = (
    select(passages.c.seq, passages.c.document_id, documents.c.name, passages.c.place, passages.c.text)
    .select_from(text("passages_fts"))
    .join(passages, text("passages.seq = passages_fts.rowid"))
    .join(documents, documents.c.id == passages.c.document_id)
    .where(text("passages_fts MATCH :match"), documents.c.status == "ready")
    # The word for the shelf counts for nothing.
    .order_by(text("bm25(passages_fts, 1, 0)"), passages.c.seq)
    .limit(bindparam("most"))
    .prefix_with(MUCH)
)


async def by_words(connection: AsyncConnection, of: Shelf | Reach, query: str, most: int) -> Sequence[Hit]:
    """The passages in reach that a query's words fit best (BM25), the best first."""
    words = match(query)
    if not words or not _reach(of).shelves:
        return []
    rows = await connection.execute(_BY_WORDS.where(_in_reach(of)), {"match": within(of, words), "most": most})
    return [Hit(*row) for row in rows]


async def with_vectors(connection: AsyncConnection, of: Shelf | Reach, model: str) -> Sequence[str]:
    """The ids of the files in reach that have vectors of a model."""
    query = select(documents.c.id).where(_in_reach(of), documents.c.status == "ready", documents.c.embedded_by == model)
    return list((await connection.execute(query)).scalars())


_VECTORS = (
    select(passages.c.seq, passages.c.vector)
    .prefix_with(MUCH)
    .where(passages.c.document_id == bindparam("document_id"), passages.c.vector.is_not(None))
)


async def vectors(connection: AsyncConnection, document_id: str) -> Sequence[tuple[int, bytes]]:
    """The vectors of a file's passages, with their numbers."""
    return [(seq, vector) for seq, vector in await connection.execute(_VECTORS, {"document_id": document_id})]


async def these(connection: AsyncConnection, of: Shelf | Reach, numbers: Collection[int]) -> Sequence[Hit]:
    """Passages by their numbers, as far as they are in reach."""
    query = (
        select(passages.c.seq, passages.c.document_id, documents.c.name, passages.c.place, passages.c.text)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(passages.c.seq.in_(sorted(numbers)), documents.c.status == "ready", _in_reach(of))
    )
    return [Hit(*row) for row in await connection.execute(query)]


_TEXTS = (
    select(passages.c.text)
    .prefix_with(MUCH)
    .where(passages.c.document_id == bindparam("document_id"))
    .order_by(passages.c.number)
)


async def texts(connection: AsyncConnection, document_id: str) -> Sequence[str]:
    """A file's passages, in its order."""
    return list((await connection.execute(_TEXTS, {"document_id": document_id})).scalars())


async def count(connection: AsyncConnection) -> int:
    """How many passages there are in all."""
    return int((await connection.execute(select(func.count()).select_from(passages))).scalar_one())


def _stored(row: RowMapping) -> Stored:
    shelf = Shelf(row["platform"], row["workspace"], row["channel"], row["thread_id"])
    return Stored(shelf=shelf, **{name: row[name] for name in _COLUMNS})
