"""Interactions: slash commands, the message menu with its form, completions and presses, each answered within three
seconds. A question is in the store before Discord is told that Parley is thinking about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import discord
import structlog
from discord import InteractionType

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.commands import MENU, Used, completions, used
from adapters.discord.components import filled, question_form
from adapters.discord.files import described
from adapters.discord.hearing import Place, name_of, place_of, quoted, roles_of
from adapters.discord.names import Names
from adapters.remembered import Recent
from bot.assistants.types import Author, well_formed
from bot.buttons import decode
from bot.errors import Refused, StoreError
from bot.ports import CommandRequest, Conversation, InboundMessage, Intake, Press

PATIENCE = 1.5
"""Seconds for which an answer is waited for before Discord is told that it takes longer."""

REMEMBERED = 2_000
FORM = "about:"
NOT_STORED = "I could not take that in just now. Please try again."
FAILED = "That did not work just now. Please try again."
FORGOTTEN = "I no longer know which message that was about. Please use the menu again."
UNKNOWN = "I do not know that button any more."
NOWHERE = "I cannot tell where this is, so I did nothing."
ENTRY = " — "
"""What is in each line of the list of commands."""
ASK_HELP = f"/ask PROMPT{ENTRY}ask me, about a file if you like; nobody else sees the answer to a private question"

Interaction = discord.Interaction[discord.Client]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Someone:
    """Who did something, and where."""

    id: str
    token: str
    author: Author
    roles: list[str]
    admin: bool
    place: Place

    @property
    def here(self) -> Conversation:
        """The conversation of the place; that of a channel as a whole has no thread."""
        return self.place.conversation("")


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked by a command or a form."""

    text: str
    files: list[dict[str, Any]]
    private: bool = False


class Interactions:
    def __init__(self, intake: Intake, names: Names, acknowledging: Acknowledging) -> None:
        self._intake = intake
        self._names = names
        self._acknowledging = acknowledging
        self._seen: Recent[int, None] = Recent(REMEMBERED)
        self._about: Recent[str, Question] = Recent(REMEMBERED)
        """The messages that forms were opened about, by the form's id."""

    async def take(self, interaction: Interaction) -> None:
        """Whatever somebody did. One that is delivered again was taken already."""
        if interaction.id in self._seen:
            return
        self._seen.put(interaction.id, None)
        someone = await self._someone(interaction)
        data: Mapping[str, Any] = interaction.data or {}
        if someone is None:
            await self._acknowledging.say(str(interaction.id), interaction.token, NOWHERE)
            return
        match interaction.type:
            case InteractionType.autocomplete:
                await self._complete(someone, used(data))
            case InteractionType.application_command if data["name"] == MENU:
                await self._open_form(someone, data)
            case InteractionType.application_command:
                await self._command(someone, used(data), data.get("resolved") or {})
            case InteractionType.component:
                await self._press(someone, str(data["custom_id"]))
            case InteractionType.modal_submit:
                await self._submit(someone, data)

    async def _command(self, someone: Someone, command: Used, resolved: Mapping[str, Any]) -> None:
        if command.name == "ask":
            await self._ask(someone, _question(command, resolved))
            return
        request = CommandRequest(
            someone.here,
            someone.author,
            command.line,
            platform_admin=someone.admin,
            workspace="server",
            roles=someone.roles,
        )
        await self._answer(someone, self._obeyed(request))

    async def _obeyed(self, request: CommandRequest) -> str:
        answer = await self._intake.command(request)
        if request.text != "help" or ENTRY not in answer:  # a refusal is no list
            return answer
        return "\n".join([ASK_HELP, *(f"/{line}" for line in answer.splitlines())])

    async def _complete(self, someone: Someone, command: Used) -> None:
        typed = str(command.options.get(command.focused) or "")
        await self._acknowledging.offer(someone.id, someone.token, completions(self._intake.tools, typed))

    async def _press(self, someone: Someone, custom_id: str) -> None:
        button = decode(custom_id)
        if button is None:
            await self._acknowledging.say(someone.id, someone.token, UNKNOWN)
            return
        press = Press(someone.here, someone.author, button, someone.admin, someone.roles)
        await self._answer(someone, self._intake.press(press))

    # -- questions ----------------------------------------------------------------------------------------------

    async def _open_form(self, someone: Someone, data: Mapping[str, Any]) -> None:
        """https://docs.discord.com/developers/interactions/application-commands#message-commands"""
        message = (data.get("resolved") or {})["messages"][data["target_id"]]
        author = message["author"]
        name = author.get("global_name") or author.get("username") or "someone"
        text = quoted(" ".join(str(name).split()), well_formed(message.get("content") or ""))
        files = described(message.get("attachments") or (), someone.place.id, str(message["id"]))
        form = f"{FORM}{someone.id}"
        self._about.put(form, Question(text, files))
        await self._acknowledging.open(someone.id, someone.token, question_form(form))

    async def _submit(self, someone: Someone, data: Mapping[str, Any]) -> None:
        about = self._about.pop(str(data["custom_id"]), None)
        if about is None:
            await self._acknowledging.say(someone.id, someone.token, FORGOTTEN)
            return
        text = f"{well_formed(filled(data['components']))}\n\n{about.text}"
        await self._ask(someone, Question(text, about.files))

    async def _ask(self, someone: Someone, question: Question) -> None:
        """Store it, then defer; if the store is slow the other way round, so that Discord does not give it up."""
        self._acknowledging.expect(someone.id)
        try:
            storing = await _tried(self._store(someone, question), f"store {someone.id}")
            done = storing.done()
            if done and (problem := storing.result()):
                await self._acknowledging.say(someone.id, someone.token, problem)
            else:
                await self._acknowledging.defer(someone.id, someone.token, private=question.private)
        finally:
            self._acknowledging.done(someone.id)
        if not done and (problem := await storing):
            await self._acknowledging.say_later(someone.token, problem)

    async def _store(self, someone: Someone, question: Question) -> str:
        """The sentence for the person where the question is not taken."""
        try:
            await self._intake.accept(_inbound(someone, question))
        except Refused as refused:
            return str(refused)
        except StoreError as error:
            log.warning("question not taken in", error=str(error))
            return NOT_STORED
        return ""

    # -- answers ------------------------------------------------------------------------------------------------

    async def _answer(self, someone: Someone, work: Coroutine[Any, Any, str]) -> None:
        """Tell the person what came of something, at once or, where it takes longer, after a deferral."""
        working = await _tried(_done(work), f"interaction {someone.id}")
        if working.done():
            await self._acknowledging.say(someone.id, someone.token, working.result())
        else:
            await self._acknowledging.defer(someone.id, someone.token, private=True)
            await self._acknowledging.say_later(someone.token, await working)

    async def _someone(self, interaction: Interaction) -> Someone | None:
        channel, user = interaction.channel, interaction.user
        place = place_of(channel)
        if place is None and channel is not None:
            server = str(interaction.guild_id) if interaction.guild_id else ""
            place = await self._names.place(server, str(channel.id)) if server else Place(str(channel.id))
        if place is None:
            return None
        author, rights = Author(str(user.id), name_of(user)), interaction.permissions
        admin = rights.manage_guild or rights.administrator
        return Someone(str(interaction.id), interaction.token, author, roles_of(user), admin, place)


async def _tried(work: Coroutine[Any, Any, str], name: str) -> asyncio.Task[str]:
    """Work that has had its time, done or not. It ends with who waits for it; what it writes is written whole."""
    task = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait({task}, timeout=PATIENCE)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    return task


async def _done(work: Coroutine[Any, Any, str]) -> str:
    try:
        return await work
    except StoreError as error:
        log.warning("not done", error=str(error))
        return FAILED


def _inbound(someone: Someone, question: Question) -> InboundMessage:
    """A question in a thread belongs to it; one in a channel, and one for the eyes of one person, begins its own."""
    place, own = someone.place, f"ask-{someone.id}"
    where = place.conversation(own)
    if question.private:
        where = Conversation(where.platform, where.workspace, where.channel, own)
    route: dict[str, Any] = {
        "at": place.id,
        "command": someone.id,
        "user": someone.author.id,
        "secret": someone.token,
    }
    joined = bool(place.parent) and not question.private
    extra = {"private": True} if question.private else {"joined": True} if joined else {}
    return InboundMessage(
        conversation=where,
        author=someone.author,
        text=question.text,
        key=own,
        attachments=question.files,
        route={**route, **extra},
        raw=joined or "<" in question.text,
        roles=someone.roles,
    )


def _question(command: Used, resolved: Mapping[str, Any]) -> Question:
    attached = resolved.get("attachments") or {}
    given = attached.get(str(command.options.get("attachment") or ""))
    files = described([given] if given else [])
    return Question(well_formed(str(command.options["prompt"])), files, bool(command.options.get("private")))
