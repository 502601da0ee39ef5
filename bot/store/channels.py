"""The channels that Parley has been talked to in, or has been set up for."""

from __future__ import annotations

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Conversation
from bot.store.schema import bindings, policies


async def is_known(connection: AsyncConnection, where: Conversation) -> bool:
    of_it = [
        exists().where(
            table.c.platform == where.platform,
            table.c.workspace == where.workspace,
            table.c.channel == where.channel,
        )
        for table in (bindings, policies)
    ]
    return bool((await connection.execute(select(or_(*of_it)))).scalar())
