"""Acknowledging: answers interactions in time, and lets what writes into the response wait until there is one.

Discord wants a first answer within three seconds, and takes one only:
https://docs.discord.com/developers/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog

from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.errors import ANSWERED_ALREADY
from adapters.discord.pen import body
from adapters.discord.routes import CALLBACK, ORIGINAL
from adapters.discord.whisper import Whisper
from adapters.pace import Rank

MESSAGE, DEFERRED, UNCHANGED, CHOICES, FORM = 4, 5, 6, 8, 9
"""https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type"""

SOON = aiohttp.ClientTimeout(total=1.2)
"""Seconds for one attempt, so that there is time for another one: a repeated answer changes nothing."""

EPHEMERAL = 1 << 6
"""https://docs.discord.com/developers/resources/message#message-object-message-flags"""

log = structlog.get_logger(__name__)


class Acknowledging:
    def __init__(self, calls: Calls, application: str) -> None:
        self._calls = calls
        self._application = application
        self._pending: dict[str, asyncio.Event] = {}

    def expect(self, interaction: str) -> None:
        """It is about to be answered: `over` waits from now on."""
        self._pending[interaction] = asyncio.Event()

    def done(self, interaction: str) -> None:
        """It was answered, or will not be."""
        if event := self._pending.pop(interaction, None):
            event.set()

    async def over(self, interaction: str) -> None:
        """Wait until it is answered, if that is to come still."""
        if event := self._pending.get(interaction):
            await event.wait()

    async def defer(self, interaction: str, token: str, *, private: bool) -> None:
        """Have Discord say that Parley is thinking."""
        await self._answer(interaction, token, DEFERRED, {"flags": EPHEMERAL} if private else {})

    async def say(self, interaction: str, token: str, what: Whisper) -> None:
        """Tell something to the one person only. Files take longer than there is time for a first answer."""
        if what.files:
            await self.defer(interaction, token, private=True)
            await self.say_later(token, what)
        else:
            await self._answer(interaction, token, MESSAGE, {**what.told, "flags": EPHEMERAL})

    async def say_nothing(self, interaction: str, token: str) -> None:
        """Take note of a press on a message that stays as it is."""
        await self._answer(interaction, token, UNCHANGED, {})

    async def offer(self, interaction: str, token: str, choices: list[dict[str, str]]) -> None:
        await self._answer(interaction, token, CHOICES, {"choices": choices})

    async def open(self, interaction: str, token: str, form: Mapping[str, Any]) -> None:
        await self._answer(interaction, token, FORM, form)

    async def say_later(self, token: str, what: Whisper) -> None:
        """Say something in place of the deferral."""
        await self._settle("PATCH", token, **body(what.told, *what.files))

    async def take_back(self, token: str) -> None:
        """Remove the deferral: there is nothing to say."""
        await self._settle("DELETE", token)

    async def _settle(self, method: str, token: str, **given: Any) -> None:
        route = Route(method, ORIGINAL, webhook_id=self._application, webhook_token=token)
        try:
            await self._calls.call(route, rank=Rank.FINAL, sure=True, **given)
        except DiscordError as error:
            log.warning("not told", code=error.code, problem=str(error))

    async def _answer(self, interaction: str, token: str, kind: int, data: Mapping[str, Any]) -> None:
        # The token a second time: discord.py counts by it then, and does not send one callback after the other.
        route = Route("POST", CALLBACK, interaction_id=interaction, interaction_token=token, webhook_token=token)
        told = {"type": kind, "data": data} if data else {"type": kind}
        try:
            await self._calls.call(route, rank=Rank.FINAL, json=told, sure=True, timeout=SOON)
        except DiscordError as error:
            if error.code != ANSWERED_ALREADY:  # else the answer to an attempt before this one was lost
                log.warning("interaction not answered", code=error.code, problem=str(error))
