"""Splits a question into its parts: each with what it asks for, where, and for how many days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.models.demo.days import horizon
from bot.models.demo.places import beside_weather, capitalised_places, find_places, lone_place, tokens
from bot.models.demo.topics import Subject, names_unit, subjects, without_topics
from bot.models.demo.words import FILLER, mask, unmask
from bot.models.port import FunctionTool

READ = 1000
"""Characters of a message that are read: a question is short, an attached file is not."""

_SEPARATOR = re.compile(
    r"(?P<end>[?!;\n]+|(?<!\b[A-Z])(?<!\bSt)(?<!\bMt)(?<!\bFt)\.+(?=\s|$))"
    r"|,?\s*\b(?:[aA]nd|AND|or|but|But|than|vs\.?|versus|compared (?:to|with)|then|plus|as well as)(?![\w'.-])"
    r"|(?<!,)\s+OR\b|\s&\s"
)
_THERE = re.compile(r"\bthere\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a question. `plain` says that it holds nothing but places, times and filler."""

    text: str
    sentence: int
    subjects: tuple[Subject, ...]
    places: tuple[str, ...]
    days: int | None
    plain: bool
    unit: bool
    there: bool
    anchored: bool
    """The places stand behind prepositions."""

    @property
    def says_something(self) -> bool:
        return bool(self.places or self.unit or self.there) or self.days is not None


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    sentence: int


def clauses(text: str, tools: Sequence[FunctionTool]) -> tuple[Clause, ...]:
    """The parts of `text` in order."""
    pieces = list(_pieces(mask(text[:READ])))
    wishes = [subjects(piece.text, tools) for piece in pieces]
    wishing = {piece.sentence for piece, wish in zip(pieces, wishes, strict=True) if wish}
    return tuple(
        _clause(piece, wish, piece.sentence in wishing, _is_listed(piece, after), tools)
        for piece, after, wish in zip(pieces, [*pieces[1:], None], wishes, strict=False)
    )


def _pieces(text: str) -> Iterator[_Piece]:
    """Each part that is not empty, with the number of its sentence."""
    cuts = [(found.start(), found.end(), bool(found["end"])) for found in _SEPARATOR.finditer(text)]
    sentence = 0
    for (_, start, ended), (stop, _, _) in pairwise([(0, 0, False), *cuts, (len(text), len(text), True)]):
        sentence += ended
        if piece := text[start:stop].strip(" ,\t\r"):
            yield _Piece(piece, sentence)


def _is_listed(piece: _Piece, after: _Piece | None) -> bool:
    """Whether a list goes on in the next part: `Oslo, Rome` before `and Paris`."""
    return after is not None and after.sentence == piece.sentence and bool(lone_place(after.text))


def _clause(
    piece: _Piece, wish: tuple[Subject, ...], wished: bool, listed: bool, tools: Sequence[FunctionTool]
) -> Clause:
    days, timeless = horizon(piece.text)
    rest = without_topics(timeless, tools)
    anchored = find_places(rest, listed=listed)
    lone = lone_place(piece.text, listed) if not wish and days is None else ()
    places = anchored or lone or (capitalised_places(rest, listed=listed) if wished else ())
    if wish and not places:
        places = beside_weather(piece.text, rest)
    return Clause(
        text=unmask(piece.text),
        sentence=piece.sentence,
        subjects=wish,
        places=places,
        days=days,
        plain=bool(lone) or _is_plain(rest, places),
        unit=names_unit(piece.text),
        there=bool(_THERE.search(piece.text)),
        anchored=bool(anchored),
    )


def _is_plain(rest: str, places: Sequence[str]) -> bool:
    known = {word.lower() for place in places for word in tokens(place)} | FILLER
    words = (word.lower() for word in tokens(rest) if word[0].isalnum())
    return all(word in known or word.removesuffix("'s") in known for word in words)
