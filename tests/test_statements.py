"""What the store does again with each turn, and what it does once: statements, their compilation, the lock."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.ports import Conversation
from bot.store import policies
from bot.store.database import LEAST_WAIT, Database
from bot.store.dialect import COMPILED
from bot.store.schema import threads
from tests.files import ready
from tests.parley import Parley, parley_at
from tests.scripted_model import ScriptedModel

BUDGET = {"tokens": 1_000_000}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(ready(tmp_path / "parley.db"))
    await database.write(nothing)
    yield database
    await database.close()


async def nothing(connection: AsyncConnection) -> None:
    await connection.execute(select(threads.c.id).limit(1))


@contextmanager
def statements_of(database: Database) -> Iterator[list[Any]]:
    """The statements as SQLAlchemy gets them; those of the driver (`BEGIN`) are not among them."""
    seen: list[Any] = []

    def executing(connection: Any, statement: Any, *rest: Any) -> None:
        if not isinstance(statement, str):
            seen.append(statement)

    engines = [database.writer_engine.sync_engine, database.reader_engine.sync_engine]
    for engine in engines:
        event.listen(engine, "before_execute", executing)
    yield seen
    for engine in engines:
        event.remove(engine, "before_execute", executing)


async def turn(parley: Parley, model: ScriptedModel, **message: Any) -> list[Any]:
    model.call(("forecast", {"place": "Oslo"}))
    model.say("Cold.")
    with statements_of(parley.core.database) as seen:
        await parley.alice.say("How is Oslo?", **message)
        await parley.quiet()
    return seen


async def test_a_turn_builds_no_statement(tmp_path: Path) -> None:
    """Building one, and finding it among the compiled ones, takes longer than SQLite takes to run it."""
    model = ScriptedModel()
    async with parley_at(tmp_path / "parley.db", model) as parley:
        where = Conversation("room", "T1", "C1", "1")
        for of in ("person", "channel", "workspace"):
            set_ = partial(policies.put, where=where, scope="workspace", name=f"budget:{of}:day", value=BUDGET)
            await parley.core.database.write(set_)
        known = {id(statement): statement for _ in range(2) for statement in await turn(parley, model)}
        known |= {id(statement): statement for statement in await turn(parley, model, raw=True)}
        again: list[dict[str, Any]] = [{}, {"raw": True}, {"thread": "2"}]
        for message in again:
            seen = await turn(parley, model, **message)
            assert len(seen) > 15
            assert [str(statement) for statement in seen if id(statement) not in known] == []


async def test_what_one_database_has_compiled_no_other_compiles(tmp_path: Path) -> None:
    model = ScriptedModel()
    for number in range(2):
        before = len(COMPILED)
        async with parley_at(tmp_path / f"{number}.db", model) as parley:
            await turn(parley, model)
    assert before > 0
    assert len(COMPILED) == before


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Another program's transaction."""
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("COMMIT")


async def test_a_write_waits_for_another_programs_transaction_and_nothing_else_does(database: Database) -> None:
    with locked(database):
        write = asyncio.create_task(database.write(nothing))
        for _ in range(20):
            await database.read(nothing)
            await asyncio.sleep(0.005)
        assert not write.done()
    await write


async def test_a_write_that_has_to_be_quick_gives_up_soon(database: Database) -> None:
    loop = asyncio.get_running_loop()
    database.hurry()
    with locked(database):
        since = loop.time()
        with pytest.raises(StoreError, match="database is locked"):
            await database.write(nothing)
        assert LEAST_WAIT <= loop.time() - since < 1.0
    await database.write(nothing)
