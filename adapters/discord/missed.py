"""Missed: what was said while Parley was not connected, which Discord does not deliver after a new session has begun.

The threads that are still open, the channels and the direct conversations in which somebody asked lately are read from
the newest stored message of their server on: what came before it was heard. What is read twice is known by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import discord
import structlog

from adapters.discord.hearing import DIRECT, PLATFORM
from adapters.discord.snowflakes import earliest, seconds
from adapters.pace import Clock
from bot.errors import StoreError
from bot.ports import Conversation, Intake

OLDEST = 24 * 3_600.0
"""Seconds: what is older is not answered any more."""

OVERLAP = 60.0
"""Seconds before the newest stored message that are read as well: messages may have been stored out of their order."""

PLACES = 100
"""Places that are read at the most, those first in which somebody spoke last."""

MOST = 300
"""Messages of a place that are read at the most."""

AT_ONCE = 4
KEPT = 10.0
"""Seconds for which a look at the store serves."""

Say = Callable[[discord.Message], Awaitable[None]]
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Missed:
    intake: Intake
    clock: Clock
    _heard: tuple[float, Sequence[tuple[Conversation, str]]] = (-KEPT, ())

    async def read(self, client: discord.Client, server: str, say: Say) -> None:
        """Say again what was missed in a server, or in direct conversations, in the order in which it was said.

        If Parley goes in the middle of it, the newest stored message still tells what was heard.
        """
        try:
            heard = await self._lately(server)
        except StoreError as error:
            log.warning("what was missed is not known", error=str(error))
            return
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(place: str, since: str) -> list[discord.Message]:
            async with gate:
                return await self._read(client, place, since)

        places = self._places(client, heard)
        found = await asyncio.gather(*(one(place, since) for place, since in places.items()))
        messages = sorted((message for read in found for message in read), key=lambda message: message.id)
        for message in messages:
            await say(message)
        if messages:
            log.info("read what was said meanwhile", server=server, places=len(places), messages=len(messages))

    async def _lately(self, server: str) -> Sequence[tuple[Conversation, str]]:
        """Where people spoke last in a server; one look at the store serves all servers of a start."""
        at, heard = self._heard
        if self.clock.now() - at > KEPT:
            heard = await self.intake.heard_lately(PLATFORM)
            self._heard = (self.clock.now(), heard)
        return [(where, key) for where, key in heard if where.workspace == server]

    def _places(self, client: discord.Client, heard: Sequence[tuple[Conversation, str]]) -> Mapping[str, str]:
        """The places to read, each with the id after which: those first in which somebody spoke last."""
        oldest = self.clock.now() - OLDEST
        newest: dict[str, float] = {}
        for where, key in heard:
            scope = where.channel if where.workspace == DIRECT else where.workspace
            newest[scope] = max(newest.get(scope, 0.0), _moment(key))
        found: dict[str, str] = {}
        for where, _ in heard:
            scope = where.channel if where.workspace == DIRECT else where.workspace
            since = earliest(max(newest[scope] - OVERLAP, oldest))
            for place in self._parts(client, where):
                if len(found) < PLACES and _has_news(client, place, since):
                    found.setdefault(place, since)
        return found

    def _parts(self, client: discord.Client, where: Conversation) -> list[str]:
        """The channel of a conversation, and its thread where that is open; nothing of a server that was left."""
        if where.workspace == DIRECT:
            return [where.channel]
        guild = client.get_guild(int(where.workspace)) if where.workspace.isdecimal() else None
        if guild is None:
            return []
        thread = guild.get_thread(int(where.thread)) if where.thread.isdecimal() else None
        channel = guild.get_channel_or_thread(int(where.channel))
        return [str(one.id) for one in (thread, channel) if one is not None]

    async def _read(self, client: discord.Client, place: str, since: str) -> list[discord.Message]:
        """What people said there after an id."""
        known = client.get_channel(int(place))
        channel = known if isinstance(known, discord.abc.Messageable) else client.get_partial_messageable(int(place))
        said: list[discord.Message] = []
        try:
            read = channel.history(limit=MOST, after=discord.Object(int(since)), oldest_first=True)
            said.extend([message async for message in read if not message.author.bot])
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("place not read, what was missed there is not known", problem=type(error).__name__)
        return said


def _has_news(client: discord.Client, place: str, since: str) -> bool:
    """Whether something was said there after an id, as far as the gateway tells."""
    last = getattr(client.get_channel(int(place)), "last_message_id", None)
    return last is None or last > int(since)


def _moment(key: str) -> float:
    """When a message was said, by its key."""
    id_ = key.removeprefix("ask-")
    return seconds(id_) if id_.isdecimal() else 0.0
