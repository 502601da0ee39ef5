"""Greeting: the one message that Parley says when it is added to a server, where it may write and is let in.

https://docs.discord.com/developers/events/gateway-events#guild-create
"""

from __future__ import annotations

from collections.abc import Iterator

import discord
import structlog

from adapters.discord.calls import Calls, DiscordError
from adapters.discord.hearing import PLATFORM, Me
from adapters.discord.pen import Pen, Sheet
from adapters.remembered import Recent
from bot.assistants.types import Author
from bot.errors import StoreError
from bot.ports import CommandRequest, Conversation, Intake

HELLO = "Hello, I am Parley. Mention me with a question, or use /ask; /help says what else I can do."

REMEMBERED = 1_000

log = structlog.get_logger(__name__)


class Greeting:
    def __init__(self, calls: Calls, me: Me, intake: Intake) -> None:
        self._calls = calls
        self._me = me
        self._intake = intake
        self._greeted: Recent[str, None] = Recent(REMEMBERED)

    async def joined(self, guild: discord.Guild) -> None:
        """Parley was added to a server. Discord may tell it twice; one that it was removed from is a new one."""
        joining = f"{guild.id} {guild.me.joined_at if guild.me else ''}"
        if joining in self._greeted:
            return
        self._greeted.put(joining, None)
        try:
            for place in _places(guild):
                if await self._is_let_in(guild, str(place.id)):
                    await Pen(self._calls, str(place.id), f"greet {joining}").send(Sheet(HELLO), 0, 0)
                    return
        except (DiscordError, StoreError) as error:
            log.warning("server not greeted", server=str(guild.id), problem=str(error))
        else:
            log.info("server not greeted: there is no channel to do so in", server=str(guild.id))

    async def _is_let_in(self, guild: discord.Guild, channel: str) -> bool:
        """Whether the operator lets everybody in the channel talk to Parley."""
        where, author = Conversation(PLATFORM, str(guild.id), channel, ""), Author(self._me.user, "Parley")
        return not (await self._intake.overview(CommandRequest(where, author, "", roles=[str(guild.id)]))).refused


def _places(guild: discord.Guild) -> Iterator[discord.TextChannel]:
    """The channel for such messages, then the others from the top; those in which Parley may write, and people talk.

    A community has channels for its rules and for what Discord tells its moderators, and its announcements are read in
    other servers: https://docs.discord.com/developers/resources/guild#guild-object
    """
    system = [guild.system_channel] if guild.system_channel else []
    others = [channel for channel in guild.text_channels if channel not in system]
    quiet = (guild.rules_channel, guild.public_updates_channel)
    for channel in [*system, *others]:
        held = channel.permissions_for(guild.me)
        if held.view_channel and held.send_messages and channel not in quiet and not channel.is_news():
            yield channel
