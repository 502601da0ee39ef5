"""Ears: takes what Slack delivers to where it belongs, and returns only when it is safe there.

Slack is acknowledged when a method here returns: what was brought is in the store by then. When one raises, Slack
delivers an event again, and nothing else: for a command, a press or a form the person is told to try again. What is
answered at once (commands, refusals) is shown to the one person that asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from adapters.pace import Clock
from adapters.plain import title
from adapters.remembered import Recent
from adapters.slack import blocks, files
from adapters.slack.arrivals import Arrivals
from adapters.slack.calls import Calls, SlackError
from adapters.slack.greeting import Greeting
from adapters.slack.handing import SENDING, Handing
from adapters.slack.hearing import PLATFORM, Deleted, Edited, Me, Said, heard, order
from adapters.slack.home import Home
from adapters.slack.people import STRANGER, People, Person, is_admin
from adapters.slack.pressing import NOT_MEMBER, Pressing
from adapters.slack.telling import FAILED, Telling, fits
from adapters.slack.typed import mentioned, readable
from bot.assistants.types import JSON, Author, well_formed
from bot.errors import Refused, StoreError
from bot.ports import CommandRequest, Conversation, InboundMessage, Intake

LOOK_UP = 1.5
"""Seconds for which Slack is asked about someone or something before a command is answered: it takes three in all."""

ANSWERED = 2.0
"""Seconds after which a command is acknowledged without its answer, which then comes by the response URL.
https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands"""

REMEMBERED = 2_000
ASK_HELP = "ask QUESTION — ask me here; I answer in a thread"
FOR_ALL = frozenset({"help", "stop"})
"""The commands that are obeyed though Slack does not say who gives them."""
ABSENT = frozenset({"channel_not_found", "not_in_channel", "missing_scope"})

log = structlog.get_logger(__name__)


class Ears:
    def __init__(
        self, intake: Intake, calls: Calls, me: Me, people: People, clock: Clock, *, follow_threads: bool
    ) -> None:
        self._intake = intake
        self._calls = calls
        self._me = me
        self._people = people
        self._clock = clock
        self._follow = follow_threads
        self._arrivals = Arrivals(clock)
        self._telling = Telling(calls)
        self.pressing = Pressing(intake, calls, me, people, clock, self._telling, who=self._who, inside=self._inside)
        self.home = Home(intake, calls, me, people, self._who, self._telling, follow_threads=follow_threads)
        self._greeting = Greeting(intake, calls, me, self._telling, follow_threads=follow_threads)
        self._handing = Handing(calls, self._telling)
        self._known: Recent[Conversation, None] = Recent(REMEMBERED)
        """Conversations that Parley is in, as far as remembered."""

    async def close(self) -> None:
        """Nothing comes in any more; what people are still to be told has a second."""
        await self._telling.close()

    # -- events -------------------------------------------------------------------------------------------------

    async def event(self, body: Mapping[str, Any]) -> None:
        event = body["event"]
        match event["type"]:
            case "message" | "app_mention":
                await self._message(event)
            case "agent_session_stopped":
                await self._stopped(event)
            case "app_home_opened" if event.get("tab") == "home":
                self.home.show(event["user"])
            case "member_joined_channel":
                self._greeting.joined(body["event_id"], event)
            case "app_uninstalled" | "tokens_revoked":
                log.error("Slack took the app's tokens back: install it again, and set the new SLACK_BOT_TOKEN")

    async def _message(self, event: Mapping[str, Any]) -> None:
        match heard(event, self._me):
            case Said() as said:
                await self._said(said)
            case Edited() | Deleted() as changed:
                await self._changed(changed)

    async def _changed(self, changed: Edited | Deleted) -> None:
        arrival, where = self._arrivals.of(changed.channel, changed.ts), self._where(changed.channel, changed.thread)
        if not arrival.learns(changed):
            return
        async with self._arrivals.turns.of(changed.channel, changed.thread):
            match changed:
                case Edited(ts=ts, text=text):
                    await self._intake.amend(where, ts, text)
                case Deleted(ts=ts):
                    await self._intake.withdraw(where, ts)

    async def _said(self, said: Said) -> None:
        if not said.addressed and not self._follow:
            return
        if said.addressed and await self._arrivals.is_told_better(said):
            return
        if not said.files_known and not await self._inside(said.channel, unless=()):
            log.info("mentioned where Parley is not", channel=said.channel)  # Slack itself offers to invite it
            return
        arrival = self._arrivals.of(said.channel, said.ts)
        async with self._arrivals.turns.of(said.channel, said.thread):
            current = arrival.as_it_is(said)
            if current is None or arrival.settled:
                return
            answer = await self._take(current)
            arrival.settled = bool(answer)
        if answer:
            self._tell(said, answer)

    def _tell(self, said: Said, text: str) -> None:
        """In a thread that nobody answered in yet Slack shows no ephemeral message."""
        self._telling.whisper(said.channel, said.thread if said.is_reply else "", said.user, text)

    async def _take(self, said: Said) -> str:
        """Accept the message, or obey it; returns what its author is to be told at once."""
        if (command := order(said, self._me)) is not None:
            place = said.channel, said.thread, said.user
            whole = await self._with_files(said)
            return await self._obey(*place, command, lambda text: self._tell(said, text), files.described(whole.files))
        message = self._inbound(await self._with_files(said))
        try:
            accepted = await self._intake.accept(message)
        except Refused as refused:
            return str(refused)
        if accepted is None:
            return ""
        self._known.put(message.conversation, None)
        return accepted.note

    async def _with_files(self, said: Said) -> Said:
        """The message with what its files are, where the event tells no more than their ids: what it does not learn
        in time is looked up at the download."""
        if not any(map(files.is_hidden, said.files)) or not (
            said.addressed or self._where(said.channel, said.thread) in self._known
        ):
            return said
        try:
            async with asyncio.timeout(LOOK_UP):
                return replace(said, files=await files.shown(self._calls, said.files))
        except TimeoutError:
            log.info("files not known yet", channel=said.channel)
            return said

    def _inbound(self, said: Said) -> InboundMessage:
        where = self._where(said.channel, said.thread)
        person = self._people.known(said.user)
        joined = said.is_reply and said.addressed and where not in self._known
        text, whole = self._readable(said.text)
        route = {"ts": said.ts, "user": said.user, "team": said.user_team or self._me.team, "said": title(text)}
        raw = joined or person is None or person.guest or person.foreign or not (whole and text)
        return InboundMessage(
            conversation=where,
            author=Author(said.user, person.name if person else said.user),
            text=said.text if raw else text,
            key=said.ts,
            attachments=files.described(said.files),
            route={**route, "joined": True} if joined else route,
            follow_up=not said.addressed,
            raw=raw,
        )

    def _readable(self, text: str) -> tuple[str, bool]:
        """The text as the model reads it, as far as names are known; and whether all of them are."""
        people, channels = mentioned(text)
        persons = {id_: person.name for id_ in people if (person := self._people.known(id_))}
        places = {id_: place.name for id_ in channels if (place := self._people.known_place(id_))}
        left = {*people, *channels} - {*persons, *places, self._me.user}
        return readable(text, persons, places, me=self._me.user), not left

    async def _stopped(self, event: Mapping[str, Any]) -> None:
        """Somebody pressed Slack's own Stop: https://docs.slack.dev/reference/events/agent_session_stopped"""
        channel, thread, user = event["channel"], event["thread_ts"], event["user"]
        tell = partial(self._telling.whisper, channel, thread, user)
        answer = await self._obey(channel, thread, user, "stop", tell)
        if answer != "Stopped.":
            tell(answer)

    # -- commands -----------------------------------------------------------------------------------------------

    async def command(self, body: Mapping[str, Any]) -> str:
        """A slash command; returns what to show to the one who gave it, as `mrkdwn`.

        What takes longer, and what one message does not hold, comes by the response URL.
        """
        work = asyncio.create_task(self._commanded(body), name="command")
        try:
            async with asyncio.timeout(ANSWERED):
                whole = await asyncio.shield(work)
        except TimeoutError:
            self._telling.beside(self._late(work, body["response_url"]), "command")
            return ""
        except asyncio.CancelledError:
            work.cancel()
            raise
        if fits(whole):
            return blocks.escaped(whole)
        self._telling.respond(body["response_url"], whole)
        return ""

    async def _late(self, work: asyncio.Task[str], url: str) -> None:
        if whole := await work:
            self._telling.respond(url, whole)

    async def _commanded(self, body: Mapping[str, Any]) -> str:
        """Carry out a command and return what to show, as plain text."""
        try:
            return await self._carried_out(body)
        except StoreError as error:
            log.warning("command not taken in", error=str(error))
            return FAILED

    async def _carried_out(self, body: Mapping[str, Any]) -> str:
        """Raises `StoreError`."""
        word, _, rest = well_formed(body.get("text", "")).strip().partition(" ")
        channel, user = body["channel_id"], body["user_id"]
        if word.lower() == "ask":
            return await self._ask(body, rest.strip())
        text = f"{word} {rest}".strip() or "help"
        tell = partial(self._telling.respond, body["response_url"])
        answer = await self._obey(channel, "", user, text, tell)
        return f"{ASK_HELP}\n{answer}" if text.lower() == "help" else answer

    async def _ask(self, body: Mapping[str, Any], question: str) -> str:
        """The question is posted by the answer's own first state: by then it is safe in the store."""
        if not question:
            return "Say `/parley ask` and your question."
        channel, user = body["channel_id"], body["user_id"]
        inside, person = await asyncio.gather(self._inside(channel), self._who(user))
        if not inside:
            return NOT_MEMBER
        text, whole = self._readable(question)
        name = person.name if person else " ".join(body.get("user_name", "").split()) or user
        route = {
            "ts": f"{self._clock.now():.6f}",
            "user": user,
            "team": body.get("team_id") or self._me.team,
            "said": title(text),
            "ask": {"text": blocks.asked(name, text)},
        }
        raw = person is None or person.guest or person.foreign or not (whole and text)
        message = InboundMessage(
            conversation=self._where(channel, f"ask-{body['trigger_id']}"),
            author=Author(user, name),
            text=question if raw else text,
            key=f"ask-{body['trigger_id']}",
            route=route,
            raw=raw,
        )
        try:
            await self._intake.accept(message)
        except Refused as refused:
            return str(refused)
        return ""

    # -- who and where ------------------------------------------------------------------------------------------

    def _where(self, channel: str, thread: str) -> Conversation:
        return Conversation(PLATFORM, self._me.team, channel, thread)

    async def _obey(
        self,
        channel: str,
        thread: str,
        user: str,
        command: str,
        later: Callable[[str], None],
        attachments: Sequence[JSON] = (),
    ) -> str:
        """Carry out a command; returns what to show at once. `later` tells the person what is only known then.

        Who Slack does not tell of may be a guest, and is no admin.
        """
        person = await self._who(user)
        if person is None and (command.split() or ["help"])[0].lower() not in FOR_ALL:
            return STRANGER
        if person is not None and (refusal := self._people.refusal(person)):
            return refusal
        where, author = self._where(channel, thread), Author(user, person.name if person else user)
        text, _ = self._readable(command)
        request = CommandRequest(where, author, text, platform_admin=is_admin(person), attachments=attachments)
        answer = await self._intake.command(request)
        if answer.file is None:
            return answer.text
        self._handing.hand(user, answer.file, later)
        return f"{answer.text}\n{SENDING}"

    async def _who(self, user: str) -> Person | None:
        """The person; None where Slack does not tell in time."""
        try:
            async with asyncio.timeout(LOOK_UP):
                return await self._people.person(user)
        except (SlackError, TimeoutError) as error:
            log.info("not known who asks", problem=str(error) or "Slack is slow")
            return None

    async def _inside(self, channel: str, *, unless: Collection[str] = ABSENT) -> bool:
        """Whether Parley can write there; yes where Slack does not say, unless with one of these errors."""
        try:
            async with asyncio.timeout(LOOK_UP):
                place = await self._people.place(channel)
        except TimeoutError:
            return True
        except SlackError as error:
            return error.error not in unless
        if not place.member:
            self._people.forget_place(channel)  # an invitation should hold at once
        return place.member
