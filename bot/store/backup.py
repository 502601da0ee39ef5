"""A copy of the database, taken while others write to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.errors import StoreError


def copy(database: Path, target: Path) -> None:
    """Copy `database` to the new file `target`, which appears whole or not at all.

    Uses SQLite's online backup (https://sqlite.org/backup.html): a transaction is in the copy or it is not.
    Raises `StoreError`.
    """
    if not database.is_file():
        raise StoreError(f"There is no database {database} yet: nothing has been said.")
    if target.exists():
        raise StoreError(f"{target} exists already. Name a new file.")
    if not target.parent.is_dir():
        raise StoreError(f"There is no folder {target.parent}. Make it first.")
    partial = target.with_name(target.name + ".partial")
    try:
        with (
            closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(partial)) as destination,
        ):
            source.backup(destination)
            destination.execute("PRAGMA journal_mode=DELETE")
        partial.rename(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"The copy could not be made: {error}.") from error
