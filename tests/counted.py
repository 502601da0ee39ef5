"""Counts at the driver what is asked of the store: transactions and statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from bot.store.database import Database


@dataclass(slots=True)
class Cost:
    transactions: int = 0
    statements: list[str] = field(default_factory=list)


@contextmanager
def counted(database: Database) -> Iterator[Cost]:
    """Counts what reaches SQLite; the words that open a transaction are counted as such and not as statements."""
    cost = Cost()

    def begun(connection: Any) -> None:
        cost.transactions += 1

    def executed(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            cost.statements.append(statement)

    engines = [database.writer_engine.sync_engine, database.reader_engine.sync_engine]
    event.listen(engines[0], "begin", begun)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", executed)
    yield cost
    event.remove(engines[0], "begin", begun)
    for engine in engines:
        event.remove(engine, "before_cursor_execute", executed)
