"""The library: takes files in, so that they can be searched, and finds passages of them.

A file is read in a process of its own and kept in small transactions, so that nothing else waits for it; it is found
when all of it is there. Passages are ranked by their words (BM25) and, where there is a model for it, by what they
mean; both rankings are fused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import new_id
from bot.clock import Clock
from bot.documents import reading
from bot.documents.passages import Passage
from bot.models import retry
from bot.models.port import ModelError
from bot.store import library
from bot.store.database import Database
from bot.store.library import Hit, Kept, Reach, Shelf, Stored

BATCH = 64
"""Passages that are kept in one transaction, and made vectors of in one request."""
MOST_FILES = 500
"""Of one shelf."""
CANDIDATES = 50
"""Passages of each ranking that are fused."""
_K = 60
"""Of reciprocal rank fusion: how little a better place counts. https://doi.org/10.1145/1571941.1572114"""
AT_ONCE = 2
"""Files that are read at once."""

log = structlog.get_logger(__name__)


class Vectors(Protocol):
    """What makes vectors of texts: `bot.models.embeddings.Embedder`."""

    @property
    def model(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of reading a file. `problem` says why it is not found under its name, to who brought it."""

    problem: str = ""
    same: Stored | None = None
    """The file on the same shelf that has these very bytes."""


INTERRUPTED = "was not read: Parley ended meanwhile. Please add it again."


@dataclass(slots=True)
class Library:
    database: Database
    owner: str
    """This process, as `bot.ownership` names it."""
    clock: Clock
    vectors: Vectors | None = None
    progress: dict[str, float] = field(default_factory=dict)
    """How far the files are that are being read here, by their id: 0 to 1."""
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def place(self, shelf: Shelf, name: str, mime: str, size: int, person: str, message_id: str = "") -> Stored:
        """A place for a file; nothing is kept yet."""
        model = self.vectors.model if self.vectors else ""
        return Stored(
            new_id("file"), shelf, name, mime, size, self.clock.now(), person, message_id,
            reader=self.owner, embedded_by=model,
        )  # fmt: skip

    async def begin(self, stored: Stored) -> None:
        """Lists tell of the file from now on. Raises `StoreError`."""
        await self.database.write(lambda tx: library.begin(tx, stored))

    async def read(
        self,
        stored: Stored,
        data: bytes,
        *,
        begun: bool,
        twice: bool = False,
        tell: Callable[[float], None] | None = None,
    ) -> Outcome:
        """Read a file into its place, which `begin` has made or not: it is found on return, unless there is a problem.

        Where the shelf has the same bytes that is one, unless it may have them `twice`. `tell` hears how far it is
        (0 to 1). Raises `StoreError`, and `NotFound` where it was removed meanwhile; what
        was not `begun` leaves nothing then.
        """
        stored = replace(stored, digest=sha256(data).hexdigest())
        self.progress[stored.id], outcome, parts = 0.0, None, False
        try:
            document = await reading.read(stored.name, stored.mime, data, places=self._places)
            if document.problem:
                return Outcome(document.problem)
            parts = len(document.passages) > BATCH
            outcome = await self._keep(stored, document.passages, begun, twice, tell or (lambda _: None))
            return outcome
        finally:
            del self.progress[stored.id]
            if parts and not begun and (outcome is None or outcome.problem):
                await self.remove([stored])

    async def _keep(
        self, stored: Stored, passages: Sequence[Passage], begun: bool, twice: bool, tell: Callable[[float], None]
    ) -> Outcome:
        vectors = self.vectors
        for first in range(0, len(passages), BATCH):
            some = passages[first : first + BATCH]
            kept = await self._kept(stored.name, some, vectors)
            if not all(one.vector for one in kept):  # words find the rest of it, too
                vectors = None
            last = first + len(some) == len(passages)
            same = await self.database.write(
                partial(_put, stored=stored, first=first, kept=kept, begun=begun, last=last, twice=twice)
            )
            if same is not None:
                told = f", as {same.name}." if same.name != stored.name else "."
                return Outcome(f"{stored.name} is there already{told}", same)
            begun = True
            self.progress[stored.id] = (first + len(some)) / len(passages)
            tell(self.progress[stored.id])
        return Outcome()

    async def _kept(self, name: str, some: Sequence[Passage], vectors: Vectors | None) -> list[Kept]:
        """Without vectors where they cannot be had, though they were asked for more than once."""
        indexed = [one.indexed(name) for one in some]
        made: Sequence[bytes | None] = [None] * len(some)
        if vectors is not None:
            try:
                made = await retry.call(partial(vectors.embed, indexed), self.clock)
            except ModelError as error:
                log.warning("kept without vectors", error=error.detail)
        return [
            Kept(one.text, words, str(one.place), vector)
            for one, words, vector in zip(some, indexed, made, strict=True)
        ]

    async def fail(self, stored: Stored, problem: str) -> None:
        """Lists tell why it cannot be found. Raises `StoreError`."""
        await self.database.write(lambda tx: library.fail(tx, stored.id, problem))

    async def remove(self, stored: Sequence[Stored]) -> None:
        """Nobody finds them from now on; the next sweep clears away what is left. Raises `StoreError`."""
        await self.database.write(lambda tx: library.remove(tx, [one.id for one in stored]))

    async def recover(self, gone: Collection[str]) -> None:
        """What was being read when one of those processes ended that are `gone`: what came with messages is read again
        with these, of the rest lists tell. Raises `StoreError`."""
        left = await self.database.read(lambda c: library.read_by(c, gone)) if gone else []
        if of_threads := [one for one in left if one.shelf.thread_id]:
            await self.remove(of_threads)
        for one in left:
            if not one.shelf.thread_id:
                await self.fail(one, f"{one.name} {INTERRUPTED}")

    # -- searching ----------------------------------------------------------------------------------------------

    async def search(self, of: Shelf | Reach, query: str, most: int) -> Sequence[Hit]:
        """The passages in reach that fit best, the best first. Raises `StoreError`.

        In a thread what stands in several copies of a file is one of them.
        """
        by_words = await self.database.read(lambda c: library.by_words(c, of, query, CANDIDATES))
        if self.vectors is None:
            return _distinct(of, by_words)[:most]
        near = await self._near(of, query, self.vectors)
        ranks = fused([hit.seq for hit in by_words], near)
        known = {hit.seq: hit for hit in by_words}
        missing = [seq for seq in ranks if seq not in known]
        if missing:
            known |= {hit.seq: hit for hit in await self.database.read(lambda c: library.these(c, of, missing))}
        return _distinct(of, [known[seq] for seq in ranks if seq in known])[:most]

    async def _near(self, of: Shelf | Reach, query: str, vectors: Vectors) -> Sequence[int]:
        """The passages in reach that are nearest in meaning, the nearest first; none where nobody can tell now."""
        if not query.strip():
            return []
        try:
            (wanted,) = await vectors.embed([query])
        except ModelError as error:
            log.warning("searched by words only", error=error.detail)
            return []
        best: list[tuple[float, int]] = []
        for file in await self.database.read(lambda c: library.with_vectors(c, of, vectors.model)):
            some = await self.database.read(partial(library.vectors, document_id=file))
            best = await asyncio.to_thread(_nearest, best, some, wanted)
        return [seq for _, seq in best]


async def _put(
    tx: AsyncConnection, *, stored: Stored, first: int, kept: Sequence[Kept], begun: bool, last: bool, twice: bool
) -> Stored | None:
    """Keep the passages from number `first` on; nothing where the shelf has the same file, which is returned then,
    unless it may have it `twice`.

    It is looked for at the end once more: two copies may be read at once.
    """
    if not twice and (last or not first) and (same := await library.known(tx, stored)) is not None:
        return same
    if begun:
        await library.must_be_there(tx, stored.id)
    else:
        await library.begin(tx, replace(stored, status="ready", passages=len(kept)) if last else stored)
    await library.add(tx, stored, first, kept)
    if last and begun:
        await library.finish(tx, stored.id, first + len(kept), stored.digest)
    return None


def _distinct(of: Shelf | Reach, hits: Sequence[Hit]) -> Sequence[Hit]:
    """A thread has a copy of a file for each message that it came with; elsewhere files are who they are."""
    if of.thread_id is None:
        return hits
    first: dict[tuple[str, str, str], Hit] = {}
    for hit in hits:
        first.setdefault((hit.name, hit.place, hit.text), hit)
    return list(first.values())


def _nearest(
    best: Sequence[tuple[float, int]], some: Sequence[tuple[int, bytes]], wanted: bytes
) -> list[tuple[float, int]]:
    import numpy as np

    query = np.frombuffer(wanted, dtype=np.float32)
    fitting = [(seq, vector) for seq, vector in some if len(vector) == len(wanted)]
    if not fitting:
        return list(best)
    made = np.frombuffer(b"".join(vector for _, vector in fitting), dtype=np.float32).reshape(len(fitting), -1)
    found = zip((made @ query).tolist(), (seq for seq, _ in fitting), strict=True)
    return sorted([*best, *found], key=lambda one: (-one[0], one[1]))[:CANDIDATES]


def fused(*rankings: Sequence[int]) -> list[int]:
    """Reciprocal rank fusion: what is high in any ranking is high, and what is in several is higher."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, one in enumerate(ranking, 1):
            scores[one] = scores.get(one, 0.0) + 1 / (_K + place)
    return sorted(scores, key=lambda one: -scores[one])
