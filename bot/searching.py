"""What a run may search: the files of its thread, of its channel and of its workspace, and of nobody else.

A run of a program searches the vector stores that its assistant and its thread name, and the files of the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import citations
from bot.assistants.types import Run
from bot.errors import StoreError
from bot.library import Library
from bot.ports import Conversation
from bot.store import inbox, library, vector_stores
from bot.store.database import Database
from bot.store.library import Reach, Shelf, Stored
from bot.store.vector_stores import VectorStore
from bot.tenants import PROGRAMS
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
        now = self.library.clock.now()
        try:
            reach, files, idle = await self.database.read(lambda c: _reach(c, run, now))
            if idle:
                await self.database.write(lambda tx: vector_stores.touch(tx, idle, now))
            if not any(file.status == "ready" for file in files):
                return SearchAnswer()
            hits = await self.library.search(reach, query, MOST)
        except StoreError:
            raise ToolError("The files could not be searched just now. Try again.") from None
        found = [FoundPassage(citations.mark(hit.seq), hit.document_id, hit.name, hit.place, hit.text) for hit in hits]
        return SearchAnswer(found, [file.name for file in files if file.status == "ready"][:LISTED])


async def _reach(connection: AsyncConnection, run: Run, now: float) -> tuple[Reach, Sequence[Stored], Sequence[str]]:
    """What is searched, the files there, and the vector stores of whose use is to be noted."""
    asked = await inbox.asked(connection, run.id)
    where = asked.conversation if asked is not None else Conversation("", "", "", "")
    stores: Sequence[VectorStore] = ()
    if where.platform == PROGRAMS:
        tenant, stores = await vector_stores.of_run(connection, run, now)
        reach = Reach(tenant.platform, tenant.workspace, tuple(one.id for one in stores), run.thread_id)
    else:
        reach = Reach.of(Shelf(where.platform, where.workspace, where.channel, run.thread_id))
    return reach, await library.in_reach(connection, reach), [one.id for one in stores if one.idle(now)]
