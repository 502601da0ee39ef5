"""What pressing a button does."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Run
from bot.clock import Clock
from bot.delivery import JUDGEMENTS
from bot.errors import NotFound
from bot.ports import Press
from bot.stopping import NOT_YOURS, STOPPED, Stopping
from bot.store import feedback, inbox, runs
from bot.store.database import Database

UNKNOWN = "I do not know that answer any more."
FINISHED = "That answer is finished already."
THANKS = "Thank you for telling me."


@dataclass(frozen=True, slots=True)
class Presses:
    database: Database
    stopping: Stopping
    clock: Clock

    async def press(self, press: Press) -> str:
        """Do what the button says and return the sentence for the person. Raises `StoreError`."""
        run = await self.database.read(lambda c: _run(c, press))
        if run is None:
            return UNKNOWN
        match press.button.verb:
            case "stop":
                return await self._stop(press, run)
            case "feedback":
                return await self._feedback(press, run)

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


async def _run(connection: AsyncConnection, press: Press) -> Run | None:
    """The run of the button; None where it is of another platform or workspace."""
    asked = await inbox.asked(connection, press.button.run_id)
    here = press.conversation
    if asked is None or (asked.conversation.platform, asked.conversation.workspace) != (here.platform, here.workspace):
        return None
    try:
        return await runs.get(connection, press.button.run_id)
    except NotFound:
        return None
