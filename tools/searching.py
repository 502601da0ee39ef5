"""What a search of files comes to, as tools see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """`mark` is how an answer cites it; `place` is a page, lines or rows in words; `document` is the file's id."""

    mark: str
    document: str
    file: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    passages: Sequence[FoundPassage] = ()
    """Those that fit best, the best first."""
    files: Sequence[str] = ()
    """The names of the files that were searched."""


Search = Callable[[str], Awaitable[SearchAnswer]]
