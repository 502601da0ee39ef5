"""`make bench-search`: how well and how fast files are searched.

Recall and mean reciprocal rank are those of the fifty questions over the documents that the tests ship, and of the
fifty further ones with which nothing was chosen, by words alone (BM25). The times are those of a shelf of so many
passages, made of sentences from these documents in a random order: a query's words stand in many of them. Vectors are
random ones of 512 numbers: what is measured is how long they take.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from rich.console import Console
from rich.table import Table

from bot.assistants.types import new_id
from bot.clock import SystemClock
from bot.library import BATCH, Library
from bot.store import library as stored
from bot.store.database import Database
from bot.store.library import Kept, Shelf
from tests.documents import FURTHER, QUESTIONS, library, questions

SIZES = (1_000, 10_000, 100_000)
A_FILE = 5_000
"""Passages of a file, at most."""
WIDTH = 512
SENTENCES = 10
"""Of a passage: about 1,200 characters."""
FOUND = 5


@dataclass(frozen=True, slots=True)
class Quality:
    recall: float
    rank: float
    passages: int


@dataclass(frozen=True, slots=True)
class Speed:
    passages: int
    kept: float
    """Passages a second."""
    by_words: float
    by_both: float
    """Median milliseconds of a query."""
    megabytes: float


class Noise:
    """Random vectors, in the form that a model's have."""

    model = "noise"

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        made = self._random.standard_normal((len(texts), WIDTH), dtype=np.float32)
        return [row.tobytes() for row in made / np.linalg.norm(made, axis=1, keepdims=True)]


async def quality(folder: Path, of: str) -> Quality:
    """What fifty questions find among the first five."""
    database = await Database.open(folder / f"{of}.db")
    try:
        keeper, shelf = Library(database, "bench", SystemClock()), Shelf("room", "T1")
        for name, data in library().items():
            outcome = await keeper.read(keeper.place(shelf, name, "", len(data), "U1"), data, begun=False)
            assert not outcome.problem, outcome.problem
        ranks = []
        for asked in questions(of):
            hits = await keeper.search(shelf, asked.question, FOUND)
            fitting = (
                n
                for n, hit in enumerate(hits, 1)
                if hit.name == asked.file and asked.phrase in " ".join(hit.text.split())
            )
            ranks.append(next(fitting, 0))
        found = [1 / rank for rank in ranks if rank]
        return Quality(len(found) / len(ranks), sum(found) / len(ranks), await database.read(stored.count))
    finally:
        await database.close()


async def speed(folder: Path, passages: int) -> Speed:
    path = folder / f"{passages}.db"
    database = await Database.open(path)
    try:
        keeper, shelf = Library(database, "bench", SystemClock(), Noise(passages)), Shelf("room", "T1")
        since = time.perf_counter()
        await _fill(keeper, shelf, passages)
        kept = passages / (time.perf_counter() - since)
        by_both = await _median(keeper, shelf)
        by_words = await _median(Library(database, "bench", SystemClock()), shelf)
        return Speed(passages, kept, by_words, by_both, path.stat().st_size / 1e6)
    finally:
        await database.close()


async def _fill(keeper: Library, shelf: Shelf, passages: int) -> None:
    """As `Library.read` keeps what it has read."""
    random, sentences = Random(passages), _sentences()
    for begin in range(0, passages, A_FILE):
        await _file(keeper, shelf, f"file {begin}.txt", min(A_FILE, passages - begin), random, sentences)


async def _file(
    keeper: Library, shelf: Shelf, name: str, passages: int, random: Random, sentences: Sequence[str]
) -> None:
    placed = keeper.place(shelf, name, "text/plain", 0, "U1")
    await keeper.begin(placed)
    for first in range(0, passages, BATCH):
        texts = [" ".join(random.choices(sentences, k=SENTENCES)) for _ in range(min(BATCH, passages - first))]
        vectors = await keeper.vectors.embed(texts) if keeper.vectors else []
        kept = [
            Kept(text, text, f"line {number}", vector)
            for number, (text, vector) in enumerate(zip(texts, vectors, strict=True), first)
        ]
        await keeper.database.write(partial(stored.add, stored=placed, first=first, kept=kept))
    await keeper.database.write(partial(stored.finish, document_id=placed.id, count=passages, digest=new_id("file")))


def _sentences() -> list[str]:
    text = " ".join(data.decode() for data in library().values())
    return [sentence.strip() for sentence in text.replace("\n", " ").split(". ") if 30 < len(sentence) < 300]


async def _median(keeper: Library, shelf: Shelf) -> float:
    times = []
    for asked in questions()[::5]:
        since = time.perf_counter()
        await keeper.search(shelf, asked.question, FOUND)
        times.append((time.perf_counter() - since) * 1000)
    return statistics.median(times)


async def measure(sizes: Sequence[int]) -> tuple[list[Quality], list[Speed]]:
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as made:
        folder = Path(made)
        return [await quality(folder, of) for of in (QUESTIONS, FURTHER)], [await speed(folder, size) for size in sizes]


def main() -> None:
    found, speeds = asyncio.run(measure(SIZES))
    for of, well in zip(("the fifty questions", "fifty further ones"), found, strict=True):
        said = f"recall@{FOUND} {well.recall:.2f}, MRR {well.rank:.2f} by words alone ({well.passages} passages)"
        sys.stdout.write(f"{of}: {said}\n")
    table = Table(title="Search", title_justify="left")
    for name in ("passages", "kept a second", "query by words, ms", "by words and meaning, ms", "file, MB"):
        table.add_column(name, justify="right")
    for one in speeds:
        row = (one.passages, one.kept, one.by_words, one.by_both, one.megabytes)
        table.add_row(*(f"{value:,.0f}" if value >= 10 else f"{value:.1f}" for value in row))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
