"""Rows of a table as passages: each row as lines of `column: value`, so that it can be understood alone."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from bot.documents.passages import Cut, Passage, Piece, cut, pieces

DELIMITERS = ",;\t|"
_SAMPLE = 65_536
"""Characters by which the delimiter is chosen."""
_SOUGHT = 10
"""Rows among which the header is."""
_LONGEST_NAME = 120
"""Characters of a column's name."""


def separated(text: str) -> Iterator[Passage]:
    """The passages of a CSV or TSV file. Raises `csv.Error`."""
    csv.field_size_limit(len(text) + 1)
    return passages(_read(text, _delimiter(text[:_SAMPLE])))


def passages(rows: Iterable[Sequence[str]], sheet: str = "") -> Iterator[Passage]:
    """Of rows that are numbered from 1; the header is looked for."""
    coming = iter(rows)
    first = list(islice(coming, _SOUGHT))
    return cut(_pieces(chain(first, coming), _header(first), sheet), "rows", overlap=0)


def _pieces(rows: Iterable[Sequence[str]], header: int, sheet: str) -> Iterator[Piece]:
    headings = (sheet,) if sheet else ()
    names: list[str] = []
    for number, row in enumerate(rows):
        if number == header:
            names = [" ".join(name.split())[:_LONGEST_NAME] for name in row]
        title = number <= header
        shown = [" | ".join(filter(None, map(str.strip, row)))] if title else list(_lines(row, names))
        lines = [line for line in shown if line]
        for at, line in enumerate(lines):
            end = "\n\n" if at + 1 == len(lines) else "\n"
            before = Cut.PARAGRAPH if at == 0 else Cut.LINE
            yield from pieces(line + end, number + 1, before, headings, lines[0] if at else "")


def _lines(row: Sequence[str], names: list[str]) -> Iterator[str]:
    for at, value in enumerate(row):
        if value := value.strip():
            name = names[at] if at < len(names) else ""
            yield f"{name or f'column {at + 1}'}: {value}"


def _header(rows: list[Sequence[str]]) -> int:
    """The first row with a name for each of several columns, or -1: a name is no number, and used once."""
    width = max((_width(row) for row in rows), default=0)
    for number, row in enumerate(rows):
        names = [name.strip() for name in row if name.strip()]
        if names and len(names) >= min(2, width) and _width(row) >= width / 2:
            fits = len(set(names)) == len(names) and not any(map(_is_number, names))
            return number if fits and len(rows) > number + 1 else -1
    return -1


def _width(row: Sequence[str]) -> int:
    return sum(1 for value in row if value.strip())


def _is_number(text: str) -> bool:
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))


def _delimiter(sample: str) -> str:
    """The one that gives most rows the same number of columns, more than one."""
    return max(DELIMITERS, key=lambda one: _agreement(sample, one))


def _agreement(sample: str, delimiter: str) -> tuple[float, int]:
    widths = Counter(len(row) for row in islice(_read(sample, delimiter), 200) if row)
    several = [(count, width) for width, count in widths.items() if width > 1]
    count, width = max(several, default=(0, 0))
    return count / max(widths.total(), 1), width


def _read(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text), delimiter=delimiter)
