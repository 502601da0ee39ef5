"""Ears: takes what people say on Discord to where it belongs.

The gateway delivers a message once: what the store does not take at first is offered to it again, and what came while
Parley was away is asked for when it is back (missed.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.calls import DiscordError
from adapters.discord.hearing import DIRECT, Me, Place, Said, heard, place_of
from adapters.discord.names import Names
from adapters.discord.telling import Telling
from adapters.pace import Clock
from adapters.plain import title
from adapters.remembered import Recent
from adapters.turns import Turns
from bot.assistants.types import Author, well_formed
from bot.errors import Refused, StoreError
from bot.ports import Accepted, Conversation, InboundMessage, Intake

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between attempts to store a message."""

NOT_STORED = "I could not take that in, since my database does not work. Please try again later."
PATIENCE = 10.0
"""Seconds for which Discord is asked what a message replies to."""

WITHHELD = "Discord does not let me read that: mention me by name, or use /ask."
LONGEST_TITLE = 100
"""Characters of a thread's name: https://docs.discord.com/developers/resources/channel#start-thread-from-message"""
REMEMBERED = 2_000

log = structlog.get_logger(__name__)


class Ears:
    def __init__(
        self, intake: Intake, me: Me, names: Names, telling: Telling, clock: Clock, *, follow_threads: bool
    ) -> None:
        self._intake = intake
        self._me = me
        self._names = names
        self._telling = telling
        self._clock = clock
        self._follow = follow_threads
        self._turns = Turns()
        self._known: Recent[Conversation, None] = Recent(REMEMBERED)
        """Conversations that Parley is in, as far as remembered."""

    async def message(self, message: discord.Message) -> None:
        """Somebody said something."""
        await self._message(message, missed=False, follow=self._follow)

    async def missed(self, message: discord.Message, only_calls: bool) -> None:
        """It was said while Parley was away: answered like any other, and refused without a word. `only_calls`: only if
        it calls for Parley.
        """
        await self._message(message, missed=True, follow=self._follow and not only_calls)

    async def _message(self, message: discord.Message, *, missed: bool, follow: bool) -> None:
        if message.author.bot:
            return
        async with self._turns.of(str(message.channel.id), ""):
            said = await self._heard(message)
            if said is not None and not (said.addressed or follow):
                return
            if said is not None and missed and not said.place.is_direct:
                said = await self._as_member(said)
            if said is None:
                return
            if not said.withheld:
                await self._accept(said, missed=missed)
            elif not missed:
                self._telling.reply(said, WITHHELD)

    async def edited(self, event: discord.RawMessageUpdateEvent) -> None:
        """Only people's own changes count: Discord tells of previews and threads of a message in the same way."""
        if event.message.edited_at is None or event.message.author.bot:
            return
        async with self._turns.of(str(event.channel_id), ""):
            said = await self._heard(event.message)
            if said is not None:
                await self._again(lambda: self._intake.amend(said.conversation, said.id, said.text))

    async def deleted(self, server: str, channel: str, ids: Iterable[str]) -> None:
        async with self._turns.of(channel, ""):
            place = await self._names.place(server or DIRECT, channel)
            if place is None:
                return
            for id_ in ids:
                await self._again(lambda id_=id_: self._intake.withdraw(place.conversation(id_), id_))

    async def _heard(self, message: discord.Message) -> Said | None:
        place = place_of(message.channel) or await self._place_of(message)
        if place is None:
            return None
        if not (place.parent or place.is_direct):
            await self._resolve(message)
        return heard(message, place, self._me, content=self._names.reads_content)

    async def _resolve(self, message: discord.Message) -> None:
        """See what a message replies to, where Discord has not looked.

        https://docs.discord.com/developers/resources/message#message-object
        """
        reference = message.reference
        if reference is None or reference.resolved is not None or message.type is not discord.MessageType.reply:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                reference.resolved = await message.channel.fetch_message(reference.message_id or 0)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.info("not known what a message replies to", problem=type(error).__name__)

    async def _as_member(self, said: Said) -> Said | None:
        """A message that was asked for does not tell its author's name and roles in the server.

        None for who is no member any more, or of whom it cannot be known whether they may ask.
        """
        try:
            person = await self._names.person(said.place.server, said.author.id)
        except DiscordError as error:
            log.warning("not known who asked, so that it is not answered", code=error.code)
            return None
        if not person.name:
            return None
        return replace(said, author=Author(said.author.id, person.name), roles=person.roles)

    async def _place_of(self, message: discord.Message) -> Place | None:
        guild = getattr(message.channel, "guild_id", None) or (message.guild.id if message.guild else None)
        return await self._names.place(str(guild) if guild else DIRECT, str(message.channel.id))

    async def _accept(self, said: Said, *, missed: bool) -> None:
        message = replace(self._inbound(said), missed=missed)
        try:
            accepted: Accepted | None = await self._again(lambda: self._intake.accept(message))
        except Refused as refused:
            if not missed:
                self._telling.reply(said, str(refused))
        except StoreError:
            if said.addressed:
                self._telling.reply(said, NOT_STORED)
        else:
            if accepted is not None:
                self._known.put(message.conversation, None)
                if accepted.note:
                    self._telling.reply(said, accepted.note)

    async def _again(self, attempt: Any) -> Any:
        """Nobody delivers it again: try until the store takes it. Raises `StoreError` when it does not for a minute."""
        for wait in WAITS:
            try:
                return await attempt()
            except StoreError as error:
                log.warning("not taken in yet", error=str(error))
                await self._clock.sleep(wait)
        return await attempt()

    def _inbound(self, said: Said) -> InboundMessage:
        where, place = said.conversation, said.place
        joined = said.addressed and bool(place.parent or said.replies_to) and where not in self._known
        route: dict[str, Any] = {"at": place.id, "message": said.id, "user": said.author.id}
        if said.replies_to:
            route["reply"] = said.replies_to
        elif not (place.is_direct or place.parent):
            route |= {"open": True, "said": title(said.text, LONGEST_TITLE)} if place.opens else {"reply": ""}
        return InboundMessage(
            conversation=where,
            author=said.author,
            text=well_formed(said.text),
            key=said.id,
            attachments=said.files,
            route={**route, "joined": True} if joined else route,
            follow_up=not said.addressed,
            raw=joined,
            roles=said.roles,
        )
