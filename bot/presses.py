"""What pressing a button does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Run
from bot.clock import Clock
from bot.delivery import JUDGEMENTS
from bot.errors import NotFound
from bot.ports import Form, Press
from bot.replies import Replies
from bot.stopping import NOT_YOURS, STOPPED, Stopping
from bot.store import feedback, inbox, runs
from bot.store.database import Database
from bot.store.inbox import Asked

UNKNOWN = "I do not know that answer any more."
FINISHED = "That answer is finished already."
THANKS = "Thank you for telling me."


@dataclass(frozen=True, slots=True)
class Presses:
    database: Database
    stopping: Stopping
    replies: Replies
    why: Callable[[Run], Awaitable[str]]
    """Tells how a run came to its answer."""
    clock: Clock

    async def press(self, press: Press) -> str | Form:
        """Do what the button says and return the sentence for the person, or the form for them to fill in.

        Raises `StoreError`.
        """
        found = await self.database.read(lambda c: _found(c, press))
        if found is None:
            return UNKNOWN
        try:
            return await self._do(press, *found)
        except NotFound:  # forgotten in this moment
            return UNKNOWN

    async def _do(self, press: Press, run: Run, asked: Asked) -> str | Form:
        match press.button.verb:
            case "stop":
                return await self._stop(press, run)
            case "feedback":
                return await self._feedback(press, run)
            case "why":
                return await self.why(run)
            case "answer" | "write":
                return await self.replies.answer(press, run, asked)
            case "approve" | "deny":
                return await self.replies.decide(press, run, asked)

    async def _stop(self, press: Press, run: Run) -> str:
        if run.is_terminal:
            return FINISHED
        match await self.stopping.stop(press, run.id):
            case "stopped":
                return STOPPED
            case "not yours":
                return NOT_YOURS
            case "over":
                return FINISHED

    async def _feedback(self, press: Press, run: Run) -> str:
        value = press.button.argument
        if run.status != "completed" or value not in JUDGEMENTS:  # no button of ours says so
            return UNKNOWN
        now = self.clock.now()
        await self.database.write(lambda tx: feedback.keep(tx, run.id, press.author, value, now))
        return THANKS


async def _found(connection: AsyncConnection, press: Press) -> tuple[Run, Asked] | None:
    """The run of the button and where it was asked for; None where that is another platform or workspace."""
    asked = await inbox.asked(connection, press.button.run_id)
    here = press.conversation
    if asked is None or (asked.conversation.platform, asked.conversation.workspace) != (here.platform, here.workspace):
        return None
    try:
        return await runs.get(connection, press.button.run_id), asked
    except NotFound:
        return None
