"""The gateway: what Discord delivers, over as many shards as it recommends, for as long as Parley serves.

discord.py resumes what was lost; what cannot be resumed is begun anew here. https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import discord
import structlog
from discord.gateway import KeepAliveHandler

from adapters.discord import shapes
from adapters.discord.address import meet_at
from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.invite import intents
from adapters.door import Door, Leaving
from adapters.pace import Clock, Rank

IDENTIFY_PAUSE = 5.0
"""Seconds between two sessions: https://docs.discord.com/developers/events/gateway#rate-limiting"""

READY_PAUSE = 0.1
"""Seconds without a further server after which a session counts as ready; servers that come later are seen to then."""

BACK_OFF, LONGEST_BACK_OFF = 1.0, 60.0
"""Seconds before the client is begun anew, doubled each time."""

PARTING = 1.0
"""Seconds for Discord to say goodbye as well."""
AGAIN = 0.1
"""Seconds until who has not left is asked again."""

BAD_TOKEN = 4004
"""https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes"""

LONGEST_LOGIN = 30.0
"""Seconds."""

# What discord.py says at lower levels has tokens of interactions in it, or is said here.
logging.getLogger("discord").setLevel(logging.CRITICAL)
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here

log = structlog.get_logger(__name__)


class Hearer(Protocol):
    """Who is told what the gateway delivers."""

    async def begun(self, client: discord.Client, shard: int) -> None:
        """A session was begun anew: what was said before it is not delivered. Nothing of it was taken in yet.

        That of the first shard brings the direct conversations.
        """
        ...

    async def ready(self, client: discord.Client) -> None:
        """The first sessions have begun, and the servers are there."""
        ...

    async def server(self, client: discord.Client, id_: str) -> None:
        """A server is there, with its channels and its open threads; it comes once a session."""
        ...

    async def joined(self, guild: discord.Guild) -> None:
        """Parley was added to a server just now."""
        ...

    async def message(self, message: discord.Message) -> None: ...

    async def edited(self, event: discord.RawMessageUpdateEvent) -> None: ...

    async def deleted(self, server: str, channel: str, ids: list[str]) -> None: ...

    async def interaction(self, interaction: discord.Interaction[discord.Client]) -> None: ...


class Client(discord.AutoShardedClient):
    """One life of the client, which keeps no messages and no members."""

    def __init__(self, hearer: Hearer, door: Door, clock: Clock, *, content: bool, shards: int) -> None:
        super().__init__(
            intents=intents(content=content),
            shard_count=shards,
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            guild_ready_timeout=READY_PAUSE,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self._hearer = hearer
        self._door = door
        self._clock = clock
        state = self._connection  # what cannot be read would end the client, and all its sessions
        state.parsers = {name: _guarded(name, parse) for name, parse in state.parsers.items()}

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await self._clock.sleep(IDENTIFY_PAUSE)

    async def on_shard_connect(self, shard_id: int) -> None:
        await self._take_in(lambda: self._hearer.begun(self, shard_id))

    async def on_ready(self) -> None:
        log.info("connected to Discord", servers=len(self.guilds), shards=self.shard_count)
        await self._take_in(lambda: self._hearer.ready(self))

    async def on_guild_available(self, guild: discord.Guild) -> None:
        await self._take_in(lambda: self._hearer.server(self, str(guild.id)))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._take_in(lambda: self._hearer.server(self, str(guild.id)))
        if self.is_ready():  # what comes before tells of servers that it is in already
            await self._take_in(lambda: self._hearer.joined(guild))

    async def on_shard_disconnect(self, shard_id: int) -> None:
        log.info("connection to Discord lost", shard=shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        log.info("connection to Discord resumed", shard=shard_id)

    async def on_message(self, message: discord.Message) -> None:
        await self._take_in(lambda: self._hearer.message(message))

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        await self._take_in(lambda: self._hearer.edited(event))

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await self._gone(event.guild_id, event.channel_id, [str(event.message_id)])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        await self._gone(event.guild_id, event.channel_id, sorted(map(str, event.message_ids)))

    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        await self._take_in(lambda: self._hearer.interaction(interaction))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.exception("not taken in", listener=event_method)

    async def _gone(self, server: int | None, channel: int, ids: list[str]) -> None:
        await self._take_in(lambda: self._hearer.deleted(str(server) if server else "", str(channel), ids))

    async def _take_in(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._door.take_in(work)
        except Leaving:
            log.debug("not taken in any more")


async def _hang_up(client: Client) -> None:
    """Close all of a client's connections: discord.py forgets one that is broken off while it begins."""
    beating = [thread for thread in threading.enumerate() if isinstance(thread, KeepAliveHandler)]
    for thread in beating:
        if thread.ws._connection is client._connection:
            await thread.ws.close(code=1000)


def _guarded(name: str, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What reads the events of a name, and passes over one that it cannot read."""

    def guarded(data: Any) -> Any:
        problem = shapes.problem(name, data)
        try:
            if not problem:
                return parse(data)
        except Exception as error:
            problem = type(error).__name__
        log.error("an event of Discord could not be read", event_name=name, problem=problem)
        return None

    return guarded


class Gateway:
    """Keeps a client connected; begins another one where one has ended."""

    def __init__(self, calls: Calls, token: str, clock: Clock) -> None:
        self.client: Client | None = None
        self.content = True
        """Whether Discord tells what people write when they do not mention Parley."""
        self._calls = calls
        self._token = token
        self._clock = clock
        self._door = Door()
        self._task: asyncio.Task[None] | None = None
        self._parting = False

    def open(self, hearer: Hearer, *, content: bool) -> None:
        self.content = content
        self._door.open()
        self._task = asyncio.create_task(self._serve(hearer), name="discord gateway")

    async def close(self) -> None:
        """Take nothing in any more, and leave. What is being taken in has a moment."""
        await asyncio.gather(self._door.close(), self._leave(), return_exceptions=True)

    async def _leave(self) -> None:
        """discord.py loses a cancellation while it begins a session anew: it is cancelled until it parts."""
        while self._task is not None and not self._task.done():
            if not self._parting:
                self._task.cancel()
            await asyncio.wait({self._task}, timeout=AGAIN)

    async def _serve(self, hearer: Hearer) -> None:
        pause = BACK_OFF
        while True:
            begun = self._clock.now()
            try:
                await self._live(hearer)
            except discord.PrivilegedIntentsRequired:
                log.warning("Discord does not grant the message content intent: only mentions are heard in servers")
                self.content = False
            except discord.ConnectionClosed as error:
                problem = "set DISCORD_TOKEN anew" if error.code == BAD_TOKEN else ""
                log.error("Discord ended the connection", code=error.code, remedy=problem)  # noqa: TRY400 - says it all
            except DiscordError as error:
                log.error("Discord cannot be connected to", problem=str(error))  # noqa: TRY400 - says it all
            except Exception as error:
                log.warning("connection to Discord ended", problem=type(error).__name__)
            pause = BACK_OFF if self._clock.now() - begun > LONGEST_BACK_OFF else min(2 * pause, LONGEST_BACK_OFF)
            await self._clock.sleep(pause)

    async def _live(self, hearer: Hearer) -> None:
        told = await self._calls.call(Route("GET", "/gateway/bot"), rank=Rank.FINAL, sure=True)
        shards, starts = told["shards"], told["session_start_limit"]
        if starts["remaining"] < shards:
            log.error("Discord lets no more sessions begin for now", hours=round(starts["reset_after"] / 3_600_000, 1))
            await self._clock.sleep(starts["reset_after"] / 1_000)
        meet_at(told["url"])
        client = self.client = Client(hearer, self._door, self._clock, content=self.content, shards=shards)
        try:
            async with asyncio.timeout(LONGEST_LOGIN):
                await client.login(self._token)
            await client.connect()
        finally:
            await self._part(client)

    async def _part(self, client: Client) -> None:
        self._parting = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PARTING):
                    await _hang_up(client)
                    await client.close()
        finally:
            self._parting = False
