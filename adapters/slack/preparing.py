"""Looks up what a message leaves open before the model reads it: who speaks, who is named, what was said before."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.slack import files
from adapters.slack.calls import Calls, SlackError
from adapters.slack.hearing import SPOKEN, Me, speaker, words
from adapters.slack.past import past
from adapters.slack.people import People, Person
from adapters.slack.typed import mentioned, readable
from bot.assistants.types import Author
from bot.ports import Earlier, InboundMessage, Prepared

EARLIER = 50
"""The newest messages of a thread that are read when Parley is called into it, and its first one."""

LONGEST_EARLIER = 2_000
"""Characters of each of them."""

READ = SPOKEN | {"bot_message"}
"""The subtypes of the messages that are read: https://docs.slack.dev/reference/events/message#subtypes"""

WORDLESS = "(They mentioned you without a word.)"
UNKNOWN = "I could not find out who you are, so I did not answer. Please try again."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Preparing:
    calls: Calls
    me: Me
    people: People

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        """Raises `SlackError` where Slack cannot say now who asks."""
        try:
            person = await self.people.person(message.author.id)
        except SlackError as error:
            if not error.permanent:
                raise
            return Prepared(message.text, message.author, refusal=UNKNOWN)
        author = Author(person.id, person.name)
        if refusal := self.people.refusal(person):
            return Prepared(message.text, author, refusal=refusal)
        text = await self._readable(message.text)
        earlier = await self._earlier(message) if first and message.route.get("joined") else ()
        return Prepared(text or ("" if message.attachments else WORDLESS), author, earlier)

    async def _readable(self, text: str) -> str:
        people, channels = mentioned(text)
        persons = await self._names(people)
        places = {}
        for channel in channels:
            try:
                places[channel] = (await self.people.place(channel)).name
            except SlackError as error:
                log.info("channel not named", error=error.error)
        return readable(text, persons, places, me=self.me.user)

    async def _names(self, ids: Collection[str]) -> Mapping[str, str]:
        """The names that can be had; whom Slack does not tell of keeps the id."""
        wanted = [id_ for id_ in ids if id_ != self.me.user]
        found = await asyncio.gather(*map(self.people.person, wanted), return_exceptions=True)
        if strange := [one for one in found if isinstance(one, BaseException) and not isinstance(one, SlackError)]:
            raise strange[0]
        return {person.id: person.name for person in found if isinstance(person, Person)}

    async def _earlier(self, message: InboundMessage) -> Sequence[Earlier]:
        """What the thread said before the question; nothing where Slack does not show it."""
        where, route = message.conversation, message.route
        said: list[Mapping[str, Any]] = []
        try:
            said.extend(await past(self.calls, where.channel, where.thread, str(route["ts"]), EARLIER, _speaks))
        except SlackError as error:
            if not error.permanent:
                raise
            log.warning("thread not read", error=error.error)
        names = await self._names({one["user"] for one in said if one.get("user") and not speaker(one)})
        return [await self._said(one, names) for one in said]

    async def _said(self, one: Mapping[str, Any], names: Mapping[str, str]) -> Earlier:
        text = (await self._readable(words(one)))[:LONGEST_EARLIER]
        if attached := ", ".join(" ".join(file["name"].split()) for file in files.described(one.get("files") or ())):
            text = f"{text}\n(attached: {attached[:LONGEST_EARLIER]})".strip()
        if one.get("user") == self.me.user or (self.me.bot and one.get("bot_id") == self.me.bot):
            return Earlier(text)  # it never comes as a message
        id_ = str(one.get("user") or one.get("bot_id") or "")
        return Earlier(text, Author(id_, names.get(id_) or speaker(one) or id_), key=str(one["ts"]))


def _speaks(message: Mapping[str, Any]) -> bool:
    return message.get("subtype") in READ and bool(words(message) or message.get("files"))
