"""Before a database is used: is it ours, whole, writable, not newer than this program? Then its schema is brought up.

All of it looks before it touches: a file that is refused is left as it was.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.errors import StoreError

HEAD = "0001"
"""The newest revision in `migrations/versions`."""

LOCK_WAIT = 5.0
"""Seconds to wait for another program's transaction to end."""


def prepare(path: Path) -> None:
    """Check the file and migrate it to `HEAD`. Raises `StoreError`."""
    if not path.parent.is_dir():
        raise StoreError(
            f"There is no folder {path.parent} for the database {path.name}. Make it, or set DATABASE_URL."
        )
    if path.is_dir():
        raise StoreError(f"{path} is a folder. Set DATABASE_URL to a file.")
    revision = _revision(path) if path.exists() and path.stat().st_size else None
    _must_be_writable(path)
    if revision != HEAD:
        from bot.store.migrations.run import upgrade

        try:
            upgrade(path)
        except Exception as error:
            raise StoreError(f"The database {path} could not be brought to this version: {error}.") from error


def inspect(path: Path) -> str:
    """One sentence on the file, which is not changed. Raises `StoreError`."""
    if not path.exists():
        if not path.parent.is_dir():
            raise StoreError(f"There is no folder {path.parent} for the database. Make it, or set DATABASE_URL.")
        return f"The database {path} will be made at the first start."
    revision = _revision(path)
    _must_be_writable(path)
    if revision == HEAD:
        return f"The database {path} is sound and up to date."
    return f"The database {path} is sound, and will be brought to this version at the next start."


def _revision(path: Path) -> str | None:
    """The file's schema revision. Raises `StoreError` where it is not a database of ours that we know."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=LOCK_WAIT)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return None
            if "alembic_version" not in tables:
                raise StoreError(f"{path} is a database, but not one of Parley's. Set DATABASE_URL to another file.")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("SELECT count(*) FROM threads WHERE id = ''").fetchone()
    except sqlite3.Error as error:
        raise _cannot_open(path, error) from error
    revision = str(row[0]) if row else None
    if revision is not None and revision > HEAD:
        raise StoreError(
            f"The database {path} was written by a newer Parley (schema {revision}; this one knows {HEAD}). "
            "Use the newer program, or another file."
        )
    return revision


def _must_be_writable(path: Path) -> None:
    for place in (path, path.parent) if path.exists() else (path.parent,):
        # The mode bits count for root, too: whoever took them away meant it.
        if not os.access(place, os.W_OK) or not place.stat().st_mode & 0o222:
            raise StoreError(
                f"The database cannot be written: {place} is read-only. Allow writing, or set DATABASE_URL."
            )
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_WAIT, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise _cannot_open(path, error) from error


def _cannot_open(path: Path, error: sqlite3.Error) -> StoreError:
    reason = str(error)
    if "locked" in reason or "busy" in reason:
        return StoreError(f"The database {path} is locked by another program. Close that program and start again.")
    if "readonly" in reason:
        return StoreError(f"The database cannot be written: {path} is read-only. Allow writing, or set DATABASE_URL.")
    if "unable to open" in reason:
        return StoreError(f"The database {path} cannot be opened. Check that this user may read and write it.")
    return StoreError(
        f"The database {path} is damaged or is no SQLite file ({reason}). "
        "Put a backup in its place, or set DATABASE_URL to another file."
    )
