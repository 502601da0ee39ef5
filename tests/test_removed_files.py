"""Files that can be searched and are removed: nothing of them is left, and nobody waits for that."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.errors import StoreError
from bot.library import Library
from bot.store import library as stored
from bot.store import traces as traces_of
from bot.store.database import Database
from bot.store.library import Kept, Shelf, Stored
from tests.files import ready
from tests.kept import traces
from tests.parley import parley_at
from tests.scripted_model import ScriptedModel

SHELF = Shelf("room", "T1", "C1")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(ready(tmp_path / "parley.db"))
    yield opened
    await opened.close()


async def keeps(database: Database, name: str, texts: Sequence[str]) -> Stored:
    """A file of these passages, in one transaction."""
    library = Library(database, "test", SystemClock())
    placed = library.place(SHELF, name, "text/plain", 1, "U1")
    await library.begin(placed)
    kept = [Kept(text, text, "line 1") for text in texts]
    await database.write(lambda tx: stored.add(tx, placed, 0, kept))
    await database.write(lambda tx: stored.finish(tx, placed.id, len(kept), name))
    return placed


async def removed(database: Database, files: Sequence[Stored]) -> None:
    await Library(database, "test", SystemClock()).remove(files)
    await stored.clear(database)


def indexed(database: Database, word: str) -> int:
    """How often the full-text index has a word in its blocks."""
    with closing(sqlite3.connect(database.path)) as connection:
        blocks = connection.execute("SELECT block FROM passages_fts_data").fetchall()
    return sum(block.count(word.encode()) for (block,) in blocks)


# -- in small transactions -----------------------------------------------------------------------------------------


async def test_a_removed_file_is_out_of_reach_at_once_and_goes_in_small_transactions(database: Database) -> None:
    file = await keeps(database, "long.txt", ["Hotels."] * 2 * stored.AT_ONCE)
    stays = await keeps(database, "stays.txt", ["Hotels."])
    await Library(database, "test", SystemClock()).remove([file])
    hits = await database.read(lambda c: stored.by_words(c, SHELF, "hotels", 500))
    assert {hit.document_id for hit in hits} == {stays.id}
    assert [one.id for one in await database.read(lambda c: stored.on(c, SHELF))] == [stays.id]
    clearing = asyncio.create_task(stored.clear(database))
    while (left := await database.read(stored.count)) > stored.AT_ONCE + 1:
        await database.write(stored.is_cleared)  # another transaction does not wait for all of it
    assert left == stored.AT_ONCE + 1
    await clearing
    assert await database.read(stored.count) == 1
    assert await database.read(stored.is_cleared)


async def test_what_was_not_cleared_before_the_process_died_is_cleared_by_the_next(tmp_path: Path) -> None:
    path, model = tmp_path / "parley.db", ScriptedModel()
    async with parley_at(path, model) as parley:
        file = await keeps(parley.core.database, "zebra.txt", ["A zebra in a file."])
        await Library(parley.core.database, "test", parley.clock).remove([file])
        assert traces(tmp_path, "zebra")
    async with parley_at(path, model) as parley:
        await parley.next_sweep()
        assert await parley.core.database.read(stored.count) == 0
        assert traces(tmp_path, "zebra") == {}


async def test_forgotten_is_said_only_when_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "parley.db", model) as parley:
        parley.room.files = {"zebra.txt": b"A zebra in a file."}
        model.say("Noted.")
        await parley.alice.say("Look.", files=["zebra.txt"])
        await parley.quiet()

        async def failing(_: object) -> None:
            raise StoreError("The disk is full.")

        with monkeypatch.context() as patched:
            patched.setattr(stored, "clear", failing)
            with pytest.raises(StoreError):
                await parley.alice.order("forget sure")
        assert traces(tmp_path, "zebra")
        await parley.next_sweep()
        assert traces(tmp_path, "zebra") == {}


# -- no trace ------------------------------------------------------------------------------------------------------


async def test_of_a_large_file_no_removed_word_is_left_in_the_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces_of, "SMALL", 0)
    monkeypatch.setattr(traces_of, "STEP", 1)
    for number in range(6):
        await keeps(database, f"{number}.txt", [f"hotel{number}x{line} " * 20 for line in range(60)])
    secret = await keeps(database, "secret.txt", ["zebra"])
    await keeps(database, "later.txt", ["okapi"])
    await removed(database, [secret])
    assert indexed(database, "zebra")
    await database.wipe()
    assert (indexed(database, "zebra"), database.has_traces) == (0, False)
    assert indexed(database, "okapi") == 1


async def test_others_write_between_the_steps_of_wiping(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces_of, "STEP", 1)
    files = [await keeps(database, f"{n}.txt", [f"word{n}x{line} " * 30 for line in range(99)]) for n in range(4)]
    await removed(database, files[:1])
    wiping = asyncio.create_task(database.wipe())
    await asyncio.sleep(0)
    await database.write(lambda tx: stored.finish(tx, files[1].id, 99, "read"))
    assert not wiping.done()
    await wiping
    assert not database.has_traces


async def test_an_index_that_grows_all_the_time_is_wiped_by_a_later_sweep(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await removed(database, [await keeps(database, "secret.txt", ["zebra"])])
    with monkeypatch.context() as patched:
        patched.setattr(traces_of, "STEPS", 0)
        await database.wipe()
        assert database.has_traces
    await database.wipe()
    assert (indexed(database, "zebra"), database.has_traces) == (0, False)
