"""Files that programs brought, each of a tenant. Nobody reads those of another one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Float, Select, and_, delete, func, insert, literal, or_, select, union_all
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import well_formed
from bot.errors import NotFound
from bot.store import traces
from bot.store.database import MUCH, parts
from bot.store.paging import Listing, Page
from bot.store.schema import IS_UNFINISHED, runs, shown_files, threads, tool_calls, uploads
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


async def these(connection: AsyncConnection, tenant: Tenant, ids: Collection[str], now: float) -> Sequence[Upload]:
    """Those of some files that are the tenant's, and have not expired."""
    found: list[Upload] = []
    for some in parts(sorted(ids)):
        query = select(*_KEPT).where(*_of(tenant), _lasting(now), uploads.c.id.in_(some))
        found += [to_upload(row) for row in (await connection.execute(query)).mappings()]
    return found


async def expired(connection: AsyncConnection, now: float) -> Sequence[tuple[Tenant, str]]:
    """The files of all tenants whose time is over."""
    query = select(uploads.c.platform, uploads.c.workspace, uploads.c.id).where(uploads.c.expires_at <= now)
    return [(Tenant(platform, workspace), file_id) for platform, workspace, file_id in await connection.execute(query)]


def _of(tenant: Tenant) -> tuple[ColumnElement[bool], ...]:
    return uploads.c.platform == tenant.platform, uploads.c.workspace == tenant.workspace


def _lasting(now: float) -> ColumnElement[bool]:
    return or_(uploads.c.expires_at.is_(None), uploads.c.expires_at > now)


# -- with those that tools made ---------------------------------------------------------------------------------------

MADE = "assistants_output"
"""The purpose of files that tools made in the tenant's threads."""
_CALL = and_(tool_calls.c.run_id == shown_files.c.run_id, tool_calls.c.id == shown_files.c.call_id)


def _made(tenant: Tenant) -> Select[tuple[str, str, str, int, str, float, float | None]]:
    """What tools made, with the columns of `Upload`."""
    return (
        select(
            shown_files.c.id,
            shown_files.c.name,
            shown_files.c.mime,
            func.length(shown_files.c.content).label("size"),
            literal(MADE).label("purpose"),
            func.coalesce(tool_calls.c.completed_at, runs.c.created_at).label("created_at"),
            literal(None, Float).label("expires_at"),
        )
        .join(tool_calls, _CALL)
        .join(runs, runs.c.id == shown_files.c.run_id)
        .join(threads, threads.c.id == runs.c.thread_id)
        .where(threads.c.platform == tenant.platform, threads.c.workspace == tenant.workspace)
    )


async def list_all(
    connection: AsyncConnection, tenant: Tenant, page: Page, now: float, purpose: str | None = None
) -> tuple[Sequence[Upload], bool]:
    """Raises `NotFound` for what the page begins at."""
    brought = select(*_KEPT).where(*_of(tenant), _lasting(now))
    both = union_all(brought, _made(tenant)).subquery("listed")
    query = select(both) if purpose is None else select(both).where(both.c.purpose == purpose)
    listing = Listing("file", both.c.id, (both.c.created_at, both.c.id))
    rows, more = await listing.page(connection, query, page)
    return [to_upload(row) for row in rows], more


async def find(connection: AsyncConnection, tenant: Tenant, file_id: str, now: float) -> Upload:
    """One that was brought and has not expired, or that a tool made. Raises `NotFound`."""
    if found := await these(connection, tenant, [file_id], now):
        return found[0]
    made = _made(tenant).where(shown_files.c.id == file_id)
    row = (await connection.execute(made)).mappings().one_or_none()
    if row is None:
        raise NotFound("file", file_id)
    return to_upload(row)


async def bytes_of(connection: AsyncConnection, tenant: Tenant, found: Upload) -> bytes:
    """What a file holds that was found. Raises `NotFound`."""
    if found.purpose != MADE:
        return await content(connection, tenant, found.id)
    query = select(shown_files.c.content).prefix_with(MUCH).where(shown_files.c.id == found.id)
    made = (await connection.execute(query)).scalar_one_or_none()
    if made is None:
        raise NotFound("file", found.id)
    return bytes(made)


async def remove_made(tx: AsyncConnection, file_id: str) -> bool:
    """Remove what a tool made; False where its run still needs it."""
    needed = select(runs.c.id).where(runs.c.id == shown_files.c.run_id, IS_UNFINISHED).exists()
    gone = delete(shown_files).where(shown_files.c.id == file_id, ~needed).prefix_with(MUCH)
    removed = (await tx.execute(gone)).rowcount == 1
    await traces.mark(tx)
    return removed
