"""Shelving: the files that admins add in chat are read in the background, since a platform wants its answer at once.

Each is downloaded and read into the library, or fails with a sentence that lists tell. What is not read when Parley
ends is found by `bot.library.Library.recover`, at the next start or in the sweep of another process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Protocol

import structlog

from bot.again import again
from bot.assistants.types import JSON
from bot.clock import Clock
from bot.documents.reading import LARGEST
from bot.errors import NotFound, PlatformError, StoreError
from bot.library import AT_ONCE, Library, Outcome
from bot.store.library import Stored

GRACE = 5.0
"""Seconds that files on their way get at shutdown."""
DOWNLOAD = 90.0
"""Seconds that a download may take, its attempts together."""
LONGEST_WAIT = 30.0
"""Seconds between two attempts, whatever the platform names."""

log = structlog.get_logger(__name__)


class Source(Protocol):
    """What is asked of an adapter here; see `bot.ports.Adapter`."""

    async def download(self, attachment: JSON, limit: int) -> bytes: ...


class Shelving:
    def __init__(self, library: Library, clock: Clock) -> None:
        self._library = library
        self._clock = clock
        self._sources: Mapping[str, Source] = {}
        self._places = asyncio.Semaphore(AT_ONCE)  # no more files than these are held at once
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def serve(self, sources: Mapping[str, Source]) -> None:
        """Download by these adapters, by their platform."""
        self._sources = sources

    def take(self, stored: Stored, attachment: JSON) -> None:
        """Read a file into its place, which is kept already."""
        task = asyncio.create_task(self._see_through(stored, attachment), name=f"shelve {stored.id}")
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

    async def _see_through(self, stored: Stored, attachment: JSON) -> None:
        async with self._places:
            if self._closing:
                return
            try:
                outcome = await self._read(stored, attachment)
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

    async def _read(self, stored: Stored, attachment: JSON) -> Outcome:
        """Raises `NotFound` where the file was removed, `StoreError`."""
        try:
            async with self._clock.until(self._clock.now() + DOWNLOAD):
                source = self._sources[stored.shelf.platform]
                data = await again(partial(source.download, attachment, LARGEST), self._clock, longest=LONGEST_WAIT)
        except (PlatformError, TimeoutError) as error:
            log.info("file not fetched", file_id=stored.id, error=repr(error))
            return Outcome(f"{stored.name} was not read: it could not be downloaded. Please add it again.")
        return await self._library.read(stored, data, begun=True)

    async def _give_up(self, stored: Stored, why: str) -> None:
        try:
            await self._library.fail(stored, f"{stored.name} was not read: {why}. Please add it again.")
        except StoreError as error:
            log.warning("not told of a file; the next start tells of it", file_id=stored.id, error=str(error))
