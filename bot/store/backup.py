"""A copy of the database, taken while others write to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import StoreError


def copy(database: Path, target: Path) -> None:
    """Copy `database` to the new file `target`, which appears whole or not at all.

    Uses SQLite's online backup (https://sqlite.org/backup.html): a transaction is in the copy or it is not.
    Raises `StoreError`.
    """
    try:
        if not database.is_file():
            raise StoreError(f"There is no database {database} yet: nothing has been said. Start Parley first.")
        if target.exists() or target.is_symlink():
            raise StoreError(f"{target} exists already. Name a new file.")
        if not target.parent.is_dir():
            raise StoreError(f"There is no folder {target.parent}. Make it first.")
        # On the same file system, so that the last step is a mere renaming; it goes with all that is in it.
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True) as folder:
            partial = Path(folder) / target.name
            _fill(partial, database)
            partial.rename(target)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{database} could not be copied to {target}: {error}. Nothing was written.") from error


def _fill(partial: Path, database: Path) -> None:
    address = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(partial)) as destination:
        source.backup(destination)
        destination.execute("PRAGMA journal_mode=DELETE")  # one file, without another one beside it
        (found,) = destination.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError("it is damaged; `parley doctor` tells more")
