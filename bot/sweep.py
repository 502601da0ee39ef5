"""Finds what no event of this process can tell of, when it starts and every few seconds from then on.

Runs of owners that are gone and files that they were reading, runs of our own that no task drives (a failing disk, a
caller that was cancelled), stops and messages that came by way of another process, and waiting runs whose time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.engine import Engine
from bot.assistants.types import RunStatus
from bot.clock import Clock
from bot.errors import IllegalTransition, ParleyError
from bot.handler import Handler
from bot.housekeeping import Housekeeping
from bot.library import Library
from bot.ownership import RENEWAL, Ownership
from bot.store import inbox, runs
from bot.store.database import Database

INTERRUPTIONS = 20
"""How often a run is taken up again. One that brings the process down each time would do so for ever."""

WORN_OUT = f"I was interrupted {INTERRUPTIONS} times while I worked on this, so I gave up. Please try again."

log = structlog.get_logger(__name__)


class Sweep:
    def __init__(
        self,
        database: Database,
        engine: Engine,
        handler: Handler,
        ownership: Ownership,
        library: Library,
        housekeeping: Housekeeping,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._handler = handler
        self._ownership = ownership
        self._library = library
        self.housekeeping = housekeeping
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what earlier processes left, then keep watch. Raises `StoreError`."""
        await self.once(starting=True)
        self._task = asyncio.create_task(self._watch(), name="sweep")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.housekeeping.close()

    async def once(self, *, starting: bool = False) -> None:
        """At the start, nothing is in the making yet: what bears our own name is of an earlier self."""
        now, me = self._clock.now(), self._ownership.name
        ours, taken = await self._lease(now, starting=starting)
        for run_id in await self._database.read(lambda c: runs.worn_out(c, owner=me, interruptions=INTERRUPTIONS)):
            with suppress(IllegalTransition):
                await self._engine.fail(run_id, WORN_OUT)
        resting = [run_id for run_id, status in ours if status == "requires_action" and run_id not in taken]
        for run_id, status in ours:
            if status == "cancelling":
                await self._handler.let_go(run_id)
            elif status == "queued":
                self._handler.begin(run_id)
            elif run_id not in resting:
                await self._handler.resume(run_id)
        for run_id in await self._database.read(lambda c: runs.not_shown(c, owner=me)) if resting else ():
            await self._handler.resume(run_id)
        for run_id in await self._database.read(lambda c: runs.past_their_time(c, owner=me, now=now)):
            with suppress(IllegalTransition):  # an output came first
                await self._engine.expire(run_id)
            await self._handler.resume(run_id)
        for thread_id, conversation in await self._database.read(inbox.threads_waiting):
            if conversation.platform in self._handler.platforms:
                self._handler.expect(thread_id)

    async def _lease(self, now: float, *, starting: bool) -> tuple[Sequence[tuple[str, RunStatus]], Collection[str]]:
        """Renew what is ours and take what is nobody's; returns the runs that are ours then, and what was taken.

        A task should drive each of them; one that waits for someone outside rests, unless it was taken: its own tools
        were broken off just now. The files that those who are gone were reading are given up.
        """
        me, here, lease = self._ownership.name, self._handler.platforms, self._ownership.lease(now)

        with self._ownership.others() as seen:
            others = replace(seen, gone=seen.gone | {me}) if starting else seen

            async def operation(tx: AsyncConnection) -> tuple[Sequence[tuple[str, RunStatus]], Collection[str]]:
                taken = await runs.take_over(tx, owner=me, others=others, platforms=here, now=now, lease_until=lease)
                return await runs.renew_lease(tx, owner=me, platforms=here, lease_until=lease), taken

            runs_of_ours = await self._database.write(operation)
            await self._library.recover(others.gone)
            return runs_of_ours

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(RENEWAL)
            try:
                await self.once()
                await self.housekeeping.look()
            except ParleyError as error:
                log.warning("sweep failed", error=str(error))
            except Exception:  # whatever it is, leases have to be renewed the next time
                log.exception("sweep failed")
