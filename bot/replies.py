"""Replies: what people say to what a run asks them. An answer counts once, and only of whom it is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import asking
from bot.asking import Place
from bot.assistants.engine import Engine
from bot.assistants.journal import Change
from bot.assistants.types import Run, ToolCall, well_formed
from bot.buttons import Button
from bot.commands.rights import Rights
from bot.errors import BadToolOutputs, IllegalTransition
from bot.handler import Handler
from bot.ports import Form, Press
from bot.store import journal, runs
from bot.store.inbox import Asked
from bot.toolbox import approvers
from bot.view import one_line

OVER = "That question is over."
ANSWERED = "That was answered already."
DECIDED = "That was decided already."
NOT_YOURS = "Only the one who asked, or an admin, can decide this."
ADMINS_DECIDE = "Only an admin can decide this."
ASKER_DECIDES = "Only the one who asked can decide this."
NOTHING_WRITTEN = "There was nothing written. Please try again."
LONGEST = 2_000
"""Characters of an answer in words."""


@dataclass(frozen=True, slots=True)
class Replies:
    engine: Engine
    handler: Handler
    rights: Rights

    async def answer(self, press: Press, run: Run, asked: Asked) -> str | Form:
        """A press on one of a quiz's answers, or on the way to its form. Raises `StoreError`."""
        place = Place.read(press.button.argument)
        call = asking.waiting_call(run, place) if place else None
        if call is None or place is None or call.asks != "answers":
            return ANSWERED if run.status == "requires_action" else OVER
        if press.author.id != asked.asker.id:
            return f"Only {asked.asker.name} is asked here."
        open_now = self.engine.toolbox.asking(call)
        if place.question != open_now.number:
            return ANSWERED
        question = open_now.question
        if press.button.verb == "write":
            if question.choices:  # no button of ours says so
                return OVER
            button = Button("answer", run.id, str(Place(place.call, place.question)))
            return Form(open_now.title or "Your answer", question.text, button, LONGEST)
        words = self._words(press, place, question.choices)
        if not words:
            return NOTHING_WRITTEN
        try:
            await self.engine.answer(run.id, call.id, place.question, words)
        except BadToolOutputs:
            return ANSWERED
        except IllegalTransition:  # stopped, or its time is over
            return OVER
        await self.handler.resume(run.id)
        return ""

    def _words(self, press: Press, place: Place, choices: Sequence[str]) -> str:
        if place.choice is None:
            return "" if choices else well_formed(press.text).strip()[:LONGEST]
        return choices[place.choice] if place.choice < len(choices) else ""

    async def decide(self, press: Press, run: Run, asked: Asked) -> str:
        """A press on Approve or Deny. Raises `StoreError`."""
        place = Place.read(press.button.argument)
        call = asking.waiting_call(run, place) if place else None
        if call is None or call.asks != "approval":
            return DECIDED if run.status == "requires_action" else OVER
        verb = press.button.verb
        if not self._may(press, run, asked, call):
            await self.rights.refuse(press, verb, call.name[:64])
            return {"admins": ADMINS_DECIDE, "asker": ASKER_DECIDES}.get(approvers(run, call.name), NOT_YOURS)

        async def operation(tx: AsyncConnection) -> None:
            now = await runs.get(tx, run.id)
            await journal.carry_out(tx, self._decision(press, now, call.id))
            await self.rights.record(tx, press, verb, call.name[:64])

        try:
            await self.rights.database.write(operation)
        except BadToolOutputs:
            return DECIDED
        except IllegalTransition:
            return OVER
        await self.handler.resume(run.id)
        return ""

    def _decision(self, press: Press, run: Run, call_id: str) -> Change:
        if press.button.verb == "approve":
            return self.engine.approval(run, call_id)
        by = one_line(press.author.name)
        told = json.dumps({"error": f"{by} denied this call. Do not make it again."}, ensure_ascii=False)
        return self.engine.denial(run, call_id, told)

    def _may(self, press: Press, run: Run, asked: Asked, call: ToolCall) -> bool:
        by, asker = approvers(run, call.name), press.author.id == asked.asker.id
        match by:
            case "asker":
                return asker
            case "admins":
                return self.rights.is_admin(press)
            case _:
                return asker or self.rights.is_admin(press)
