"""The database file: opening it with care, one writer, readers beside it.

SQLite in WAL mode, every commit synced: what is accepted survives a power cut, too. Writes are transactions of
named operations on one connection, one after the other; reads run beside them, outside of any transaction.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import structlog
from sqlalchemy import URL, event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine

from bot.errors import StoreError
from bot.store import traces
from bot.store.dialect import COMPILED, DRIVER
from bot.store.opening import must_be_current, prepare

T = TypeVar("T")
log = structlog.get_logger(__name__)

LOCK_WAIT, LEAST_WAIT = 5.0, 0.1
"""Seconds that a write waits for another program's transaction; and where it has to be quick."""

PAUSES, LONGEST_PAUSE = (0.001, 0.002, 0.005, 0.01, 0.02), 0.05
"""Seconds between attempts of it."""

WAITING = ("commit", "rollback", "close")
"""What a connection (not a cursor) waits for the disk with."""
BEGIN = "BEGIN IMMEDIATE"
MUCH = "/* much data */"
"""A statement with these words in it (`prefix_with(MUCH)`) may move megabytes: no other work waits for its steps."""

MANY = 500
"""How many ids a statement names at most."""

TO_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

READERS = 12
"""Connections that read at once, at most. They stay open: a new one costs a thread and several statements."""

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=100", "secure_delete=ON")

# SQLite's own waiting cannot be cut short, and the loop would stand still: `Database._begin` does it.
WRITERS = (*PRAGMAS, "busy_timeout=0")


class Database:
    """One open database. `path` is its file."""

    def __init__(self, path: Path, writer_engine: AsyncEngine, reader_engine: AsyncEngine) -> None:
        self.path = path
        self.writer_engine = writer_engine
        self.reader_engine = reader_engine
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._connection: AsyncConnection | None = None
        self._patience = LOCK_WAIT
        self.has_traces = False
        """What was removed could not be wiped out of the file yet."""

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open the file, make it where there is none, and bring it to the newest schema.

        Raises `StoreError` with one sentence where it is newer than this program, read-only, locked, corrupt or
        not Parley's; the file is left as it was then.
        """
        await asyncio.to_thread(prepare, path)
        return cls(path, _writer(path), _reader(path))

    @classmethod
    async def look(cls, path: Path) -> Database:
        """Open a database that is there and up to date, beside the Parley that may be running on it.

        Raises `StoreError`; nothing is changed.
        """
        await asyncio.to_thread(must_be_current, path)
        return cls(path, _writer(path), _reader(path))

    async def write(self, operation: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `operation` in a transaction of its own. Goes on to its end where the caller is cancelled.

        Raises what `operation` raises, and `StoreError` where the database fails; nothing is written then.
        """
        return await self._whole(self._transaction(operation), "store write")

    async def read(self, operation: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `operation`, which only reads, beside the writer. Raises what it raises, and `StoreError`."""
        # Whole, too: a connection whose statement is cut off by a cancellation is lost to the pool.
        return await self._whole(self._look(operation), "store read")

    async def wipe(self) -> None:
        """Leave nothing in the files of what was removed from the tables; others write between its steps.

        Where that cannot be done now, `has_traces` tells so. Raises nothing: what is removed is removed.
        """
        await self._whole(self._wiping(), "store wipe")

    async def close(self) -> None:
        """After the operations that are on their way."""
        if self._running:
            await asyncio.wait(self._running)
        if self._connection is not None:
            await self._connection.close()
        await self.writer_engine.dispose()
        await self.reader_engine.dispose()

    async def _whole(self, operation: Coroutine[Any, Any, T], name: str) -> T:
        """Run a task to its end, whatever becomes of the caller."""
        task = asyncio.create_task(operation, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                log.warning("failed while its caller was cancelled", operation=name, error=repr(error))
            raise

    async def _look(self, operation: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with self.reader_engine.connect() as connection:
                return await operation(connection)
        except exc.DBAPIError as error:
            raise _store_error(error) from error

    async def _wiping(self) -> None:
        try:
            for _ in range(traces.STEPS):
                if not await self._step(traces.merge):
                    break
            self.has_traces = not await self._step(traces.remove)
        except (sqlite3.Error, OSError) as error:
            self.has_traces = True
            log.warning("what was removed is not wiped out yet", error=str(error))

    async def _step(self, step: Callable[[Path], bool]) -> bool:
        async with self._turn:
            return await asyncio.to_thread(step, self.path)

    def hurry(self) -> None:
        """Shutting down: a locked database is hardly waited for any longer."""
        self._patience = LEAST_WAIT

    async def _transaction(self, operation: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self._turn:
            try:
                if self._connection is None:
                    self._connection = await self.writer_engine.connect()
                transaction = await self._begin(self._connection)
                try:
                    result = await operation(self._connection)
                    await transaction.commit()
                except BaseException:
                    await transaction.rollback()
                    raise
                return result
            except exc.DBAPIError as error:
                raise _store_error(error) from error

    async def _begin(self, connection: AsyncConnection) -> AsyncTransaction:
        """Open a transaction. While another program holds the lock, ask again for as long as we are patient."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        pauses = chain(PAUSES, repeat(LONGEST_PAUSE))
        while True:
            try:
                return await connection.begin()
            except exc.OperationalError as error:
                if "locked" not in str(error.orig) or loop.time() - since >= self._patience:
                    raise
                await connection.rollback()
                await asyncio.sleep(next(pauses))


class _Near(aiosqlite.Connection):
    """Runs statements where they are asked for, and in its thread only what waits for the disk and what is marked as
    `MUCH`.

    Each step of a statement would else be a hop to that thread and back, several times the work of the step itself.
    """

    _far: object = None
    """The cursor of the last statement that was marked; its rows are fetched in the thread, too."""

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        of = getattr(fn, "__self__", None)
        if args and isinstance(args[0], str) and MUCH in args[0]:
            self._far = of
        much = of is not None and of is self._far
        waits = of is self._connection and fn.__name__ in WAITING
        if much or waits or self._connection is None:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return fn(*args, **kwargs)


def _engine(path: Path, pragmas: Sequence[str], **options: Any) -> AsyncEngine:
    def connect(*_: Any, **__: Any) -> _Near:
        # One operation at a time has a connection, so that nothing is in its thread when a statement runs elsewhere.
        near = _Near(lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=64)
        near._thread.daemon = True  # as SQLAlchemy does it: a program may end while a connection is open
        return near

    url = URL.create(DRIVER, database=str(path))
    options |= {"async_creator": connect, "execution_options": {"compiled_cache": COMPILED}}

    def on_connect(connection: Any, _record: object) -> None:
        # pysqlite opens no transaction for a SELECT; with its own handling off, `begin_immediate` opens all of them.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    engine = create_async_engine(url, json_serializer=TO_JSON.encode, hide_parameters=True, **options)
    event.listen(engine.sync_engine, "connect", on_connect)
    return engine


def _writer(path: Path) -> AsyncEngine:
    engine = _engine(path, WRITERS)
    event.listen(engine.sync_engine, "begin", begin_immediate)
    return engine


def _reader(path: Path) -> AsyncEngine:
    # Outside of transactions there is nothing to roll back when a connection returns to the pool.
    nothing: dict[str, Any] = {"pool_reset_on_return": None, "skip_autocommit_rollback": True}
    kept: dict[str, Any] = {"pool_size": READERS, "max_overflow": 0, "pool_use_lifo": True}
    return _engine(path, PRAGMAS, isolation_level="AUTOCOMMIT", **kept, **nothing)


def begin_immediate(connection: Any) -> None:
    # A transaction that reads before it writes must hold the write lock from its first statement.
    connection.exec_driver_sql(BEGIN)


def _store_error(error: exc.DBAPIError) -> StoreError:
    return StoreError(f"The database could not do its part: {error.orig}.")


def parts(ids: Sequence[str]) -> list[Sequence[str]]:
    """Ids in parts of at most `MANY`."""
    return [ids[start : start + MANY] for start in range(0, len(ids), MANY)]
