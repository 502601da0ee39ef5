"""What is in Parley's files, looked at from outside: rows, references and bytes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.parley import Parley

OF_TALK = ("threads", "bindings", "messages", "files", "runs", "run_steps", "tool_calls", "feedback")


def rows(parley: Parley) -> dict[str, int]:
    """How many rows each table has in which something of conversations stands, where it has any."""
    with closing(sqlite3.connect(parley.core.database.path)) as connection:
        counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in OF_TALK}
    return {table: count for table, count in counts.items() if count}


def texts(parley: Parley) -> list[str]:
    """The texts of all messages, as they came."""
    with closing(sqlite3.connect(parley.core.database.path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM messages ORDER BY seq")]


def dangling(parley: Parley) -> list[Any]:
    """References to what is not there."""
    with closing(sqlite3.connect(parley.core.database.path)) as connection:
        return connection.execute("PRAGMA foreign_key_check").fetchall()


def traces(folder: Path, mark: str) -> dict[str, int]:
    """How often a text stands in the bytes of each file of a folder."""
    found = {file.name: file.read_bytes().count(mark.encode()) for file in folder.iterdir() if file.is_file()}
    return {name: count for name, count in found.items() if count}


async def exported(parley: Parley, command: str = "export", **said: Any) -> dict[str, Any]:
    """The document that an export hands over."""
    answer = await parley.alice.order(command, **said)
    assert answer.file is not None, answer.text
    told: dict[str, Any] = json.loads(answer.file.content)
    return told
