"""The text of a Word document (DOCX), in its order: headings, paragraphs, tables, and notes at the end.

What was deleted but is still tracked is not part of it; what was inserted is. Headers and footers are left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from bot.documents.lines import Line

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_NOTES = ("/footnotes", "/endnotes")
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_PARENTS = 10
"""Styles that a style is based on, one on the other."""


def lines(data: bytes) -> Iterator[Line]:
    """The paragraphs and the rows of tables, with blank lines between. Raises whatever a hostile file brings about."""
    import docx

    document: Any = docx.Document(io.BytesIO(data))
    levels = {style.style_id: _level(style) for style in document.styles}
    yield from _blocks(document.element.body, levels)
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(_NOTES):
            yield from _notes(relation.target_part.blob)


def _notes(blob: bytes) -> Iterator[Line]:
    from docx.oxml.parser import parse_xml

    for note in parse_xml(blob):
        if note.get(f"{_W}type") in (None, "normal"):
            yield from _blocks(note, {})


def _blocks(parent: Any, levels: dict[str, int]) -> Iterator[Line]:
    for child in parent:
        if child.tag == f"{_W}p":
            yield from _paragraph(child, levels)
        elif child.tag == f"{_W}tbl":
            yield from _table(child)
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins", f"{_W}moveTo"):
            yield from _blocks(child, levels)


def _paragraph(paragraph: Any, levels: dict[str, int]) -> Iterator[Line]:
    text = "".join(_texts(paragraph)).strip()
    if not text:
        return
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    level = levels.get(style.get(f"{_W}val"), 0) if style is not None else 0
    if level:
        title = " ".join(text.split())
        yield Line(f"{'#' * level} {title}", level, title)
    else:
        yield from (Line(part) for part in text.split("\n"))
    yield Line("")


def _table(table: Any) -> Iterator[Line]:
    """Its first row is taken for the header."""
    header = ""
    for at, row in enumerate(table.iter(f"{_W}tr")):
        cells = (" ".join("".join(_texts(cell)).split()) for cell in row.iterchildren(f"{_W}tc", f"{_W}sdt"))
        text = f"| {' | '.join(cells)} |"
        yield Line(text, header=header, bound=at == 1)
        header = header or text
    yield Line("")


def _texts(element: Any) -> Iterator[str]:
    """The text below an element, with a space after each paragraph. A table in a cell has rows of its own."""
    for child in element:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag in _BREAKS:
            yield _BREAKS[child.tag]
        elif child.tag not in (_FALLBACK, f"{_W}tbl", f"{_W}pPr", f"{_W}del", f"{_W}moveFrom"):
            yield from _texts(child)
            yield " " if child.tag == f"{_W}p" else ""


def _level(style: Any) -> int:
    """Of the headings of a style, by its own name or that of a style on which it is based; 0 for text."""
    for _ in range(_PARENTS):
        if style is None:
            break
        if found := _HEADING.fullmatch(style.name or ""):
            return int(found[1])
        if style.name == "Title":
            return 1
        style = getattr(style, "base_style", None)
    return 0
