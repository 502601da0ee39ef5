"""Pressing: what people do with buttons, menus and forms. Slack is acknowledged when a method here returns.

A form is opened by the `trigger_id` of the press that asks for it, which holds for three seconds; what the form is
about stands in its `private_metadata` and comes back with it.
https://docs.slack.dev/interactivity/handling-user-interaction, https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.pace import Clock, Rank
from adapters.plain import title
from adapters.slack import asking, blocks
from adapters.slack.about import about
from adapters.slack.calls import Calls, SlackError
from adapters.slack.hearing import PLATFORM, Me
from adapters.slack.people import STRANGER, People, Person, is_admin
from adapters.slack.telling import FAILED, Telling
from bot.assistants.types import Author, well_formed
from bot.buttons import Button, decode
from bot.errors import Refused, StoreError
from bot.ports import Conversation, Form, InboundMessage, Intake, Press

OPENED = 2.5
"""Seconds for a form to open: its trigger holds for three, https://docs.slack.dev/interactivity/handling-user-interaction."""

NOT_OPENED = "Slack did not open the form. Please try again."
PERHAPS = "Slack may not have opened the form. Please press again if it is not there."
NOT_MEMBER = "I am not in that conversation, so I cannot answer there. Invite me with `/invite @Parley` and ask again."

FOR_MEMBERS = frozenset({"approve", "deny", "feedback", "why"})
"""The buttons that do nothing while Slack does not say who presses them: a guest may not, an admin may more. The others
are for the one who asked, and the core sees to that."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pressing:
    intake: Intake
    calls: Calls
    me: Me
    people: People
    clock: Clock
    telling: Telling
    who: Callable[[str], Awaitable[Person | None]]
    """The person; None where Slack does not tell in time."""
    inside: Callable[[str], Awaitable[bool]]
    """Whether Parley can write in a channel."""

    async def press(self, body: Mapping[str, Any]) -> None:
        """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
        late = asyncio.get_running_loop().time() + OPENED
        box, user = body.get("container") or {}, body["user"]["id"]
        channel = (body.get("channel") or {}).get("id") or box.get("channel_id", "")
        message = body.get("message") or {}
        thread = box.get("thread_ts") or message.get("thread_ts") or message.get("ts") or ""
        for action in body["actions"]:
            button = decode(_code(action))
            if button is None:
                continue
            try:
                answer = await self._pressed(user, channel, thread, button)
            except StoreError as error:
                log.warning("press not taken in", error=str(error))
                answer = FAILED
            if isinstance(answer, Form):
                view = asking.form(answer, channel, thread)
                answer = await opened(self.calls, body["trigger_id"], view, late)
            if answer:
                self.telling.whisper(channel, thread, user, answer)

    async def _pressed(self, user: str, channel: str, thread: str, button: Button, text: str = "") -> str | Form:
        """Raises `StoreError`."""
        person = await self.who(user)
        if person is None and button.verb in FOR_MEMBERS:
            return STRANGER
        if person is not None and (refusal := self.people.refusal(person)):
            return refusal
        where, author = self._where(channel, thread), Author(user, person.name if person else user)
        return await self.intake.press(Press(where, author, button, is_admin(person), text=text))

    async def shortcut(self, body: Mapping[str, Any]) -> str:
        """Open the form for a question about a message; returns a sentence for the person where that makes no sense."""
        late = asyncio.get_running_loop().time() + OPENED
        channel = body["channel"]["id"]
        try:
            async with asyncio.timeout_at(late):
                if not await self.inside(channel):
                    return NOT_MEMBER
        except TimeoutError:
            return NOT_OPENED
        view = blocks.question_form(about(channel, body["message"]))
        return await opened(self.calls, body["trigger_id"], view, late)

    async def submit(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        """A form was sent: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload

        Returns what is wrong by field: the form stays then, with what was written in it.
        """
        answered = body["view"]["callback_id"] == asking.FORM
        try:
            await (self._answered(body) if answered else self._asked(body))
        except StoreError as error:
            log.warning("form not taken in", error=str(error))
            return {"answer" if answered else "question": FAILED}
        return {}

    async def _answered(self, body: Mapping[str, Any]) -> None:
        """The words go where the button would have gone that opened the form."""
        view, user = body["view"], body["user"]["id"]
        about_it = json.loads(view["private_metadata"])
        button, channel, thread = decode(about_it["button"]), about_it["channel"], about_it["thread"]
        if button is None:  # another version opened the form
            return
        answer = await self._pressed(user, channel, thread, button, asking.written(view))
        if isinstance(answer, str) and answer:
            self.telling.whisper(channel, thread, user, answer)

    async def _asked(self, body: Mapping[str, Any]) -> None:
        """A question goes into the thread of the message that it is about."""
        view, user = body["view"], body["user"]["id"]
        asked = json.loads(view["private_metadata"])
        question = well_formed(view["state"]["values"]["question"]["question"]["value"])
        person = await self.who(user)
        name = person.name if person else user
        quoted = blocks.quoted(asked["text"])
        message = InboundMessage(
            conversation=self._where(asked["channel"], asked["thread"]),
            author=Author(user, user),
            text=f"{blocks.escaped(question)}\n\nThis is about the message of {asked['by']}:\n{quoted}",
            key=f"view-{view['id']}",
            attachments=asked["files"],
            route={
                "ts": f"{self.clock.now():.6f}",
                "user": user,
                "team": body["user"].get("team_id") or self.me.team,
                "said": title(question),
                "joined": True,
                "ask": {"text": blocks.asked(name, question), "thread": asked["thread"]},
            },
            raw=True,
        )
        try:
            accepted = await self.intake.accept(message)
        except Refused as refused:
            self.telling.whisper(asked["channel"], "", user, str(refused))
        else:
            if accepted is not None and accepted.note:
                self.telling.whisper(asked["channel"], asked["thread"], user, accepted.note)

    def _where(self, channel: str, thread: str) -> Conversation:
        return Conversation(PLATFORM, self.me.team, channel, thread)


async def opened(calls: Calls, trigger: str, view: Mapping[str, Any], late: float) -> str:
    """Open a form by the moment `late` of the event loop's time; returns the sentence for where it is not there."""
    try:
        async with asyncio.timeout_at(late):
            form = {"trigger_id": trigger, "view": view}
            await calls.call("views.open", form, rank=Rank.FINAL, patient=False)
    except SlackError as error:
        log.warning("form not opened", problem=str(error))
        return PERHAPS if error.lost else NOT_OPENED
    except TimeoutError:
        log.warning("form not opened", problem="Slack is slow")
        return PERHAPS
    return ""


def _code(action: Mapping[str, Any]) -> str:
    """What a button, or the option that was chosen in a menu, carries."""
    return str(action.get("value") or (action.get("selected_option") or {}).get("value") or "")
