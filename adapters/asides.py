"""Asides: what goes on beside the work, which nobody waits for. Whoever begins one need not keep it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

LEAVING = 0.5
"""Seconds that `close` leaves to what is still going on."""

log = structlog.get_logger(__name__)


class Asides:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give up, after `LEAVING`, what is not done."""
        await self._end(LEAVING)

    async def drop(self) -> None:
        """Give up what is not done."""
        await self._end(0.0)

    async def _end(self, patience: float) -> None:
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("not done", task=task.get_name(), exc_info=error)
