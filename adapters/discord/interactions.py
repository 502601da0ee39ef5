"""Interactions: slash commands, the message menu with its form, completions and presses, each answered within three
seconds. A question is in the store before Discord is told that Parley is thinking about it.
"""

from __future__ import annotations

from collections.abc import Coroutine, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from discord import InteractionType

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.commands import COMPLETED, MENU, completions
from adapters.discord.files import described
from adapters.discord.forms import filled, question_form
from adapters.discord.hearing import quoted
from adapters.discord.names import Names
from adapters.discord.patience import done, tried
from adapters.discord.presses import Presses
from adapters.discord.someone import Interaction, Someone, someone
from adapters.discord.used import Used, used
from adapters.discord.whisper import whisper
from adapters.remembered import Recent
from bot.assistants.types import well_formed
from bot.errors import Refused, StoreError
from bot.ports import Answer, CommandRequest, Conversation, InboundMessage, Intake

REMEMBERED = 2_000
FORM = "about:"
NOT_STORED = "I could not take that in just now. Please try again."
FORGOTTEN = "I no longer know which message that was about. Please use the menu again."
NOWHERE = "I cannot tell where this is, so I did nothing."
ENTRY = " — "
"""What is in each line of the list of commands."""
ASK_HELP = f"/ask PROMPT{ENTRY}ask me, about a file if you like; nobody else sees the answer to a private question"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked by a command or a form."""

    text: str
    files: list[dict[str, Any]]
    private: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a question: why it was not taken, or what the person should know of one that was."""

    problem: str = ""
    note: str = ""


class Interactions:
    def __init__(self, intake: Intake, names: Names, acknowledging: Acknowledging) -> None:
        self._intake = intake
        self._names = names
        self._acknowledging = acknowledging
        self._presses = Presses(intake, acknowledging, names)
        self._seen: Recent[int, None] = Recent(REMEMBERED)
        self._about: Recent[str, Question] = Recent(REMEMBERED)
        """The messages that forms were opened about, by the form's id."""
        self._kept_out: Recent[Hashable, bool] = Recent(REMEMBERED)
        """Who is kept out where: the operator's `ALLOW` and `DENY` stay the same, and people type fast."""

    async def take(self, interaction: Interaction) -> None:
        """Whatever somebody did. One that is delivered again was taken already."""
        if interaction.id in self._seen:
            return
        self._seen.put(interaction.id, None)
        who = await someone(interaction, self._names)
        data: Mapping[str, Any] = interaction.data or {}
        if who is None:
            await self._acknowledging.say(str(interaction.id), interaction.token, whisper(Answer(NOWHERE)))
            return
        match interaction.type:
            case InteractionType.autocomplete:
                await self._complete(who, used(data))
            case InteractionType.application_command if data["name"] == MENU:
                await self._open_form(who, data)
            case InteractionType.application_command:
                await self._command(who, used(data), data.get("resolved") or {})
            case InteractionType.component:
                await self._presses.press(who, data)
            case InteractionType.modal_submit:
                if not await self._presses.write(who, data):
                    await self._submit(who, data)

    async def _command(self, who: Someone, command: Used, resolved: Mapping[str, Any]) -> None:
        if command.name == "ask":
            await self._ask(who, _question(command, resolved))
            return
        request = CommandRequest(
            who.here,
            who.author,
            well_formed(command.line),
            platform_admin=who.admin,
            workspace="server",
            roles=who.roles,
            attachments=_attached(command, resolved),
            direct=who.place.is_direct,
        )
        await self._answer(who, self._obeyed(request))

    async def _obeyed(self, request: CommandRequest) -> Answer:
        answer = await self._intake.command(request)
        if answer.forgot:  # what somebody said may be quoted there
            self._about.clear()
        if request.text != "help" or ENTRY not in answer.text:  # a refusal is no list
            return answer
        return Answer("\n".join([ASK_HELP, *(f"/{line}" for line in answer.text.splitlines())]))

    async def _complete(self, who: Someone, command: Used) -> None:
        typed = str(command.options.get(command.focused) or "")
        wanted = COMPLETED.get(command.focused)
        hidden = wanted is None or await self._is_kept_out(who)
        known = [] if wanted is None or hidden else await self._intake.names(who.here, wanted)
        await self._acknowledging.offer(who.id, who.token, completions(known, typed))

    async def _is_kept_out(self, who: Someone) -> bool:
        key = (who.here, who.author.id, *who.roles)
        if key not in self._kept_out:
            asked = CommandRequest(who.here, who.author, "", roles=who.roles)
            self._kept_out.put(key, (await self._intake.overview(asked)).refused)
        return self._kept_out[key]

    async def _answer(self, who: Someone, work: Coroutine[Any, Any, Answer]) -> None:
        """Tell the person what came of something, at once or, where it takes longer, after a deferral."""
        working = await tried(done(work), f"interaction {who.id}")
        if working.done():
            await self._acknowledging.say(who.id, who.token, whisper(_whole(working.result())))
        else:
            await self._acknowledging.defer(who.id, who.token, private=True)
            await self._acknowledging.say_later(who.token, whisper(_whole(await working)))

    # -- questions ----------------------------------------------------------------------------------------------

    async def _open_form(self, who: Someone, data: Mapping[str, Any]) -> None:
        """https://docs.discord.com/developers/interactions/application-commands#message-commands"""
        message = (data.get("resolved") or {})["messages"][data["target_id"]]
        author = message["author"]
        name = author.get("global_name") or author.get("username") or "someone"
        text = quoted(" ".join(str(name).split()), well_formed(message.get("content") or ""))
        files = described(message.get("attachments") or (), who.place.id, str(message["id"]))
        form = f"{FORM}{who.id}"
        self._about.put(form, Question(text, files))
        await self._acknowledging.open(who.id, who.token, question_form(form))

    async def _submit(self, who: Someone, data: Mapping[str, Any]) -> None:
        about = self._about.pop(str(data["custom_id"]), None)
        if about is None:
            await self._acknowledging.say(who.id, who.token, whisper(Answer(FORGOTTEN)))
            return
        text = f"{well_formed(filled(data['components']))}\n\n{about.text}"
        await self._ask(who, Question(text, about.files))

    async def _ask(self, who: Someone, question: Question) -> None:
        """Store it, then defer; if the store is slow the other way round, so that Discord does not give it up.

        A note stands in place of the answer until that comes.
        """
        self._acknowledging.expect(who.id)
        try:
            storing = await tried(self._store(who, question), f"store {who.id}")
            if storing.done() and (problem := storing.result().problem):
                await self._acknowledging.say(who.id, who.token, whisper(Answer(problem)))
                return
            await self._acknowledging.defer(who.id, who.token, private=question.private)
            taken = await storing
            if told := taken.problem or taken.note:
                await self._acknowledging.say_later(who.token, whisper(Answer(told)))
        finally:
            self._acknowledging.done(who.id)

    async def _store(self, who: Someone, question: Question) -> Taken:
        try:
            accepted = await self._intake.accept(_inbound(who, question))
        except Refused as refused:
            return Taken(problem=str(refused))
        except StoreError as error:
            log.warning("question not taken in", error=str(error))
            return Taken(problem=NOT_STORED)
        return Taken(note=accepted.note if accepted else "")


def _whole(answer: Answer | str) -> Answer:
    return Answer(answer) if isinstance(answer, str) else answer


def _inbound(who: Someone, question: Question) -> InboundMessage:
    """A question in a thread belongs to it; one in a channel, and one for the eyes of one person, begins its own."""
    place, own = who.place, f"ask-{who.id}"
    where = place.conversation(own)
    if question.private:
        where = Conversation(where.platform, where.workspace, where.channel, own)
    route: dict[str, Any] = {
        "at": place.id,
        "command": who.id,
        "user": who.author.id,
        "secret": who.token,
    }
    joined = bool(place.parent) and not question.private
    extra = {"private": True} if question.private else {"joined": True} if joined else {}
    return InboundMessage(
        conversation=where,
        author=who.author,
        text=question.text,
        key=own,
        attachments=question.files,
        route={**route, **extra},
        raw=joined or "<" in question.text,
        roles=who.roles,
    )


def _question(command: Used, resolved: Mapping[str, Any]) -> Question:
    files, private = _attached(command, resolved), bool(command.options.get("private"))
    return Question(well_formed(str(command.options["prompt"])), files, private)


def _attached(command: Used, resolved: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The file that was given with a command."""
    attached = resolved.get("attachments") or {}
    given = attached.get(str(command.options.get("attachment") or ""))
    return list(described([given] if given else []))
