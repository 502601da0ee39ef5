"""What people say about the conversation they are in: begin anew, stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.commands.catalogue import Command
from bot.ports import CommandRequest, Conversation
from bot.stopping import NOT_YOURS, STOPPED, Stopping
from bot.store import runs, threads
from bot.store.database import Database

NOTHING_TO_RENEW = (
    "There is no conversation here to begin anew: each thread is one of its own. Ask me in a new thread instead."
)


@dataclass(frozen=True, slots=True)
class ConversationCommands:
    database: Database
    stopping: Stopping
    clock: Clock
    people_help: Sequence[str] = (
        "new — begin a fresh conversation here; the old one is kept",
        "stop — stop the answer that is being made here",
    )
    admin_help: Sequence[str] = ()

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"new": self._new, "stop": self._stop}

    async def _new(self, request: CommandRequest, _rest: str) -> str:
        async def operation(tx: AsyncConnection) -> str:
            thread_id = await threads.bound(tx, request.conversation)
            if thread_id is None and not request.conversation.thread:
                return NOTHING_TO_RENEW
            if thread_id and await runs.active_in(tx, thread_id):
                return "An answer is still being made here. Wait for it, or say “stop” first."
            await threads.rebind(tx, request.conversation, self.clock.now())
            return "A fresh conversation begins here. I no longer see what was said before."

        return await self.database.write(operation)

    async def _stop(self, request: CommandRequest, _rest: str) -> str:
        outcomes = [await self.stopping.stop(request, run_id) for run_id in await self._stoppable(request.conversation)]
        if count := outcomes.count("stopped"):
            return STOPPED if count == 1 else f"Stopped {count} answers."
        return NOT_YOURS if "not yours" in outcomes else "There is nothing to stop here."

    async def _stoppable(self, where: Conversation) -> Sequence[str]:
        """The run that is active in a conversation; said beside all of a channel's threads, those in all of them."""

        async def look(connection: AsyncConnection) -> Sequence[str]:
            thread_id = await threads.bound(connection, where)
            if thread_id is None:
                return [] if where.thread else await threads.in_channel(connection, where)
            run = await runs.active_in(connection, thread_id)
            return [run.id] if run else []

        return await self.database.read(look)
