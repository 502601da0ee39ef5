"""The workspaces that Parley has been talked to in, or has been set up for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import bindings, policies


async def known(connection: AsyncConnection) -> Sequence[tuple[str, str]]:
    """Each as (platform, workspace), in order."""
    found = union(
        select(bindings.c.platform, bindings.c.workspace), select(policies.c.platform, policies.c.workspace)
    ).subquery()
    rows = await connection.execute(select(found).order_by(found.c.platform, found.c.workspace))
    return [(str(platform), str(workspace)) for platform, workspace in rows]
