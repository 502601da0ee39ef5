"""Before a database is used: is it ours, whole, writable, not newer than this program? Then its schema is brought up.

All of it looks before it touches: a file that is refused is left as it was.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.errors import StoreError

HEAD = "0005"
"""The newest revision in `migrations/versions`."""

LOCK_WAIT = 5.0
"""Seconds to wait for another program's transaction to end."""

MAGIC = b"SQLite format 3\0"
SMALLEST = 512
"""Bytes of the smallest page: https://sqlite.org/fileformat.html"""

OURS = frozenset({"alembic_version", "threads", "messages", "runs"})
"""Tables by which every version of Parley knows its database."""


LEAST_ROOM = 2**20
"""Bytes: with less on the disk, what SQLite cannot read or write is no damage."""

QUICKLY_READ = 64 * 2**20
"""Bytes up to which a file is read through at each start; a large one, not yet cached, would take minutes."""


def prepare(path: Path) -> None:
    """Check the file and migrate it to `HEAD`. Raises `StoreError`."""
    if _examined(path, whole=False) == HEAD:
        return
    from bot.store.migrations.run import upgrade

    try:
        upgrade(path, wait=LOCK_WAIT)
    except Exception as error:
        reason = str(getattr(error, "orig", error)).split("\n")[0]
        if "locked" in reason:
            raise _locked(path) from error
        raise StoreError(
            f"The database {path} could not be brought to this version ({reason}). It is as it was: "
            "go on with the older program, or set DATABASE_URL to another file."
        ) from error


def inspect(path: Path) -> str:
    """One sentence on the file, which is read through, and not changed. Raises `StoreError`."""
    if _examined(path, whole=True) == HEAD:
        return f"The database {path} is sound and up to date."
    if not path.exists():
        return f"The database {path} will be made at the first start."
    return f"The database {path} is sound, and will be brought to this version at the next start."


def must_be_current(path: Path) -> None:
    """Raises `StoreError` where there is no database of this version to look into. Nothing is changed."""
    revision = _examined(path, whole=False)
    if not path.exists() or revision is None:
        raise StoreError(f"There is no database {path} yet: nothing has been said.")
    if revision != HEAD:
        raise StoreError(f"The database {path} is of an older Parley. Start this one, which brings it up to date.")


def _examined(path: Path, *, whole: bool) -> str | None:
    """The file's schema revision; None where there is nothing in it yet. Raises `StoreError` where it cannot be used.

    A small file is always read through, a large one where the `whole` is asked for. Nothing is changed.
    """
    try:
        if not path.parent.is_dir():
            raise StoreError(
                f"There is no folder {path.parent} for the database {path.name}. Make it, or set DATABASE_URL."
            )
        if path.exists() and not path.is_file():
            raise StoreError(f"{path} is a folder or a device. Set DATABASE_URL to a file.")
        _must_be_writable(path)
        size = path.stat().st_size if path.exists() else 0
        revision = _revision(path, whole=whole or size <= QUICKLY_READ) if size else None
        _must_be_free(path)
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be reached ({error.strerror}). Allow it, or set DATABASE_URL."
        ) from error
    return revision


def _revision(path: Path, *, whole: bool) -> str | None:
    """Raises `StoreError` where the file is not a database of ours that we know, or (with `whole`) is damaged."""
    with path.open("rb") as file:
        # SQLite would take a file of a few bytes for an empty database, and write over it.
        if len(begin := file.read(SMALLEST)) < SMALLEST or not begin.startswith(MAGIC):
            raise not_opened(path, "file is not a database")
    # Who opens for writing clears away at the end what SQLite put beside the file, and for that moves into the file
    # what an earlier writer left in the log: not before we know whose it is.
    has_log = path.with_name(f"{path.name}-wal").exists()
    with _open(path, "ro" if has_log else "rw") as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not tables >= OURS:
            raise StoreError(f"{path} is a database, but not one of Parley's. Set DATABASE_URL to another file.")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if tables else None
        revision = str(row[0]) if row else None
        if revision is not None and revision > HEAD:
            raise StoreError(
                f"The database {path} was written by a newer Parley (schema {revision}; this one knows {HEAD}). "
                "Use the newer program, or set DATABASE_URL to another file."
            )
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if whole else "ok"
        if found != "ok":
            raise sqlite3.DatabaseError(" ".join(str(found).removeprefix("*** in database main ***").split()))
    return revision


def _must_be_writable(path: Path) -> None:
    for place in (path, path.parent) if path.exists() else (path.parent,):
        # The mode bits count for root, too: whoever took them away meant it.
        if not os.access(place, os.W_OK) or not place.stat().st_mode & 0o222:
            raise _read_only(place)


def _must_be_free(path: Path) -> None:
    if path.exists():
        with _open(path, "rw") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")


@contextmanager
def _open(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection to a file that exists. Raises `StoreError` for what SQLite says inside."""
    address = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=LOCK_WAIT, isolation_level=None)) as connection:
            yield connection
    except (sqlite3.Error, UnicodeError) as error:
        raise not_opened(path, str(error)) from error


def not_opened(path: Path, reason: str) -> StoreError:
    """The sentence for what SQLite says of the file."""
    if "full" in reason or ("disk I/O error" in reason and shutil.disk_usage(path.parent).free < LEAST_ROOM):
        return StoreError(f"The disk that holds the database {path} is full. Make room on it and start again.")
    if "locked" in reason or "busy" in reason:
        return _locked(path)
    if "readonly" in reason:
        return _read_only(path)
    if "unable to open" in reason:
        return StoreError(f"The database {path} cannot be opened. Check that this user may read and write it.")
    return StoreError(
        f"The database {path} is damaged or is no SQLite file ({reason}). "
        "Put a backup in its place, or set DATABASE_URL to another file."
    )


def _locked(path: Path) -> StoreError:
    return StoreError(f"The database {path} is locked by another program. Close that program and start again.")


def _read_only(place: Path) -> StoreError:
    return StoreError(f"The database cannot be written: {place} is read-only. Allow writing, or set DATABASE_URL.")
