"""A database that holds much already: the rows of one finished turn, copied in bulk, or one message many times.

A copy's ids are those of what was copied, with its number behind them. Nothing may use the database meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :copies)"
_TURN = {
    "runs": "thread_id = :thread",
    "messages": "thread_id = :thread",
    "run_steps": "thread_id = :thread",
    "tool_calls": "run_id IN (SELECT id FROM runs WHERE thread_id = :thread)",
}
"""Where the rows of a thread stand, and which they are."""


def thread_of(path: Path, name: str) -> str:
    """The id of the thread that is bound to a conversation with this `thread`."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT thread_id FROM bindings WHERE thread = ?", [name]).fetchone()
        return str(found[0])


def lengthen(path: Path, thread_id: str, messages: int) -> None:
    """Repeat the turn of a thread, which has had one, until it holds so many messages (a turn makes two)."""
    names = ("id", "run_id", "step_id", "message_id", "answered_by", "key")
    changed = {"position": "position + 2 * n", **_numbered(names, "-")}
    _copy(path, thread_id, messages // 2 - 1, _TURN, changed)


def multiply(path: Path, thread_id: str, threads: int) -> None:
    """Put so many threads beside a thread, each with the same turns and a conversation of its own (`name+number`)."""
    names = ("id", "run_id", "step_id", "message_id", "answered_by", "key", "thread_id", "thread")
    tables = {"threads": "id = :thread", **_TURN, "bindings": "thread_id = :thread"}
    _copy(path, thread_id, threads, tables, _numbered(names, "+"))


def fill(path: Path, thread_id: str, messages: int) -> None:
    """Repeat the first message of a thread: many messages in a small file."""
    first = {"messages": "thread_id = :thread AND position = 1"}
    _copy(path, thread_id, messages, first, {"position": "position + n", **_numbered(("id", "key"), ".")})


def _numbered(names: tuple[str, ...], mark: str) -> dict[str, str]:
    return {name: f"\"{name}\" || '{mark}' || n" for name in names}


def _copy(path: Path, thread_id: str, copies: int, tables: Mapping[str, str], changed: Mapping[str, str]) -> None:
    """`changed`: the expressions for columns that are not copied as they are."""
    if copies <= 0:
        return
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, own in tables.items():
            found = connection.execute(f"PRAGMA table_info({table})")
            names = [name for _, name, *_ in found if name != "seq"]
            kept = {"id": '"id"'} if table == "tool_calls" else {}  # unique within its run only
            values = ", ".join({**changed, **kept}.get(name, f'"{name}"') for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            connection.execute(
                f"INSERT INTO {table} ({columns}) {_NUMBERS} SELECT {values} FROM numbers, {table} WHERE {own}",
                {"copies": copies, "thread": thread_id},
            )
