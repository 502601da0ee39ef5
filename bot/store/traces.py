"""What removed rows leave behind in the database's files, and its removal.

SQLite writes zeros over what is deleted (`secure_delete`, https://sqlite.org/pragma.html#pragma_secure_delete), but
three copies outlive that: words of removed passages stand in the full-text index until all of its parts are merged into
one, pages as they were stay in the log until it is cut, and a page that was split keeps bytes of rows that moved to
another one, where only a `VACUUM` reaches them. A transaction that removes rows marks the file, so that this is made up
for after a crash, too; the mark is `user_version`, which nothing else uses.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

SMALL = 64 * 2**20
"""Bytes up to which a file is rewritten as a whole, in less than half a second: nothing can be written meanwhile."""

PATIENCE = 1.0
"""Seconds to wait for those who read."""

STEP = 500
"""Pages of the index that one transaction merges, in about 50 ms: others write in between."""
STEPS = 2_000
"""Transactions that merge it, at most: where others add to it all the time, there is no end."""


async def mark(tx: AsyncConnection) -> None:
    """This transaction removes what is to leave no trace."""
    now = (await tx.exec_driver_sql("PRAGMA user_version")).scalar_one()
    await tx.exec_driver_sql(f"PRAGMA user_version = {_whole(now)}")


async def marked(connection: AsyncConnection) -> bool:
    return bool((await connection.exec_driver_sql("PRAGMA user_version")).scalar_one())


def merge(path: Path) -> bool:
    """Merge some of the full-text index, where something was removed; False where there is nothing left to merge.

    Raises `sqlite3.Error`.
    """
    with _opened(path) as connection:
        return _mark(connection) % 2 == 1 and _merged(connection)


def remove(path: Path) -> bool:
    """Leave nothing of what was removed, once the index is merged; False where it is not, or where somebody reads the
    file: it is to be tried again then.

    Of a file that is not `SMALL`, only the log is cut. The file is rewritten once, however often the log has to be
    tried. Raises `sqlite3.Error`.
    """
    with _opened(path) as connection:
        was = _mark(connection)
        if not was:
            return True
        if was % 2:
            if _merged(connection):  # another one has removed something meanwhile
                return False
            if path.stat().st_size <= SMALL:
                connection.execute("VACUUM")
            _change(connection, was, was - 1)
            was -= 1
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy and _change(connection, was, 0)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # else the copy that VACUUM makes is written to another folder
        yield connection


def _merged(connection: sqlite3.Connection) -> bool:
    """A step of what 'optimize' does in one; False where the index is in one part already.

    A negative number of pages puts all parts together to be merged, a positive one goes on with that, and what does
    nothing changes one row: https://sqlite.org/fts5.html#the_merge_command
    """
    for pages in (STEP, -STEP):
        before = connection.total_changes
        connection.execute("INSERT INTO passages_fts (passages_fts, rank) VALUES ('merge', ?)", (pages,))
        if connection.total_changes - before > 1:
            return True
    return False


def _whole(mark: int) -> int:
    """The next odd number: the file is to be rewritten, whoever rewrites it now. An even one: the log is to be cut."""
    return mark // 2 * 2 + 3


def _mark(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _change(connection: sqlite3.Connection, was: int, to: int) -> bool:
    """False where another one has removed something meanwhile: his mark stays."""
    connection.execute("BEGIN IMMEDIATE")
    same = _mark(connection) == was
    if same and was != to:
        connection.execute(f"PRAGMA user_version = {to}")
    connection.execute("COMMIT")
    return same
