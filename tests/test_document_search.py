"""How well passages are found by the words of a question, in the index that SQLite brings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from bot.documents.passages import Passage
from bot.documents.reading import read
from bot.store.words import match
from tests import documents


async def passages() -> list[tuple[str, Passage]]:
    """Those of the whole library, with the names of their files."""
    files = {name: await read(name, "", data) for name, data in documents.library().items()}
    return [(name, one) for name, document in files.items() for one in document.passages]


def ranks(of: list[tuple[str, Passage]], asked: str) -> Iterator[int]:
    """Of the right passage for each question; 0 where it is not among the first ten."""
    index = sqlite3.connect(":memory:")
    index.execute("CREATE VIRTUAL TABLE found USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')")
    index.executemany("INSERT INTO found(rowid, text) VALUES (?, ?)", enumerate(one.indexed(name) for name, one in of))
    for question, file, phrase in documents.questions(asked):
        rows = index.execute("SELECT rowid FROM found WHERE found MATCH ? ORDER BY rank LIMIT 10", [match(question)])
        right = (of[row][0] == file and phrase in " ".join(of[row][1].text.split()) for (row,) in rows)
        yield next((rank for rank, it_is in enumerate(right, 1) if it_is), 0)
    index.close()


@pytest.mark.parametrize(
    ("asked", "recall", "mean_reciprocal_rank"), [(documents.QUESTIONS, 0.8, 0.65), (documents.FURTHER, 0.75, 0.6)]
)
async def test_four_of_five_questions_find_their_passage_among_the_first_five(
    asked: str, recall: float, mean_reciprocal_rank: float
) -> None:
    found = list(ranks(await passages(), asked))
    assert len(found) == 50
    assert sum(0 < rank <= 5 for rank in found) / len(found) >= recall
    assert sum(1 / rank for rank in found if rank) / len(found) >= mean_reciprocal_rank
