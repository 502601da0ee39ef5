"""Wrapping: lines as a terminal shows them, broken between words. It would break them anywhere itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prompt_toolkit.utils import get_cwidth

from adapters.text import Fence, opened_by

KEPT = re.compile(r"(?: {4}|\t| {0,3}\|)")
"""How code and the rows of a table begin."""
WORD = re.compile(r" *[^ ]+(?: *\Z)?")


class Wrapping:
    """Takes the whole lines of one text, one after the other."""

    def __init__(self) -> None:
        self._fence: Fence | None = None

    def wrapped(self, text: str, columns: int) -> str:
        """Code and tables are as they were, and no word is divided, so that all of it can be copied."""
        return "\n".join(self._line(line, columns) for line in text.split("\n"))

    def _line(self, line: str, columns: int) -> str:
        if self._fence and not self._fence.ends_before(line):
            self._fence = None if self._fence.closed_by(line) else self._fence
            return line
        self._fence = opened_by(line)
        return line if self._fence or KEPT.match(line) else "\n".join(rows(line, columns))


def rows(line: str, columns: int) -> Iterator[str]:
    """A line in rows of so many columns; a word that is wider has a row of its own."""
    row, used = "", 0
    for word in WORD.findall(line):
        wide = get_cwidth(word.rstrip(" "))
        if row and used + wide > columns:
            yield row
            row = word.lstrip(" ")
            used = get_cwidth(row)
        else:
            row, used = row + word, used + get_cwidth(word)
    yield row
