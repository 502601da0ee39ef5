"""Passages: pieces of a document that are found, read and cited on their own, and how a document is cut into them.

A passage has about `TARGET` characters. It is cut before a heading where that is possible, else between paragraphs,
lines, sentences, words, in that order; what follows begins with the end of what was before. Nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise, takewhile
from typing import Literal

TARGET, LEAST, MOST = 1200, 800, 1600
"""Characters of a passage: what is aimed at, and what all have but those where a document or a section ends."""
OVERLAP = 150
"""Characters, about: whole sentences or lines."""
LONGEST_PIECE = 400
"""Characters that are never cut."""
LONGEST_HEADER = 400
"""Characters of a table's header that each of its passages repeats."""
LONGEST_HEADING, LONGEST_PATH = 120, 400
BETWEEN = " › "
"""Headings of a path."""
_SENTENCE = re.compile(r"[.!?…]['\"”’)\]]*\s+|[。！？]\s*")

Counted = Literal["page", "lines", "rows", "text"]
"""Pages of a PDF, lines of a text file, rows of a sheet, lines of the text that a file was made into."""


class Cut(IntEnum):
    """How good a place is to cut at."""

    WORD = 0
    SENTENCE = 1
    LINE = 2
    BLOCK = 3
    """Indented, below a blank line."""
    PARAGRAPH = 4
    HEADING = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a document: numbers count from 1. `heading` is the path of headings, or the name of the sheet."""

    counted: Counted
    first: int
    last: int
    heading: str = ""

    def __str__(self) -> str:
        """As a citation says it: `page 3`, `section Refunds, lines 120–151`, `sheet Prices, rows 2–40`."""
        one = self.first == self.last
        numbers = f"{self.first}" if one else f"{self.first}–{self.last}"
        section = self.heading.rpartition(BETWEEN)[2]
        match self.counted:
            case "page":
                return f"page {numbers}" if one else f"pages {numbers}"
            case "rows":
                said = f"row {numbers}" if one else f"rows {numbers}"
                return f"sheet {self.heading}, {said}" if self.heading else said
            case "lines":
                said = f"line {numbers}" if one else f"lines {numbers}"
                return f"section {section}, {said}" if section else said
            case "text":
                return f"section {section}" if section else f"lines {numbers} of its text"


_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as it is shown and cited."""

    text: str
    place: Place

    def indexed(self, name: str) -> str:
        """What is searched: the text below the words of its file's name and the headings that it stands under."""
        words = " ".join(_WORD.findall(name.rpartition(".")[0] or name))
        return "\n".join(part for part in (words, self.place.heading, self.text) if part)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document that is not cut: its text with all that separates it from the next piece."""

    text: str
    number: int
    """Of the page, line or row."""
    before: Cut
    headings: tuple[str, ...] = ()
    header: str = ""
    """What a passage that begins with this piece has in front: the header of the table."""


def pieces(text: str, number: int, before: Cut, headings: tuple[str, ...] = (), header: str = "") -> Iterator[Piece]:
    """A line as pieces: in one, or where it is long by sentences, or by words."""
    header = header if len(header) <= LONGEST_HEADER else ""
    for part, cut in _parts(text, before):
        yield Piece(part, number, cut, headings, header)


def cut(of: Iterable[Piece], counted: Counted, *, target: int = TARGET, overlap: int = OVERLAP) -> Iterator[Passage]:
    """The passages of a document."""
    least, most = (target * size // TARGET for size in (LEAST, MOST))
    held: list[Piece] = []
    size, old = 0, 0
    for piece in of:
        while len(held) > old and (size + len(piece.text) > most or (piece.before is Cut.HEADING and size >= least)):
            at = _place_to_cut([*held, piece], old, target, least)
            yield from _passage(held[:at], old, counted)
            kept = _overlap(held[:at], [*held, piece][at], overlap)
            old, held = len(kept), [*kept, *held[at:]]
            size = sum(len(one.text) for one in held)
        held.append(piece)
        size += len(piece.text)
    yield from _passage(held, old, counted)


def path(headings: tuple[str, ...]) -> str:
    """The headings as a line that is not too long."""
    said = BETWEEN.join(_short(heading) for heading in headings)
    return said if len(said) <= LONGEST_PATH else _short(headings[-1])


def _place_to_cut(coming: list[Piece], old: int, target: int, least: int) -> int:
    """The number of pieces that the passage takes: more than the `old` ones that it shares with the one before."""
    best, size = (False, -1, 0, 0), 0
    for at, (piece, following) in enumerate(pairwise(coming), 1):
        size += len(piece.text)
        if at > old:
            best = max(best, (size >= least, int(following.before), -abs(size - target), at))
    return best[3]


def _overlap(before: list[Piece], following: Piece, overlap: int) -> list[Piece]:
    """The end of a passage with which the next one begins: nothing where a section ends."""
    at, size = len(before), 0
    while at > 1 and size < overlap and following.before is not Cut.HEADING:
        piece = before[at - 1]
        if size + len(piece.text) > 2 * overlap:
            break
        at -= 1
        size += len(piece.text)
    return before[at:]


def _passage(held: list[Piece], old: int, counted: Counted) -> Iterator[Passage]:
    new = [piece for piece in held[old:] if piece.text.strip()]
    if not new:
        return
    solid = [piece for piece in held if piece.text.strip()]
    text = "".join(piece.text for piece in held[held.index(solid[0]) :]).rstrip()
    if solid[0].header:
        text = f"{solid[0].header.rstrip()}\n{text}"
    place = Place(counted, solid[0].number, solid[-1].number, path(_shared(new)))
    yield Passage(text, place)


def _shared(held: list[Piece]) -> tuple[str, ...]:
    """The headings that all of it stands under, and where they differ those of its beginning and its end."""
    first, last, count = held[0].headings, held[-1].headings, len(held[0].headings)
    for piece in held:
        same = (one == other for one, other in zip(first, piece.headings, strict=False))
        count = min(count, sum(takewhile(bool, same)))
    if count < min(len(first), len(last)):
        return (*first[:count], f"{first[-1]} … {last[-1]}")
    return first[:count]


def _short(heading: str) -> str:
    said = " ".join(heading.replace(BETWEEN.strip(), " ").split())
    return said if len(said) <= LONGEST_HEADING else f"{said[: LONGEST_HEADING - 1]}…"


def _parts(text: str, before: Cut) -> Iterator[tuple[str, Cut]]:
    if len(text) <= LONGEST_PIECE:
        yield text, before
        return
    begin = 0
    for end in [*(found.end() for found in _SENTENCE.finditer(text)), len(text)]:
        if end > begin:
            yield from _words(text[begin:end], before)
            begin, before = end, Cut.SENTENCE


def _words(text: str, before: Cut) -> Iterator[tuple[str, Cut]]:
    begin = 0
    while len(text) - begin > LONGEST_PIECE:
        space = max(text.rfind(" ", begin, begin + LONGEST_PIECE), text.rfind("\t", begin, begin + LONGEST_PIECE))
        end = space + 1 if space > begin else begin + LONGEST_PIECE
        yield text[begin:end], before
        begin, before = end, Cut.WORD
    if begin < len(text):
        yield text[begin:], before
