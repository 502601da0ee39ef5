"""Hearer: takes what the gateway delivers to whom it is for, once what was missed before it has been read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import discord

from adapters.discord.ears import Ears
from adapters.discord.greeting import Greeting
from adapters.discord.hearing import DIRECT
from adapters.discord.interactions import Interactions
from adapters.discord.missed import Missed
from adapters.discord.names import Names

PATIENCE = 60.0
"""Seconds for which what people say waits until what was missed before it has been read."""
A_MOMENT = 1.0
"""Seconds for which a command waits for the store, of the three that Discord gives it."""


@dataclass(slots=True)
class Hearer:
    ears: Ears
    interactions: Interactions
    missed: Missed
    names: Names
    greeting: Greeting
    first: Callable[[discord.Client], None] | None = None
    """Done once, when the first session has begun."""
    _caught_up: dict[str, asyncio.Event] = field(default_factory=dict)
    """By server: what was said in it before this session is read."""

    async def begun(self, client: discord.Client, shard: int) -> None:
        self.names.client = client
        for server in [*self._caught_up]:
            if _shard_of(server, client.shard_count or 1) == shard:
                self._caught_up.pop(server).set()
        await self.missed.look()
        if shard == 0:
            await self._catch_up(client, DIRECT)

    async def ready(self, client: discord.Client) -> None:
        if self.first is not None:
            self.first(client)
            self.first = None

    async def server(self, client: discord.Client, id_: str) -> None:
        self.names.client = client
        await self._catch_up(client, id_)

    async def joined(self, guild: discord.Guild) -> None:
        await self.greeting.joined(guild)

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
        """Discord waits for an answer: what was missed is known before, but not read."""
        with suppress(TimeoutError):
            async with asyncio.timeout(A_MOMENT):
                await self.missed.known()
        await self.interactions.take(interaction)

    async def _catch_up(self, client: discord.Client, server: str) -> None:
        if self._event(server).is_set():  # it was away in the middle of a session
            del self._caught_up[server]
            await self.missed.look()
        caught_up = self._event(server)
        await self.missed.read(client, server, self.ears.missed)
        caught_up.set()  # where it was broken off, what came since would hide what was missed

    async def _until_caught_up(self, server: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not (caught_up := self._event(server)).is_set():
                    await caught_up.wait()

    def _event(self, server: str) -> asyncio.Event:
        return self._caught_up.setdefault(server, asyncio.Event())


def _shard_of(server: str, shards: int) -> int:
    """https://docs.discord.com/developers/events/gateway#sharding"""
    return 0 if server == DIRECT else (int(server) >> 22) % shards
