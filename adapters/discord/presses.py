"""Presses: takes to the core what people press and choose under messages, and what they write into forms about them.

A form has to be the first answer to a press, within three seconds: it cannot come after "thinking".
https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.calls import DiscordError
from adapters.discord.components import Pressed, pressed
from adapters.discord.forms import answer_form, answered_by, filled
from adapters.discord.hearing import PLATFORM
from adapters.discord.names import Member, Names
from adapters.discord.patience import PATIENCE, done, given_up, tried
from adapters.discord.someone import Someone
from adapters.discord.whisper import whisper
from bot.assistants.types import well_formed
from bot.ports import Answer, Conversation, Form, Intake, Press

UNKNOWN = "I do not know that button any more."
LATE = "That took too long just now. Please press the button again."
NO_RIGHTS = "I cannot see just now what you may do in the server that this is about. Please try again there or later."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Presses:
    intake: Intake
    acknowledging: Acknowledging
    names: Names

    async def press(self, someone: Someone, data: Mapping[str, Any]) -> None:
        """Somebody pressed a button or chose from a menu."""
        found = pressed(data)
        if found is None:
            await self._tell(someone, UNKNOWN)
        else:
            await self._bring(someone, found)

    async def write(self, someone: Someone, data: Mapping[str, Any]) -> bool:
        """Somebody sent a form; False for one that was not opened by a press."""
        found = answered_by(str(data["custom_id"]))
        if found is None:
            return False
        await self._bring(someone, found, well_formed(filled(data["components"])))
        return True

    async def _bring(self, someone: Someone, found: Pressed, text: str = "") -> None:
        working = await tried(done(self._pressed(someone, found, text)), f"press {someone.id}")
        if working.done():
            await self._answer(someone, found, working.result())
        elif found.button.verb == "write":
            await given_up(working)
            await self._tell(someone, LATE)
        else:
            await self.acknowledging.defer(someone.id, someone.token, private=True)
            await self._answer_later(someone, await working)

    async def _pressed(self, someone: Someone, found: Pressed, text: str) -> str | Form:
        """What is pressed in a direct conversation about a server counts with the person's rights in that server."""
        where, roles, admin = someone.here, someone.roles, someone.admin
        if found.server:
            member = await self._member(found.server, someone.author.id)
            if member is None:
                return NO_RIGHTS
            where, admin = Conversation(PLATFORM, found.server, found.channel, ""), member.admin
            roles = [*member.roles]
        return await self.intake.press(Press(where, someone.author, found.button, admin, roles, text))

    async def _member(self, server: str, id_: str) -> Member | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.names.member(server, id_)
        except (DiscordError, TimeoutError) as error:
            log.warning("not known what somebody may do", server=server, problem=str(error) or "it takes too long")
            return None

    async def _answer(self, someone: Someone, found: Pressed, answer: str | Form) -> None:
        match answer:
            case Form():
                await self.acknowledging.open(someone.id, someone.token, answer_form(answer, found))
            case "":
                await self.acknowledging.say_nothing(someone.id, someone.token)
            case _:
                await self._tell(someone, answer)

    async def _answer_later(self, someone: Someone, answer: str | Form) -> None:
        if answer == "":
            await self.acknowledging.take_back(someone.token)
        else:
            told = answer if isinstance(answer, str) else LATE
            await self.acknowledging.say_later(someone.token, whisper(Answer(told)))

    async def _tell(self, someone: Someone, text: str) -> None:
        await self.acknowledging.say(someone.id, someone.token, whisper(Answer(text)))
