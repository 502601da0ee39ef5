"""Indexing: the files of vector stores are read in the background, since a program asks by itself how far they are.

What is not read when Parley ends is found by `bot.library.Library.recover`, as with the files that admins add.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.errors import NotFound, StoreError
from bot.library import AT_ONCE, Library
from bot.store import uploads
from bot.store.database import Database
from bot.store.library import Stored
from bot.tenants import Tenant

GRACE = 5.0
"""Seconds that files on their way get at shutdown."""

log = structlog.get_logger(__name__)


class Indexing:
    def __init__(self, library: Library, database: Database) -> None:
        self._library = library
        self._database = database
        self._places = asyncio.Semaphore(AT_ONCE)  # no more files than these are held at once
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def take(self, stored: Stored, file_id: str) -> None:
        """Read a file that a program brought into its place, which is kept already."""
        task = asyncio.create_task(self._see_through(stored, file_id), name=f"index {stored.id}")
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

    async def _see_through(self, stored: Stored, file_id: str) -> None:
        async with self._places:
            if self._closing:
                return
            try:
                if problem := await self._read(stored, file_id):
                    await self._library.fail(stored, problem)
            except NotFound:
                log.info("file removed before it was read", file_id=file_id)
            except StoreError as error:
                log.warning("store failed a file", file_id=file_id, error=str(error))
                await self._give_up(stored, "my database did not take it")
            except Exception:
                log.exception("file not read", file_id=file_id)
                await self._give_up(stored, "something went wrong with it")

    async def _read(self, stored: Stored, file_id: str) -> str:
        """Why the file cannot be found; empty where it can. Raises `NotFound` where it was removed, `StoreError`."""
        tenant = Tenant(stored.shelf.platform, stored.shelf.workspace)
        data = await self._database.read(lambda c: uploads.content(c, tenant, file_id))
        return (await self._library.read(stored, data, begun=True, twice=True)).problem

    async def _give_up(self, stored: Stored, why: str) -> None:
        try:
            await self._library.fail(stored, f"{stored.name} was not read: {why}. Please add it again.")
        except StoreError as error:
            log.warning("not told of a file; the next start tells of it", file_id=stored.id, error=str(error))
