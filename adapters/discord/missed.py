"""Missed: what was said while Parley was not connected, which Discord does not deliver after a new session has begun.

The direct conversations in which somebody asked lately, and the channels and open threads of the servers in which
somebody did, are read from the newest stored message of their server on: what came before it was heard. Where nobody
asked lately only what calls for Parley counts. What is read twice is known by its id. Discord does not tell of direct
conversations, so one that was begun meanwhile is not found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord
import structlog

from adapters.discord import reading
from adapters.discord.calls import Calls, DiscordError
from adapters.discord.hearing import DIRECT, PLATFORM
from adapters.discord.snowflakes import earliest, seconds
from adapters.pace import Clock
from bot.errors import StoreError
from bot.ports import Conversation, Intake

COMMAND = "ask-"
"""How the key of a question by command begins."""

OLDEST = 24 * 3_600.0
"""Seconds: what is older is not answered any more."""

OVERLAP = 60.0
"""Seconds before the newest stored message that are read as well: messages may have been stored out of their order."""

PLACES = 100
"""Places that are read at the most, those first in which somebody spoke last."""

PAGES = 3
"""Pages of a place that are read at the most: 300 messages."""

WAITS = (2.0, 5.0, 10.0, 20.0)
"""Seconds between attempts to read a place: what is not read now is never read."""

AT_ONCE = 4

Say = Callable[[discord.Message, bool], Awaitable[None]]
"""Takes a message; the flag: it counts only if it calls for Parley."""
Room = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Missed:
    calls: Calls
    intake: Intake
    clock: Clock
    _heard: Sequence[tuple[Conversation, str]] | None = None
    """Where people spoke last before the session; None where the store does not tell."""
    _known: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self) -> None:
        """Find out what was heard last. What a new session delivers is taken in after it: that would hide the gap."""
        self._known.clear()
        try:
            self._heard = await self.intake.heard_lately(PLATFORM)
        except StoreError as error:
            self._heard = None
            log.warning("what was missed is not known", error=str(error))
        finally:
            self._known.set()

    async def known(self) -> None:
        """Wait until what was heard last is known."""
        await self._known.wait()

    async def read(self, client: discord.Client, server: str, say: Say) -> None:
        """Say again what was missed in a server, or in direct conversations, in the order in which it was said.

        If Parley goes in the middle of it, the newest stored message still tells what was heard.
        """
        heard = await self._lately(server)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(place: str, since: str, strange: bool) -> list[tuple[discord.Message, bool]]:
            async with gate:
                return [(message, strange) for message in await self._read(client, place, since)]

        places = self._places(client, heard)
        found = await asyncio.gather(*(one(place, *how) for place, how in places.items()))
        messages = sorted((told for read in found for told in read), key=lambda told: told[0].id)
        for message, strange in messages:
            await say(message, strange)
        if messages:
            log.info("read what was said meanwhile", server=server, places=len(places), messages=len(messages))

    async def _lately(self, server: str) -> Sequence[tuple[Conversation, str]]:
        """Where people spoke last in a server; one look at the store serves all servers of a session."""
        await self.known()
        if self._heard is None:
            await self.look()
        return [(where, key) for where, key in self._heard or () if where.workspace == server]

    def _places(
        self, client: discord.Client, heard: Sequence[tuple[Conversation, str]]
    ) -> Mapping[str, tuple[str, bool]]:
        """The places to read, each with the id after which, and whether nobody asked there lately: those first in
        which somebody did last.
        """
        oldest = self.clock.now() - OLDEST
        newest = _newest(heard)
        found: dict[str, tuple[str, bool]] = {}
        used: set[str] = set()
        for where, key in heard:
            since = earliest(max(newest[_scope(where)] - OVERLAP, oldest))
            for place, after in self._parts(client, where, key, since):
                used.add(place)
                if len(found) < PLACES and _has_news(client, place, after):
                    found.setdefault(place, (after, False))
        for server, moment in newest.items():
            since = earliest(max(moment - OVERLAP, oldest))
            for place in _further(client, server, since):
                if len(found) < PLACES and place not in used:
                    found[place] = since, True
        return found

    def _parts(self, client: discord.Client, where: Conversation, key: str, since: str) -> Iterator[tuple[str, str]]:
        """The channel of a conversation, and its thread where that is open; nothing of a server that was left.

        A thread is read from its own newest message on: what was said there before Parley was called is no follow-up.
        """
        if where.workspace == DIRECT:
            yield where.channel, since
            return
        guild = client.get_guild(int(where.workspace)) if where.workspace.isdecimal() else None
        if guild is None:
            return
        if where.thread.isdecimal() and guild.get_thread(int(where.thread)):
            yield where.thread, max(since, _id(key), key=int)
        if guild.get_channel_or_thread(int(where.channel)):
            yield where.channel, since

    async def _read(self, client: discord.Client, place: str, since: str) -> list[discord.Message]:
        """What people said there after an id."""
        for wait in (*WAITS, None):
            try:
                read = await reading.after(self.calls, place, since, pages=PAGES)
                break
            except DiscordError as error:
                if error.permanent or wait is None:
                    log.warning("place not read, what was missed there is not known", code=error.code)
                    return []
                await self.clock.sleep(wait)
        if len(read) == PAGES * reading.PAGE:
            log.warning("more was said than is read", place=place)
        found = (_message(client, place, one) for one in read if not one["author"].get("bot"))
        return [message for message in found if message is not None]


def _message(client: discord.Client, place: str, told: reading.Message) -> discord.Message | None:
    """As the gateway would have brought it; None where it cannot be read."""
    channel: Any = client.get_channel(int(place)) or client.get_partial_messageable(int(place))
    try:
        return discord.Message(state=client._connection, channel=channel, data=told)  # type: ignore[arg-type]
    except (LookupError, TypeError, ValueError) as error:
        log.warning("a message could not be read", problem=type(error).__name__)
        return None


def _further(client: discord.Client, server: str, since: str) -> Iterator[str]:
    """All places of a server where something was said after an id, and may be read: the newest first."""
    guild = client.get_guild(int(server)) if server.isdecimal() else None
    if guild is None or guild.me is None:
        return
    rooms: list[Room] = [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads]
    places = [place for place in rooms if (place.last_message_id or 0) > int(since)]
    for place in sorted(places, key=lambda place: place.last_message_id or 0, reverse=True):
        allowed = place.permissions_for(guild.me)
        if allowed.read_messages and allowed.read_message_history:
            yield str(place.id)


def _has_news(client: discord.Client, place: str, since: str) -> bool:
    """Whether something was said there after an id, as far as the gateway tells."""
    last = getattr(client.get_channel(int(place)), "last_message_id", None)
    return last is None or last > int(since)


def _scope(where: Conversation) -> str:
    """Within which what is missed has its order: a server, or a direct conversation."""
    return where.channel if where.workspace == DIRECT else where.workspace


def _newest(heard: Sequence[tuple[Conversation, str]]) -> Mapping[str, float]:
    """When the newest message of each scope was said. Commands count only where nothing else does: they are taken in
    before what was missed has been read, so that one would hide it where Parley goes again meanwhile.
    """
    said: dict[str, float] = {}
    commanded: dict[str, float] = {}
    for where, key in heard:
        kept, scope = commanded if key.startswith(COMMAND) else said, _scope(where)
        kept[scope] = max(kept.get(scope, 0.0), _moment(key))
    return commanded | said


def _moment(key: str) -> float:
    """When a message was said, by its key."""
    return seconds(_id(key))


def _id(key: str) -> str:
    """The id of a message or command, by its key."""
    id_ = key.removeprefix(COMMAND)
    return id_ if id_.isdecimal() else "0"
