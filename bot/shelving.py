"""Shelving: the files that admins add in chat are read in the background, since a platform wants its answer at once.

Each is downloaded and read into the library, or fails with a sentence that lists tell. What is not read when Parley
ends is found by `bot.library.Library.recover`, at the next start or in the sweep of another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import structlog

from bot.again import again
from bot.assistants.types import JSON
from bot.backlog import Backlog
from bot.clock import Clock
from bot.documents.reading import LARGEST
from bot.errors import PlatformError
from bot.library import Library, Outcome
from bot.store.library import Stored

DOWNLOAD = 90.0
"""Seconds that a download may take, its attempts together."""
LONGEST_WAIT = 30.0
"""Seconds between two attempts, whatever the platform names."""

log = structlog.get_logger(__name__)


class Source(Protocol):
    """What is asked of an adapter here; see `bot.ports.Adapter`."""

    async def download(self, attachment: JSON, limit: int) -> bytes: ...


class Shelving(Backlog):
    def __init__(self, library: Library, clock: Clock) -> None:
        super().__init__(library)
        self._clock = clock
        self._sources: Mapping[str, Source] = {}

    def serve(self, sources: Mapping[str, Source]) -> None:
        """Download by these adapters, by their platform."""
        self._sources = sources

    def take(self, stored: Stored, attachment: JSON) -> None:
        """Read a file into its place, which is kept already."""
        self.begin(stored, partial(self._read, stored, attachment))

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
