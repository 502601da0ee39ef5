"""Hearer: takes what the gateway delivers to whom it is for, once what was missed before it has been read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import discord

from adapters.discord.ears import Ears
from adapters.discord.hearing import DIRECT
from adapters.discord.interactions import Interactions
from adapters.discord.missed import Missed
from adapters.discord.names import Names

PATIENCE = 60.0
"""Seconds for which what people say waits until what was missed before it has been read."""


@dataclass(slots=True)
class Hearer:
    ears: Ears
    interactions: Interactions
    missed: Missed
    names: Names
    first: Callable[[discord.Client], None] | None = None
    """Done once, when the first session has begun."""
    _caught_up: dict[str, asyncio.Event] = field(default_factory=dict)
    """By server: what was said in it before the session is read."""

    async def ready(self, client: discord.Client) -> None:
        self.names.client = client
        if self.first is not None:
            self.first(client)
            self.first = None
        await self._catch_up(client, DIRECT)

    async def server(self, client: discord.Client, id_: str) -> None:
        self.names.client = client
        await self._catch_up(client, id_)

    async def message(self, message: discord.Message) -> None:
        server = message.guild.id if message.guild else getattr(message.channel, "guild_id", None)
        await self._until_caught_up(str(server or DIRECT))
        await self.ears.message(message)

    async def edited(self, event: discord.RawMessageUpdateEvent) -> None:
        await self._until_caught_up(str(event.data.get("guild_id") or DIRECT))
        await self.ears.edited(event)

    async def deleted(self, server: str, channel: str, ids: list[str]) -> None:
        await self._until_caught_up(server or DIRECT)
        await self.ears.deleted(server, channel, ids)

    async def interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        await self.interactions.take(interaction)

    async def _catch_up(self, client: discord.Client, server: str) -> None:
        caught_up = self._caught_up.setdefault(server, asyncio.Event())
        caught_up.clear()
        try:
            await self.missed.read(client, server, lambda message: self.ears.message(message, missed=True))
        finally:
            caught_up.set()

    async def _until_caught_up(self, server: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._caught_up.setdefault(server, asyncio.Event()).wait()
