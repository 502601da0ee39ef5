"""What the operator does for programs in the shell, on a database beside the Parley that may be running on it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.api import keys
from bot.clock import Clock, SystemClock
from bot.settings import Settings
from bot.store.database import Database
from bot.tenants import Tenant


async def create_key(settings: Settings, name: str, tenant: Tenant, clock: Clock | None = None) -> str:
    """The key, which nobody can read again. Raises `StoreError`, and `ParleyError` for a name that cannot be."""
    async with opened(settings.database) as database:
        return await keys.create(database, name, tenant, (clock or SystemClock()).now())


async def revoke_key(settings: Settings, name: str) -> None:
    """Raises `StoreError`, and `ParleyError` for a name that is unknown."""
    database = await Database.look(settings.database)
    try:
        await keys.revoke(database, name)
    finally:
        await database.close()


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    """The database as it is, or a new one where there is none: a key comes before the first start. Raises `StoreError`.

    One of an older Parley is left to the start of this one.
    """
    database = await (Database.look(path) if _holds_something(path) else Database.open(path))
    try:
        yield database
    finally:
        await database.close()


def _holds_something(path: Path) -> bool:
    return os.path.exists(path) and os.path.getsize(path) > 0
