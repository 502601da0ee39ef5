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
    await tx.exec_driver_sql("PRAGMA user_version = 1")


async def marked(connection: AsyncConnection) -> bool:
    return bool((await connection.exec_driver_sql("PRAGMA user_version")).scalar_one())


def remove(path: Path) -> bool:
    """Leave nothing of what was removed; False where somebody reads the file: it is to be tried again then.

    Of a file that is not `SMALL`, only the log is cut. Raises `sqlite3.Error`.
    """
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # else the copy that VACUUM makes is written to another folder
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            return True
        if path.stat().st_size <= SMALL:
            connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not busy:
            connection.execute("PRAGMA user_version = 0")
        return not busy
