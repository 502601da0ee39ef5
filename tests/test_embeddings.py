"""Search by meaning: vectors from the models' server, kept with the passages and fused with the words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.clock import SystemClock
from bot.library import BATCH, Library
from bot.models.connect import Endpoint, connect_embedder
from bot.models.embeddings import Embedder
from bot.store import library as stored
from bot.store.database import Database
from bot.store.library import Hit, Shelf
from tests.files import ready
from tests.hasty_clock import HastyClock
from tests.simulators.openai import OpenAISimulator
from tests.simulators.openai.rules import RefusedError
from tests.simulators.serve import serve

SHELF = Shelf("room", "T1", "C1")
MEANINGS = {"lodging": 0, "hotel": 0, "pay": 1, "salary": 1}


def meaning(text: str) -> Sequence[float]:
    """Two things that can be meant, each in several words."""
    vector = [0.0, 0.0, 0.01]
    for word, about in MEANINGS.items():
        vector[about] += text.lower().count(word)
    return vector


TOO_MANY = RefusedError("Too many.", code="rate_limit_exceeded", status=429, expected=True)
LONG = "\n\n".join(f"Paragraph {number}. " + "Some words of it. " * 70 for number in range(3 * BATCH))


def fails_at(desk: Desk, *requests: int) -> Callable[[str], Sequence[float]]:
    """Meanings, but at the requests of these numbers (from 1 on) a refusal."""

    def refuses(text: str) -> Sequence[float]:
        if len(desk.simulator.embedded) in requests:
            raise TOO_MANY
        return meaning(text)

    return refuses


async def without_vectors(desk: Desk) -> int:
    count = text("SELECT count(*) FROM passages WHERE vector IS NULL")
    return int((await desk.database.read(lambda c: c.execute(count))).scalar_one())


@dataclass(slots=True)
class Desk:
    simulator: OpenAISimulator
    database: Database
    embedder: Embedder
    library: Library

    async def keeps(self, name: str, said: str, shelf: Shelf = SHELF) -> str:
        """The problem, where there is one."""
        placed = self.library.place(shelf, name, "text/plain", len(said), "U1")
        return (await self.library.read(placed, said.encode(), begun=False)).problem

    async def finds(self, query: str, shelf: Shelf = SHELF) -> list[str]:
        hits: Sequence[Hit] = await self.library.search(shelf, query, 5)
        return [hit.name for hit in hits]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    simulator = OpenAISimulator(key="sk-test", meaning=meaning)
    async with serve(simulator.app) as url:
        embedder = connect_embedder(Endpoint(api_key="sk-test", base_url=f"{url}/v1"), "text-embedding-test")
        database = await Database.open(ready(tmp_path / "p.db"))
        try:
            yield Desk(simulator, database, embedder, Library(database, "test", HastyClock(), embedder))
        finally:
            await database.close()
            await embedder.close()


async def test_what_means_the_same_is_found_without_a_word_in_common(desk: Desk) -> None:
    assert await desk.keeps("travel.txt", "Lodging is refunded.") == ""
    assert await desk.keeps("money.txt", "Salary comes on the last day.") == ""
    assert (await desk.finds("which hotel?"))[0] == "travel.txt"
    assert (await desk.finds("when is pay due"))[0] == "money.txt"


async def test_what_both_rankings_find_comes_first(desk: Desk) -> None:
    await desk.keeps("words.txt", "The hotel desk is made of wood.")
    await desk.keeps("meaning.txt", "Lodging, lodging, lodging.")
    assert await desk.finds("hotel desk") == ["words.txt", "meaning.txt"]


async def test_vectors_are_asked_for_in_few_requests(desk: Desk) -> None:
    assert await desk.keeps("long.txt", LONG) == ""
    sizes = [len(request.body["input"]) for request in desk.simulator.embedded]
    assert max(sizes) == BATCH
    assert len(sizes) == -(-sum(sizes) // BATCH)


async def test_others_vectors_are_not_compared(desk: Desk) -> None:
    await desk.keeps("secret.txt", "Lodging is secret.", Shelf("room", "T2"))
    assert await desk.finds("hotel") == []


async def test_where_no_vectors_can_be_had_files_are_kept_and_found_by_their_words(desk: Desk) -> None:
    await desk.keeps("travel.txt", "Lodging is refunded.")
    desk.simulator.unable = TOO_MANY
    assert await desk.keeps("more.txt", "More lodging.") == ""
    assert sorted(await desk.finds("lodging")) == ["more.txt", "travel.txt"]
    assert await desk.finds("hotel") == []


async def test_one_refusal_costs_a_file_no_vector(desk: Desk) -> None:
    desk.simulator.meaning = fails_at(desk, 2)
    assert await desk.keeps("travel.txt", "Lodging is refunded.\n\n" + LONG) == ""
    assert await desk.finds("hotel") != []
    assert await without_vectors(desk) == 0


async def test_passages_of_another_model_are_found_by_their_words_only(desk: Desk) -> None:
    await desk.keeps("travel.txt", "Lodging is refunded.")
    other = Library(desk.database, "test", SystemClock(), Embedder(desk.embedder.client, "text-embedding-other"))
    assert [hit.name for hit in await other.search(SHELF, "hotel", 5)] == []
    assert [hit.name for hit in await other.search(SHELF, "lodging", 5)] == ["travel.txt"]


async def test_where_vectors_fail_in_the_midst_of_a_file_words_find_the_rest(desk: Desk) -> None:
    desk.simulator.meaning = fails_at(desk, *range(2, 1000))
    assert await desk.keeps("long.txt", LONG) == ""
    passages = await desk.database.read(stored.count)
    assert await without_vectors(desk) == passages - BATCH
    assert len(desk.simulator.embedded) < 20  # after one batch no other is asked for
    assert await desk.finds("Paragraph") == ["long.txt"] * 5
