"""SQLAlchemy's SQLite on aiosqlite, with one cache of compiled statements for all engines of the process.

An engine has a cache of its own else, under its own dialect: the writer, the readers, and each database that is opened
later would compile the same statements again, some half a millisecond each.
"""

from __future__ import annotations

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

DRIVER = "sqlite+parley"

COMPILED = LRUCache(500)  # type: ignore[var-annotated]
"""For the execution option `compiled_cache`."""


class Dialect(SQLiteDialect_aiosqlite):
    """All are one: Parley's engines have the same options, as far as these matter to what is compiled."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.parley", __name__, Dialect.__name__)
