"""What becomes of a message, and of the answer in the making, when its author changes or deletes it.

A run of ours that answers the message is paused for that: it cannot end meanwhile, and goes on with what is stored
then. A run of another process is told of a deletion by its status, and goes on in spite of an edit: its answer is to
the old text, so the old text stays in the conversation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.lifecycle import move
from bot.assistants.types import well_formed
from bot.clock import Clock
from bot.handler import Handler
from bot.ports import Conversation
from bot.store import corrections, runs
from bot.store.corrections import Unanswered
from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class Corrections:
    database: Database
    handler: Handler
    clock: Clock

    async def amend(self, conversation: Conversation, key: str, text: str) -> None:
        """Answer the new text, where the message is not answered yet, nor being answered by another process.

        Raises `StoreError`.
        """
        while (message := await self._unanswered(conversation, key)) and message.said != well_formed(text):
            if message.owner not in (None, self.handler.ownership.name):
                return
            async with self.handler.paused(message.run_id):
                if await self._unless_it_went_on(conversation, key, message, self._amending(text)):
                    return

    async def withdraw(self, conversation: Conversation, key: str) -> None:
        """Answer without the message, or not at all, where it is not answered yet. Raises `StoreError`."""
        while message := await self._unanswered(conversation, key):
            async with self.handler.paused(message.run_id):
                done = await self._unless_it_went_on(conversation, key, message, self._withdraw)
            if done:
                if message.run_id is not None:
                    await self.handler.resume(message.run_id)  # where no task drives it
                return

    async def _unanswered(self, conversation: Conversation, key: str) -> Unanswered | None:
        return await self.database.read(lambda c: corrections.unanswered(c, conversation, key))

    async def _unless_it_went_on(
        self,
        conversation: Conversation,
        key: str,
        message: Unanswered,
        change: Callable[[AsyncConnection, Unanswered], Awaitable[None]],
    ) -> bool:
        """Make the change in one transaction; False where the message is no longer as it was looked up."""

        async def operation(tx: AsyncConnection) -> bool:
            if await corrections.unanswered(tx, conversation, key) != message:
                return False
            await change(tx, message)
            return True

        return await self.database.write(operation)

    def _amending(self, text: str) -> Callable[[AsyncConnection, Unanswered], Awaitable[None]]:
        return lambda tx, message: corrections.amend(tx, message, text)

    async def _withdraw(self, tx: AsyncConnection, message: Unanswered) -> None:
        last_of_run = await corrections.withdraw(tx, message)
        if last_of_run and message.run_id is not None:
            run = await runs.get(tx, message.run_id)
            if run.status != "cancelling":
                await runs.move(tx, move(run, "cancelling", self.clock.now()))
