"""Looks up what a message leaves open before the model reads it: who is named, and what its thread said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.discord import reading
from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.hearing import Me, one_line
from adapters.discord.names import Names
from adapters.discord.routes import MESSAGE
from adapters.discord.typed import named, readable
from adapters.pace import Rank
from bot.assistants.types import Author, well_formed
from bot.ports import Earlier, InboundMessage, Prepared

EARLIER = 50
"""The newest messages of a thread that are read when Parley is called into it, and the one that it began with."""

LONGEST_EARLIER = 2_000
"""Characters of each of them."""

READ = frozenset({0, 19, 20, 21, 23})
"""Messages, replies, responses to commands and menus, and the one that a thread began with.

https://docs.discord.com/developers/resources/message#message-object-message-types
"""
STARTER = 21

Message = Mapping[str, Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Preparing:
    calls: Calls
    me: Me
    names: Names

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        """Raises `DiscordError` where something could be had later."""
        server = message.conversation.workspace
        text = await self._readable(message.text, server, {})
        earlier = await self._earlier(message) if first and message.route.get("joined") else ()
        return Prepared(text, message.author, earlier)

    async def _readable(self, text: str, server: str, known: Mapping[str, str]) -> str:
        """`known`: names of people that need not be asked for."""
        found = named(text)
        asked = [id_ for id_ in found.people if id_ != self.me.user and id_ not in known]
        people = {**known, **await self.names.people(server, asked)}
        roles, channels = self.names.roles(server, found.roles), self.names.channels(server, found.channels)
        return readable(text, people, roles, channels, me=self.me.user)

    async def _earlier(self, message: InboundMessage) -> Sequence[Earlier]:
        """What was said before the question; nothing where Discord does not show it."""
        route, where = message.route, message.conversation
        about = route.get("reply")
        try:
            if about:
                said = [await self._one(where.channel, str(about))]
            else:
                upto = str(route.get("message") or route["command"])
                said = await reading.before(self.calls, where.thread, upto, EARLIER)
                if len(said) == EARLIER:
                    said = [*await self._beginning(where.channel, where.thread), *said]
        except DiscordError as error:
            if not error.permanent:
                raise
            log.warning("what was said before was not read", code=error.code)
            return []
        shown = [one.get("referenced_message") or one if one.get("type") == STARTER else one for one in said]
        wanted = [one for one in shown if one.get("type") in READ and _words(one)]
        # What somebody replied to in a channel is answered in a place of its own, where it is a question.
        return [await self._said(one, where.workspace, "" if about else str(one["id"])) for one in wanted]

    async def _beginning(self, channel: str, thread: str) -> list[Message]:
        """The message that a thread was opened from, if it was; it has the thread's id."""
        try:
            return [await self._one(channel, thread)]
        except DiscordError as error:
            if not error.permanent:
                raise
            return []

    async def _one(self, channel: str, id_: str) -> Message:
        route = Route("GET", MESSAGE, channel_id=channel, message_id=id_)
        message: Message = await self.calls.call(route, rank=Rank.LOOKUP, sure=True)
        return message

    async def _said(self, one: Message, server: str, key: str) -> Earlier:
        known = {str(person["id"]): _name(person) for person in one.get("mentions") or ()}
        text = (await self._readable(_words(one), server, known))[:LONGEST_EARLIER]
        author = one["author"]
        if str(author["id"]) == self.me.user:
            return Earlier(text)
        return Earlier(text, Author(str(author["id"]), _name(author)), key)


def _name(person: Mapping[str, Any]) -> str:
    return one_line(person.get("global_name") or person.get("username") or "") or str(person["id"])


def _words(message: Message) -> str:
    """What a message says. Other apps often say it in embeds only."""
    parts = [str(message.get("content") or "")]
    if not parts[0].strip():
        parts = [
            str(embed.get(name) or "") for embed in message.get("embeds") or () for name in ("title", "description")
        ]
    if attached := ", ".join(str(file["filename"]) for file in message.get("attachments") or ()):
        parts.append(f"(attached: {attached[:LONGEST_EARLIER]})")
    return well_formed("\n".join(part for part in parts if part.strip()))
