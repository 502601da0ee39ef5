"""The chores of a day: what is older than `RETENTION_DAYS` goes, and nothing is left in the files of what was removed.
Of months that are over it is no longer known who used what. Files of programs go when they expire.

The sweep looks what is due, ten seconds after the start and from then on: the start itself waits for no chores. What
there is to do is done in a task of its own, in small transactions, since it may take long. Passages of files that were
removed do not wait for the day to be over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.budgets import first_day
from bot.clock import Clock
from bot.errors import ParleyError
from bot.store import forgotten, library, retention, spending, traces, uploads, vector_stores
from bot.store.database import Database

DAY = 86_400.0

log = structlog.get_logger(__name__)


class Housekeeping:
    def __init__(self, database: Database, clock: Clock, retention_days: int | None) -> None:
        """`retention_days` is how long a conversation is kept after its last message; None: for ever."""
        self._database = database
        self._clock = clock
        self._days = retention_days
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Begin the chores where some are due. Raises `StoreError`."""
        if self._is_at_work():
            return
        now = self._clock.now()
        due = now >= self._due or self._database.has_traces
        something = not await self._database.read(library.is_cleared)
        if due:
            something = something or await self._database.read(lambda c: self._something(c, now))
            self._due = now + DAY
        if something:
            self._task = asyncio.create_task(self._work(due), name="housekeeping")

    async def done(self) -> None:
        """Wait until the chores that were begun are over."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _is_at_work(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _something(self, connection: AsyncConnection, now: float) -> bool:
        if await traces.marked(connection) or await forgotten.over(connection, now):
            return True
        if await spending.has_people(connection, first_day("month", now)):
            return True
        if await uploads.expired(connection, now):
            return True
        if (before := self._before(now)) is None:
            return False
        return await retention.old_record(connection, before) or bool(await retention.outlived(connection, before))

    def _before(self, now: float) -> float | None:
        return None if self._days is None else now - self._days * DAY

    async def _work(self, due: bool) -> None:
        try:
            if due:
                await self._chores(self._clock.now())
            else:
                await library.clear(self._database)
        except ParleyError as error:
            self._due = 0.0  # the next look begins again
            log.warning("the chores were not done", error=str(error))
        except Exception:  # whatever it is, it is to be tried again another day
            log.exception("the chores were not done")

    async def _chores(self, now: float) -> None:
        if await self._database.read(lambda c: forgotten.over(c, now)):
            await self._database.write(lambda tx: forgotten.drop(tx, now))
        month = first_day("month", now)
        if await self._database.read(lambda c: spending.has_people(c, month)):
            await self._database.write(lambda tx: spending.forget_people(tx, month))
        for tenant, file_id in await self._database.read(lambda c: uploads.expired(c, now)):
            await self._database.write(partial(vector_stores.remove_upload, tenant=tenant, file_id=file_id))
        if (before := self._before(now)) is not None:
            await self._outlived(before, now)
        await library.clear(self._database)
        if self._database.has_traces or await self._database.read(traces.marked):
            await self._database.wipe()

    async def _outlived(self, before: float, now: float) -> None:
        removed = 0
        old = await self._database.read(lambda c: retention.outlived(c, before))
        for start in range(0, len(old), retention.BATCH):
            removed += await self._remove(old[start : start + retention.BATCH], before, now)
        if await self._database.read(lambda c: retention.old_record(c, before)):
            await self._database.write(lambda tx: retention.remove_record(tx, before))
        if removed:
            log.info("old conversations removed", threads=removed)

    async def _remove(self, some: Sequence[str], before: float, now: float) -> int:
        return await self._database.write(lambda tx: retention.remove(tx, some, before, now))
