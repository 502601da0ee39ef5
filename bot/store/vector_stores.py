"""Vector stores of programs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotFound
from bot.store.schema import vector_stores
from bot.tenants import Tenant


async def get(connection: AsyncConnection, tenant: Tenant, store_id: str) -> str:
    """Raises `NotFound`."""
    its = (vector_stores.c.platform == tenant.platform, vector_stores.c.workspace == tenant.workspace)
    found = (await connection.execute(select(vector_stores.c.id).where(vector_stores.c.id == store_id, *its))).first()
    if found is None:
        raise NotFound("vector store", store_id)
    return store_id
