"""Runs the migrations over one file, in one transaction: a failing one leaves the file as it was."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool


def upgrade(path: Path, revision: str = "head") -> None:
    """Bring the database at `path` to `revision`; the file is made where there is none."""
    from bot.store.database import begin_immediate, on_connect

    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", begin_immediate)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
