"""What a process left in its database, read from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def stored_answers(folder: Path) -> dict[str, str]:
    """The text of each answer by the key of its question."""
    sql = (
        "SELECT q.key, a.text FROM messages q JOIN messages a ON a.run_id = q.answered_by "
        "WHERE q.role = 'user' AND a.role = 'assistant'"
    )
    with closing(sqlite3.connect(folder / "parley.db")) as connection:
        rows = connection.execute(sql).fetchall()
    assert len(rows) == len(dict(rows))
    return {key.rsplit(":", 1)[-1]: text for key, text in rows}
