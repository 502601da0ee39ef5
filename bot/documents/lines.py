"""Lines of a text, with what each of them is, and the passages that they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from bot.documents.passages import Counted, Cut, Passage, Piece, cut, pieces

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TABLE_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_MARKS = str.maketrans("", "", "*`")
_LONGEST_MARKUP = 2000
"""Characters of a line that is looked at for what it is; longer ones are text."""


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    level: int = 0
    """Of a heading, from 1."""
    title: str = ""
    """Of a heading, without its marks."""
    header: str = ""
    """What stands on top of the table that the line is a row of."""
    bound: bool = False
    """It is to stay with the line before it."""


def passages(lines: Iterable[Line], counted: Counted) -> Iterator[Passage]:
    """Of lines that are numbered from 1."""
    return cut(numbered(lines), counted)


def numbered(lines: Iterable[Line]) -> Iterator[Piece]:
    """The pieces of lines; of several blank ones in a row, one."""
    under: list[Line] = []
    blank = True
    for number, line in enumerate(lines, 1):
        if line.level:
            under = [*(one for one in under if one.level < line.level), line]
        headings = tuple(one.title for one in under)
        if line.text.strip():
            yield from pieces(f"{line.text.rstrip()}\n", number, _before(line, blank=blank), headings, line.header)
            blank = False
        elif not blank:
            yield Piece("\n", number, Cut.WORD, headings)
            blank = True


def plain(text: str) -> Iterator[Line]:
    """Of plain text and source code."""
    return (Line(line) for line in text.split("\n"))


def markdown(text: str) -> Iterator[Line]:
    """Of Markdown: headings, and tables with their header. Inside a fence all is text."""
    fence, header, top = "", "", 0
    lines = [*text.split("\n"), ""]
    for at, (line, following) in enumerate(pairwise(lines)):
        if header and "|" not in line:
            header = ""
        if fence or len(line) > _LONGEST_MARKUP:
            fence = "" if fence and _closes(line, fence) else fence
            yield Line(line)
        elif header:
            yield Line(line, header=header if at > top + 1 else "", bound=at <= top + 2)
        elif opened := _FENCE.match(line):
            fence = opened[1]
            yield Line(line)
        elif "|" in line and _is_rule(following):
            header, top = f"{line}\n{following}", at
            yield Line(line)
        else:
            yield _heading(line, following)


def _before(line: Line, *, blank: bool) -> Cut:
    """How good it is to cut before a line."""
    if line.level:
        return Cut.HEADING
    if line.bound:
        return Cut.WORD
    if not blank:
        return Cut.LINE
    return Cut.BLOCK if line.text[0].isspace() else Cut.PARAGRAPH


def _closes(line: str, fence: str) -> bool:
    found = _FENCE.match(line)
    return found is not None and found[1].startswith(fence) and not line[found.end() :].strip()


def _is_rule(line: str) -> bool:
    return "|" in line and len(line) <= _LONGEST_MARKUP and _TABLE_RULE.fullmatch(line.strip()) is not None


def _heading(line: str, following: str) -> Line:
    if found := _HEADING.fullmatch(line):
        return Line(line, len(found[1]), _title(found[2].rstrip(" \t").rstrip("#")))
    underlined = _UNDERLINE.fullmatch(following) if len(following) <= _LONGEST_MARKUP else None
    if underlined and line.strip() and line[:1] not in " \t>-*+|" and len(underlined[1]) > 1:
        return Line(line, 1 if "=" in underlined[1] else 2, _title(line))
    return Line(line)


def _title(text: str) -> str:
    return text.translate(_MARKS).strip() or text.strip()
