"""Indexing: the files of vector stores are read in the background, since a program asks by itself how far they are."""

from __future__ import annotations

from functools import partial

from bot.backlog import Backlog
from bot.library import Library, Outcome
from bot.store import uploads
from bot.store.database import Database
from bot.store.library import Stored
from bot.tenants import Tenant


class Indexing(Backlog):
    def __init__(self, library: Library, database: Database) -> None:
        super().__init__(library)
        self._database = database

    def take(self, stored: Stored, file_id: str) -> None:
        """Read a file that a program brought into its place, which is kept already."""
        self.begin(stored, partial(self._read, stored, file_id))

    async def _read(self, stored: Stored, file_id: str) -> Outcome:
        tenant = Tenant(stored.shelf.platform, stored.shelf.workspace)
        data = await self._database.read(lambda c: uploads.content(c, tenant, file_id))
        return await self._library.read(stored, data, begun=True, twice=True)
