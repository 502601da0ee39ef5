"""The backlog: files that have a place in the library already and are read in the background, a few at once.

What is not read when Parley ends is found by `bot.library.Library.recover` at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bot.errors import NotFound, StoreError
from bot.library import AT_ONCE, Library, Outcome
from bot.store.library import Stored

GRACE = 5.0
"""Seconds that files on their way get at shutdown."""

Read = Callable[[], Coroutine[Any, Any, Outcome]]
"""Fetches and reads a file. Raises `NotFound` where it was removed, `StoreError`."""

log = structlog.get_logger(__name__)


class Backlog:
    def __init__(self, library: Library) -> None:
        self._library = library
        self._places = asyncio.Semaphore(AT_ONCE)  # no more files than these are held at once
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def begin(self, stored: Stored, read: Read) -> None:
        """Read a file into its place."""
        task = asyncio.create_task(self._see_through(stored, read), name=f"read {stored.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def quiet(self) -> None:
        """Wait until no file is being read here."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self, grace: float = GRACE) -> None:
        """Let what is being read be read for `grace` seconds, and give up the rest. Nothing may begin any more."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _see_through(self, stored: Stored, read: Read) -> None:
        async with self._places:
            if self._closing:
                return
            try:
                outcome = await read()
                if outcome.same is not None and outcome.same.name == stored.name:
                    await self._library.remove([stored])  # the list tells of it already
                elif outcome.problem:
                    await self._library.fail(stored, outcome.problem)
            except NotFound:
                log.info("file removed while it was read", file_id=stored.id)
            except StoreError as error:
                log.warning("store failed a file", file_id=stored.id, error=str(error))
                await self._give_up(stored, "my database did not take it")
            except Exception:
                log.exception("file not read", file_id=stored.id)
                await self._give_up(stored, "something went wrong with it")

    async def _give_up(self, stored: Stored, why: str) -> None:
        try:
            await self._library.fail(stored, f"{stored.name} was not read: {why}. Please add it again.")
        except StoreError as error:
            log.warning("not told of a file; the next start tells of it", file_id=stored.id, error=str(error))
