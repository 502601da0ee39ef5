"""A copy of the database, taken while others write."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.store.backup import copy
from bot.store.database import Database
from bot.store.opening import inspect
from bot.store.schema import threads
from tests.files import ready


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return ready(tmp_path / "parley.db")


@contextmanager
def writing(path: Path) -> Iterator[threading.Event]:
    """Adds a pair of threads in each transaction, without a pause; the event is set once some are in."""
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            number = 0
            while not enough.is_set():
                add = "INSERT INTO threads (id, created_at, metadata) VALUES ('{}', 0, '{{}}');"
                pair = add.format(f"a{number}") + add.format(f"b{number}")
                connection.executescript(f"BEGIN IMMEDIATE; {pair} COMMIT")
                number += 1
                if number == 20:
                    begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield begun
    finally:
        enough.set()
        writer.join()


async def count(path: Path) -> tuple[Any, ...]:
    """How many threads of each half of a pair there are."""
    query = "SELECT sum(id LIKE 'a%'), sum(id LIKE 'b%') FROM threads"
    database = await Database.open(path)
    (row,) = await database.read(lambda c: c.exec_driver_sql(query))
    await database.close()
    return tuple(row)


async def test_a_copy_taken_while_someone_writes_is_whole_and_opens(path: Path, tmp_path: Path) -> None:
    with writing(path) as begun:
        assert await asyncio.to_thread(begun.wait, 10)
        for number in range(5):
            await asyncio.to_thread(copy, path, tmp_path / f"copy-{number}.db")
    counts = [await count(tmp_path / f"copy-{number}.db") for number in range(5)]
    assert all(first == second >= 20 for first, second in counts)
    assert counts == sorted(counts)
    assert inspect(tmp_path / "copy-0.db").endswith("is sound and up to date.")


async def test_a_copy_has_what_was_written_a_moment_ago_and_holds_up_nobody(path: Path, tmp_path: Path) -> None:
    database = await Database.open(path)

    async def copied_within(tx: AsyncConnection) -> None:
        await tx.execute(insert(threads).values(id="a2", created_at=0, metadata={}))
        await asyncio.to_thread(copy, path, tmp_path / "copy.db")

    await database.write(lambda tx: tx.execute(insert(threads).values(id="a1", created_at=0, metadata={})))
    await database.write(copied_within)
    await database.close()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("SELECT id FROM threads").fetchall() == [("a1",)]


def test_a_copy_is_one_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "safe").mkdir()
    copy(path, tmp_path / "safe" / "copy.db")
    assert [file.name for file in (tmp_path / "safe").iterdir()] == ["copy.db"]


def test_an_existing_file_is_refused_and_kept(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreError, match=r"copy\.db exists already\. Name a new file\.$"):
        copy(path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


@pytest.mark.parametrize("damage", ["garbage", "a broken page"])
def test_a_damaged_database_is_not_copied_and_nothing_is_left(path: Path, tmp_path: Path, damage: str) -> None:
    whole = path.read_bytes()
    path.write_bytes(b"no database" * 99 if damage == "garbage" else whole[:8192] + b"\xff" * 99 + whole[8291:])
    with pytest.raises(StoreError, match=r"could not be copied to .*copy\.db: .*\. Nothing was written\.$"):
        copy(path, tmp_path / "copy.db")
    assert [file.name for file in tmp_path.iterdir()] == ["parley.db"]


def test_a_failure_at_the_last_step_leaves_nothing(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(StoreError, match="No space left on device"):
        copy(path, tmp_path / "copy.db")
    assert [file.name for file in tmp_path.iterdir()] == ["parley.db"]


def test_there_must_be_a_database_and_a_folder(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no folder .*nowhere\. Make it first\.$"):
        copy(path, tmp_path / "nowhere" / "copy.db")
    path.unlink()
    with pytest.raises(StoreError, match=r"There is no database .* yet: nothing has been said\. Start Parley first\.$"):
        copy(path, tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []
