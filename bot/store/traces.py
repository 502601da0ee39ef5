"""What removed rows leave behind in the database's files, and its removal.

SQLite writes zeros over what is deleted (`secure_delete`, https://sqlite.org/pragma.html#pragma_secure_delete), but two
copies outlive that: pages as they were stay in the log until it is cut, and a page that was split keeps bytes of rows
that moved to another one, where only a `VACUUM` reaches them. A transaction that removes rows marks the file, so that
this is made up for after a crash, too; the mark is `user_version`, which nothing else uses.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

SMALL = 64 * 2**20
"""Bytes up to which a file is rewritten as a whole, in less than half a second: nothing can be written meanwhile."""

PATIENCE = 1.0
"""Seconds to wait for those who read."""


async def mark(tx: AsyncConnection) -> None:
    """This transaction removes what is to leave no trace."""
    now = (await tx.exec_driver_sql("PRAGMA user_version")).scalar_one()
    await tx.exec_driver_sql(f"PRAGMA user_version = {_whole(now)}")


async def marked(connection: AsyncConnection) -> bool:
    return bool((await connection.exec_driver_sql("PRAGMA user_version")).scalar_one())


def remove(path: Path) -> bool:
    """Leave nothing of what was removed; False where somebody reads the file: it is to be tried again then.

    Of a file that is not `SMALL`, only the log is cut. The file is rewritten once, however often the log has to be
    tried. Raises `sqlite3.Error`.
    """
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # else the copy that VACUUM makes is written to another folder
        was = _mark(connection)
        if not was:
            return True
        if was % 2:
            if path.stat().st_size <= SMALL:
                # Words of removed passages stand in the index until its parts are merged.
                connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('optimize')")
                connection.execute("VACUUM")
            _change(connection, was, was - 1)
            was -= 1
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy and _change(connection, was, 0)


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
