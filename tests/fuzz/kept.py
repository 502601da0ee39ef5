"""What Parley has in its database, looked at from outside: whether anything in it has changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

UNTOUCHED_BY = frozenset({"audit", "feedback"})
"""Tables that people who may nothing else write to: attempts are recorded, and everybody may judge an answer."""

OF_ITSELF = frozenset({"lease_until"})
"""Columns that change as time goes by."""
NEWEST = 300
"""Rows of a table that are read whole."""


class Kept:
    """Rows are read through, which costs nothing where no transaction has been since the last time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._version = -1
        self._seen: dict[str, tuple[float, ...]] = {}
        found = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = sorted({name for (name,) in found if not name.startswith(("sqlite_", "passages_fts"))} - UNTOUCHED_BY)
        self._tables = {name: self._columns(name) for name in names}

    def now(self) -> dict[str, tuple[float, ...]]:
        """By table how many rows it has, what is the newest, and what stands in them: of the newest all of it, of the
        others the numbers and how long the texts are; besides how many messages wait, and runs go on.
        """
        version = self._value("PRAGMA data_version")
        if version != self._version:
            self._version, self._seen = version, dict(self._read())
        return self._seen

    @property
    def messages(self) -> int:
        """How many people's messages there are."""
        return self._value("SELECT count(*) FROM messages WHERE role = 'user'")

    @property
    def unfinished(self) -> int:
        """How many runs have not ended, or are not shown to have."""
        return self._value(
            "SELECT count(*) FROM runs WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')"
            " OR delivery = 'open'"
        )

    def ends(self, thread: str) -> list[tuple[str, str]]:
        """The status of each run of a conversation's thread, and the sentence for why it failed, oldest first."""
        sql = (
            "SELECT runs.status, coalesce(runs.last_error, '') FROM runs JOIN bindings USING (thread_id)"
            " WHERE bindings.thread = ? ORDER BY runs.created_at"
        )
        return [(status, error) for status, error in self._connection.execute(sql, (thread,))]

    def close(self) -> None:
        self._connection.close()

    def _read(self) -> Iterator[tuple[str, tuple[float, ...]]]:
        for table, columns in self._tables.items():
            sums = ", ".join(f"total({name}), total(length({name}))" for name in columns)
            row = self._connection.execute(f"SELECT count(*), coalesce(max(rowid), 0), {sums} FROM {table}").fetchone()
            whole = f"SELECT {', '.join(columns)} FROM {table} ORDER BY rowid DESC LIMIT {NEWEST}"
            yield table, (*row, hash(tuple(self._connection.execute(whole))))
        yield "waiting", (self._value("SELECT count(*) FROM messages WHERE waiting"),)
        yield "unfinished", (self.unfinished,)

    def _columns(self, table: str) -> list[str]:
        found = self._connection.execute(f"SELECT name FROM pragma_table_info('{table}')")
        return [f'"{name}"' for (name,) in found if name not in OF_ITSELF]

    def _value(self, sql: str) -> int:
        return int(self._connection.execute(sql).fetchone()[0])
