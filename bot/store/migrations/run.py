"""Runs the migrations over one file, in one transaction: a failing one leaves the file as it was."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, create_engine, event
from sqlalchemy.pool import NullPool

SCRIPTS = Path(__file__).parent

_turn = threading.Lock()
"""Alembic keeps the migration that is running in module globals."""


def config() -> Config:
    """Alembic's, for these migrations; `env.py` looks for the connection in its attributes."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return made


def upgrade(path: Path, *, wait: float, revision: str = "head") -> None:
    """Bring the database at `path` to `revision`; the file is made where there is none.

    `wait` is how many seconds to wait for another program's transaction to end.
    """
    from bot.store.database import begin_immediate

    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": wait})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", begin_immediate)
    alembic = config()
    with _turn, engine.begin() as connection:
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, revision)


def _on_connect(connection: Any, _record: object) -> None:
    # Only what a transaction can take back: the journal mode is set later. Foreign keys stay off, since a table
    # that is rebuilt is dropped on the way.
    connection.isolation_level = None
