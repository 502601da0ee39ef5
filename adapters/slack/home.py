"""The Home tab: what it shows one person, and what that person does there.

What is pressed there is a command like one that is typed, and the core says whether the person may: what the tab shows
may be long out of date. The answer is shown on top of the tab as it is then.
https://docs.slack.dev/surfaces/app-home, https://docs.slack.dev/reference/methods/views.publish
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from adapters.pace import Rank
from adapters.remembered import Recent
from adapters.slack import blocks, dashboard
from adapters.slack.calls import Calls, SlackError
from adapters.slack.dashboard import CHANGE
from adapters.slack.hearing import PLATFORM, Me
from adapters.slack.people import STRANGER, People, Person, is_admin
from adapters.slack.pressing import OPENED, opened
from adapters.slack.telling import FAILED, PATIENCE, Telling
from adapters.turns import Turns
from bot.assistants.types import Author, well_formed
from bot.errors import StoreError
from bot.ports import CommandRequest, Conversation, Intake, Overview

ADMINS_ONLY = "Only admins can change assistants here. Ask one of them."
ANOTHER = "Another assistant answers by now. Close this form and open it again."
MEANWHILE = "Somebody has changed this meanwhile. Close this form and open it again."
REMEMBERED = 500
"""Of how many forms it is known what they have saved."""

log = structlog.get_logger(__name__)


class Home:
    def __init__(
        self,
        intake: Intake,
        calls: Calls,
        me: Me,
        people: People,
        who: Callable[[str], Awaitable[Person | None]],
        telling: Telling,
        *,
        follow_threads: bool,
    ) -> None:
        """`who` tells of a person; None where Slack does not tell in time."""
        self._intake = intake
        self._calls = calls
        self._me = me
        self._people = people
        self._who = who
        self._telling = telling
        self._follow = follow_threads
        self._saved: Recent[str, dict[str, str]] = Recent(REMEMBERED)
        """What a form that stays open, since not all of it could be saved, has saved: a mark by field."""
        self._turns = Turns()
        """What a person is shown last is what was read last."""

    def show(self, user: str, notice: str = "") -> None:
        """Show the tab as it is now, beside the work."""
        self._telling.beside(self._show(user, notice), "show Home")

    async def press(self, body: Mapping[str, Any]) -> None:
        """A button or menu of the tab: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
        late = asyncio.get_running_loop().time() + OPENED
        user = body["user"]["id"]
        person = await self._who(user)
        for action in body["actions"]:
            if action["action_id"] != CHANGE:
                text = well_formed(dashboard.command(action))  # none of a button that an earlier version made
                self.show(user, await self._pressed(user, person, text) if text else "")
            elif problem := await self._open(user, person, body["trigger_id"], late):
                self.show(user, problem)

    async def submit(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        """The form was sent. Returns what is wrong by field: nothing after that one is saved then, and the form stays.

        The tab shows what has changed.
        """
        view, user = body["view"], body["user"]["id"]
        person = await self._who(user)
        told: list[str] = []
        problem = ""
        for field, value in dashboard.changes(view, self._saved.get(view["id"], {})):
            try:
                problem = await self._set(user, person, view, field, well_formed(value), told)
            except StoreError as error:
                log.warning("form not taken in", error=str(error))
                problem = FAILED
            if problem:
                break
        self.show(user, "\n".join(told))
        return {field: blocks.fitting(problem, dashboard.LONGEST)} if problem else {}

    async def _set(
        self, user: str, person: Person | None, view: Mapping[str, Any], field: str, value: str, told: list[str]
    ) -> str:
        """Set one field to a value, unless it has that already, and add to what is `told`; returns the sentence for why
        it has another one then. Raises `StoreError`."""
        assistant, was = dashboard.about(view)
        saved = self._saved.get(view["id"], {})
        text = f"assistant set {field} {value}"
        before = (await self._overview(user, person)).settings
        if before is None:
            return await self._carried_out(user, person, text)
        now = dashboard.value_of(before, field)
        if before.assistant != assistant:
            return ANOTHER
        if now == value:
            return ""
        if dashboard.mark(now) != (saved.get(field) or was.get(field)):
            return MEANWHILE
        sentence = await self._carried_out(user, person, text)
        after = (await self._overview(user, person)).settings
        if after is None or dashboard.value_of(after, field) == now:
            return sentence
        self._saved.put(view["id"], {**saved, field: dashboard.mark(dashboard.value_of(after, field))})
        told.append(sentence)
        return ""

    async def _open(self, user: str, person: Person | None, trigger: str, late: float) -> str:
        """Open the form by the moment `late` of the event loop's time; returns the sentence for why not."""
        try:
            overview = await self._overview(user, person)
        except StoreError as error:
            log.warning("press not taken in", error=str(error))
            return FAILED
        if overview.refused:
            return overview.help
        settings = overview.settings
        if settings is None or not settings.may_set:
            return ADMINS_ONLY if settings is None else dashboard.OWN
        return await opened(self._calls, trigger, dashboard.form(settings), late)

    async def _show(self, user: str, notice: str) -> None:
        try:
            async with self._turns.of(user, ""), asyncio.timeout(PATIENCE):
                overview = await self._seen(user, await self._who(user))
                mention = f"<@{self._me.user}>"
                view = dashboard.tab(overview, mention=mention, follow_threads=self._follow, notice=notice)
                shown = {"user_id": user, "view": view}
                await self._calls.call("views.publish", shown, rank=Rank.FINAL, sure=True)
        except (SlackError, TimeoutError) as error:
            log.warning("not shown", method="views.publish", problem=str(error) or "Slack is slow")

    async def _overview(self, user: str, person: Person | None) -> Overview:
        if refusal := self._refusal(person):
            return dashboard.refused(refusal)
        return await self._intake.overview(self._request(user, person, ""))

    async def _seen(self, user: str, person: Person | None) -> Overview:
        """What the tab shows; while the store fails, that it does."""
        try:
            return await self._overview(user, person)
        except StoreError as error:
            log.warning("nothing to show", error=str(error))
            return dashboard.refused(FAILED)

    async def _pressed(self, user: str, person: Person | None, text: str) -> str:
        try:
            return await self._carried_out(user, person, text)
        except StoreError as error:
            log.warning("press not taken in", error=str(error))
            return FAILED

    async def _carried_out(self, user: str, person: Person | None, text: str) -> str:
        return self._refusal(person) or (await self._intake.command(self._request(user, person, text))).text

    def _refusal(self, person: Person | None) -> str:
        return STRANGER if person is None else self._people.refusal(person)

    def _request(self, user: str, person: Person | None, text: str) -> CommandRequest:
        """The tab is of a whole workspace, and no channel's."""
        where = Conversation(PLATFORM, self._me.team, "", "")
        author = Author(user, person.name if person else user)
        return CommandRequest(where, author, text, platform_admin=is_admin(person))
