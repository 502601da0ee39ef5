"""A guild of the simulated Discord in which Alice is, and the real discord.py client in it, over REST or whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.hand_clock import HandClock
from tests.simulators.discord import Channel, Guild, Message, Person, World
from tests.simulators.discord import discord as simulated

INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)


class Bot(discord.AutoShardedClient):
    """A bot that keeps what it hears; it reconnects without discord.py's waits."""

    def __init__(self, intents: discord.Intents = INTENTS, **how: Any) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.0, **how)
        self.tree: app_commands.CommandTree[Bot] = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.events: list[str] = []
        self.failure: BaseException | None = None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py waits five seconds here."""

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            self.heard.append(message)

    async def on_socket_event_type(self, name: str) -> None:
        self.events.append(name)

    @property
    def texts(self) -> list[str]:
        return [message.content for message in self.heard]


@dataclass
class Room:
    """A guild with Alice and one channel, a clock for the world, and the app's client."""

    world: World
    clock: HandClock
    guild: Guild
    alice: Person
    general: Channel
    bot: Bot
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def at(self, channel: Channel | None = None) -> discord.PartialMessageable:
        return self.bot.get_partial_messageable(int((channel or self.general).id))

    def own(self, message: Message) -> discord.PartialMessage:
        """The client's handle of a message."""
        return self.at(message.channel).get_partial_message(int(message.id))

    async def connects(self) -> None:
        """Start the gateway; returns when the session is there."""
        self.tasks.append(asyncio.create_task(self._connect(), name="discord.py"))
        before = self.world.gateway.identifies
        await self.world.until(lambda: self.world.gateway.identifies > before and self.bot.is_ready())

    async def _connect(self) -> None:
        try:
            await self.bot.connect()
        except discord.DiscordException as failed:
            self.bot.failure = failed


@asynccontextmanager
async def discord_room(bot: Bot | None = None, **how: Any) -> AsyncIterator[Room]:
    """A client that is logged in, not yet connected."""
    clock = HandClock()
    async with simulated(**{"now": clock.now, **how}) as world:
        guild = world.guild("Acme")
        room = Room(world, clock, guild, guild.person("Alice"), guild.channel("general"), bot or Bot())
        with pointed_at(world):
            await room.bot.login(world.token)
            try:
                yield room
            finally:
                await room.bot.close()
                await asyncio.gather(*room.tasks, return_exceptions=True)


@contextmanager
def pointed_at(world: World) -> Iterator[None]:
    """discord.py has its addresses in two places, for the whole process."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = world.api_url, yarl.URL(world.gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


async def error(call: Any) -> tuple[int, int]:
    """The HTTP status and the code that a call is answered with."""
    with pytest.raises(discord.HTTPException) as refused:
        await call
    return refused.value.status, refused.value.code
