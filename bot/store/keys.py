"""The keys of programs: a digest of each, and whose objects it opens."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import api_keys
from bot.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Key:
    """A key, but for what it reads."""

    name: str
    tenant: Tenant
    created_at: float


_WHOSE = select(api_keys.c.platform, api_keys.c.workspace).where(api_keys.c.digest == bindparam("of"))
_ALL = select(api_keys.c.name, api_keys.c.platform, api_keys.c.workspace, api_keys.c.created_at).order_by(
    api_keys.c.name
)


async def tenant(connection: AsyncConnection, digest: str) -> Tenant | None:
    """Whose the key is that has this digest; None where there is none."""
    row = (await connection.execute(_WHOSE, {"of": digest})).one_or_none()
    return None if row is None else Tenant(*row)


async def every(connection: AsyncConnection) -> Sequence[Key]:
    """All keys, by their names."""
    return [Key(name, Tenant(*whose), at) for name, *whose, at in await connection.execute(_ALL)]


async def add(tx: AsyncConnection, key: Key, digest: str) -> bool:
    """Keep a key; False where there is one of its name already."""
    whose = {"platform": key.tenant.platform, "workspace": key.tenant.workspace}
    put = upsert(api_keys).values(name=key.name, digest=digest, created_at=key.created_at, **whose)
    put = put.on_conflict_do_nothing(index_elements=["name"])
    return (await tx.execute(put.returning(api_keys.c.name))).first() is not None


async def remove(tx: AsyncConnection, name: str) -> bool:
    """False where there is no key of this name."""
    gone = delete(api_keys).where(api_keys.c.name == name).returning(api_keys.c.name)
    return (await tx.execute(gone)).first() is not None


def tenants(path: Path) -> Sequence[Tenant]:
    """Whose keys there are in a database that is not opened yet, of whatever version; nothing is changed.

    None at all where it cannot be read: whoever opens it next tells why.
    """
    query = "SELECT DISTINCT platform, workspace FROM api_keys ORDER BY platform, workspace"
    try:
        # Who may only read leaves behind what SQLite puts beside the file; see `bot.store.opening`.
        mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "rw"
        address = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return [Tenant(*row) for row in connection.execute(query)]
    except (sqlite3.Error, OSError, ValueError):
        return []
