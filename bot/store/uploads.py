"""Files that programs brought, each of a tenant. Nobody reads those of another one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import well_formed
from bot.errors import NotFound
from bot.store import traces
from bot.store.database import MUCH
from bot.store.paging import Listing
from bot.store.schema import uploads
from bot.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    name: str
    mime: str
    size: int
    """Bytes."""
    purpose: str
    created_at: float
    expires_at: float | None = None


_KEPT = [uploads.c[name] for name in ("id", "name", "mime", "size", "purpose", "created_at", "expires_at")]
LISTING = Listing("file", uploads.c.id, (uploads.c.created_at, uploads.c.id))


async def add(tx: AsyncConnection, tenant: Tenant, upload: Upload, content: bytes) -> None:
    await tx.execute(
        insert(uploads).prefix_with(MUCH),
        {
            "id": upload.id,
            "platform": tenant.platform,
            "workspace": tenant.workspace,
            "name": well_formed(upload.name),
            "mime": upload.mime,
            "size": upload.size,
            "purpose": upload.purpose,
            "created_at": upload.created_at,
            "expires_at": upload.expires_at,
            "content": content,
        },
    )


async def get(connection: AsyncConnection, tenant: Tenant, file_id: str) -> Upload:
    """Raises `NotFound`."""
    row = (await connection.execute(select(*_KEPT).where(*_one(tenant, file_id)))).mappings().one_or_none()
    if row is None:
        raise NotFound("file", file_id)
    return to_upload(row)


async def content(connection: AsyncConnection, tenant: Tenant, file_id: str) -> bytes:
    """Raises `NotFound`."""
    query = select(uploads.c.content).prefix_with(MUCH).where(*_one(tenant, file_id))
    found = (await connection.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("file", file_id)
    return bytes(found)


async def remove(tx: AsyncConnection, tenant: Tenant, file_id: str) -> None:
    """Raises `NotFound`. What refers to it is to be gone."""
    removed = await tx.execute(delete(uploads).where(*_one(tenant, file_id)).prefix_with(MUCH))
    if removed.rowcount != 1:
        raise NotFound("file", file_id)
    await traces.mark(tx)


def to_upload(row: RowMapping) -> Upload:
    return Upload(**{name.key: row[name.key] for name in _KEPT})


def _one(tenant: Tenant, file_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        uploads.c.id == file_id,
        uploads.c.platform == tenant.platform,
        uploads.c.workspace == tenant.workspace,
    )
