"""What the operator does for programs in the shell, on a database beside the Parley that may be running on it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.api import importing, keys
from bot.api import parcel as parcels
from bot.api.exported import NotImportable
from bot.api.parcel import Parcel
from bot.clock import Clock, SystemClock
from bot.errors import ParleyError
from bot.figures import counted
from bot.housekeeping import DAY
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


async def bring(settings: Settings, file: Path, tenant: Tenant, clock: Clock | None = None) -> Sequence[str]:
    """Import a file of exported objects; what came of it, in lines. Raises `StoreError`, and `ParleyError` where the
    file cannot be imported; nothing was then.
    """
    try:
        data = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise ParleyError(f"{file} cannot be read ({error.strerror}).") from None
    try:
        parcel = parcels.read(data)
        async with opened(settings.database) as database:
            outcome = await importing.bring(database, tenant, parcel)
    except NotImportable as error:
        raise ParleyError(f"{file} cannot be imported, and nothing of it was. {error}") from None
    return [*outcome.told(), *_outlived(settings, parcel, (clock or SystemClock()).now())]


def _outlived(settings: Settings, parcel: Parcel, now: float) -> Iterator[str]:
    """That what was imported will not be kept for long."""
    if settings.retention_days is None:
        return
    before = now - settings.retention_days * DAY
    said_in = parcel.said_in()
    newest = [
        max([one.created_at, *(said.created_at for said in said_in.get(one.id, ()))]) for one in parcel.threads.values()
    ]
    if old := sum(at < before for at in newest):
        yield (
            f"RETENTION_DAYS is {settings.retention_days}: of {counted(old, 'thread')} nothing is younger, so that "
            "Parley removes them soon."
        )


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
