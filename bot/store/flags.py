"""Tool switches by workspace and channel. The nearest one wins; without any, a tool is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Conversation
from bot.store.schema import tool_flags

Scope = Literal["workspace", "channel"]


@dataclass(frozen=True, slots=True)
class Flag:
    tool: str
    enabled: bool
    scope: Scope


async def nearest(connection: AsyncConnection, where: Conversation) -> dict[str, Flag]:
    """The switches that hold in a conversation, by tool. A thread counts as its channel."""
    query = select(tool_flags.c.tool, tool_flags.c.enabled, tool_flags.c.channel).where(
        tool_flags.c.platform == where.platform,
        tool_flags.c.workspace == where.workspace,
        tool_flags.c.channel.in_(("", where.channel)),
    )
    flags: dict[str, Flag] = {}
    # The workspace's row has the empty channel and comes first; the channel's then takes its place.
    for tool, enabled, channel in await connection.execute(query.order_by(tool_flags.c.channel)):
        flags[tool] = Flag(tool, enabled, "channel" if channel else "workspace")
    return flags


async def switch(tx: AsyncConnection, where: Conversation, scope: Scope, tool: str, enabled: bool) -> bool | None:
    """Set a switch; returns what it was in that scope (None: not set)."""
    key = {
        "platform": where.platform,
        "workspace": where.workspace,
        "channel": where.channel if scope == "channel" else "",
        "tool": tool,
    }
    same = [tool_flags.c[name] == value for name, value in key.items()]
    before = (await tx.execute(select(tool_flags.c.enabled).where(*same))).scalar_one_or_none()
    put = upsert(tool_flags).values(**key, enabled=enabled)
    await tx.execute(put.on_conflict_do_update(index_elements=list(key), set_={"enabled": enabled}))
    return before
