"""What a run may search: the files of its thread, of its channel and of its workspace, and of nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import citations
from bot.assistants.types import Run
from bot.errors import StoreError
from bot.library import Library
from bot.store import inbox, library
from bot.store.database import Database
from bot.store.library import Shelf, Stored
from tools.registry import ToolError
from tools.searching import FoundPassage, SearchAnswer

MOST = 8
"""Passages that one search returns: some 4,000 tokens."""
LISTED = 30
"""Names of files."""


@dataclass(frozen=True, slots=True)
class Searching:
    database: Database
    library: Library

    async def search(self, run: Run, query: str) -> SearchAnswer:
        """Raises `ToolError` where the store fails."""
        try:
            reach, files = await self.database.read(lambda c: _reach(c, run))
            if not any(file.status == "ready" for file in files):
                return SearchAnswer()
            hits = await self.library.search(reach, query, MOST)
        except StoreError:
            raise ToolError("The files could not be searched just now. Try again.") from None
        found = [FoundPassage(citations.mark(hit.seq), hit.document_id, hit.name, hit.place, hit.text) for hit in hits]
        return SearchAnswer(found, [file.name for file in files if file.status == "ready"][:LISTED])


async def _reach(connection: AsyncConnection, run: Run) -> tuple[Shelf, Sequence[Stored]]:
    asked = await inbox.asked(connection, run.id)
    where = asked.conversation if asked is not None else None
    reach = Shelf(
        where.platform if where else "", where.workspace if where else "", where.channel if where else "", run.thread_id
    )
    return reach, await library.in_reach(connection, reach)
