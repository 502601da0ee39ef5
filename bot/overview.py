"""What one person can do in a workspace, at a glance, and to admins what they have set there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands import Commands
from bot.commands.rights import Rights
from bot.ports import CommandRequest, Conversation, Named, Overview, Settings, Switch
from bot.store import assistants, policies
from bot.store.assistants import DEFAULT
from bot.store.database import Database
from tools.registry import Registry


@dataclass(frozen=True, slots=True)
class Overviews:
    database: Database
    commands: Commands
    rights: Rights
    registry: Registry
    approvers: str
    """Who approves where nobody says otherwise."""
    usage: Callable[[CommandRequest], Awaitable[str]]
    """Tells what a person has used. Raises `StoreError`."""

    async def names(self, where: Conversation, of: Named) -> Sequence[str]:
        """The names that a command can give there. Raises `StoreError`."""
        match of:
            case "tool":
                return self.registry.names
            case "assistant":
                seen = await self.database.read(lambda c: assistants.seen_in(c, where))
                return [str(one.name) for one in seen]

    async def of(self, request: CommandRequest) -> Overview:
        """Raises `StoreError`."""
        listed = await self.commands.run(replace(request, text="help"))
        tools = await self.database.read(lambda c: self._tools(c, request.conversation))
        usage = await self.usage(request)
        whole = replace(request.conversation, channel="", thread="")
        admin = self.rights.is_admin(request)
        settings = await self.database.read(lambda c: self._settings(c, whole)) if admin else None
        return Overview(listed.text, tools, usage, settings)

    async def _tools(self, connection: AsyncConnection, where: Conversation) -> Sequence[str]:
        """Those that are on, and that the assistant has which answers there."""
        held = await policies.holding(connection, where)
        answering = await assistants.answering(connection, where, held)
        return [name for name in self.registry if policies.enabled(held, name) and assistants.has(answering, name)]

    async def _settings(self, connection: AsyncConnection, workspace: Conversation) -> Settings:
        held = await policies.holding(connection, workspace)
        answering = await assistants.answering(connection, workspace, held)
        switches = [
            Switch(
                tool.name,
                tool.description.split("\n", 1)[0],
                policies.enabled(held, tool.name),
                bool(policies.approver(held, tool.name, tool.approval, self.approvers)),
            )
            for tool in self.registry.values()
        ]
        return Settings(
            switches,
            str(answering.name),
            [str(one.name) for one in await assistants.seen_in(connection, workspace)],
            answering.model,
            answering.instructions or "",
            answering.temperature,
            may_set=answering.name != DEFAULT,
        )
