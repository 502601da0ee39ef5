"""A document's passages, as the bounded process finds them: its answer is JSON, a passage a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from bot import pdf
from bot.decoding import clean, decoded
from bot.documents import archive, lines, rows, sheets, word
from bot.documents.passages import Passage, cut

MOST = 5_000
"""Passages of a document."""
_LONGEST_LINE = 2000
"""Characters of a line of JSON that people are still pointed to."""


class _Pages:
    """How many a PDF has, which is known before its passages are."""

    def __init__(self) -> None:
        self.count = 0


def answered(data: bytes, kind: str) -> str:
    """A line with the number of pages and the problem, then the fields of each passage."""
    found: list[Passage] = []
    pages = _Pages()
    try:
        found = list(islice(_passages(data, kind, pages), MOST + 1))
        problem = "long" if len(found) > MOST else "" if found else "scanned" if pages.count else "empty"
    except archive.Refused as refused:
        problem = str(refused)
    except MemoryError:
        problem = "failed"
    except Exception:  # whatever a hostile file brings about: this process is for nothing else
        problem = "damaged"
    return "\n".join([json.dumps([pages.count, problem]), *map(_line, [] if problem else found)])


def _line(passage: Passage) -> str:
    place = passage.place
    fields = (passage.text, place.counted, place.first, place.last, place.heading)
    return json.dumps([_well_formed(field) if isinstance(field, str) else field for field in fields])


def _well_formed(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _passages(data: bytes, kind: str, pages: _Pages) -> Iterator[Passage]:
    match kind:
        case "pdf":
            yield from _of_pdf(data, pages)
        case "package":
            yield from _of_package(data)
        case _:
            text = decoded(data)
            if text is None:
                raise archive.Refused("unknown")
            yield from _of_text(clean(text), kind)


def _of_text(text: str, kind: str) -> Iterator[Passage]:
    match kind:
        case "markdown":
            return lines.passages(lines.markdown(text), "lines")
        case "html":
            return lines.passages(lines.markdown(clean(_of_html(text))), "text")
        case "table":
            return _of_table(text)
        case "json":
            return _of_json(text)
        case _:
            return lines.passages(lines.plain(text), "lines")


def _of_html(text: str) -> str:
    from tools.html_markdown import readable

    page = readable(text)
    if page.cut:
        raise archive.Refused("long")
    return page.text if page.text.startswith("# ") or not page.title else f"# {page.title}\n\n{page.text}"


def _of_table(text: str) -> Iterator[Passage]:
    try:
        return iter(list(islice(rows.separated(text), MOST + 1)))
    except csv.Error:
        return lines.passages(lines.plain(text), "lines")


def _of_json(text: str) -> Iterator[Passage]:
    """As it is written, unless it has lines that nobody could find anything in: then as it would be written."""
    if max(map(len, text.split("\n"))) <= _LONGEST_LINE:
        return lines.passages(lines.plain(text), "lines")
    try:
        written = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        return lines.passages(lines.plain(text), "lines")
    return lines.passages(lines.plain(written), "text")


def _of_package(data: bytes) -> Iterator[Passage]:
    match archive.package(data):
        case "docx":
            yield from lines.passages((_cleaned(line) for line in word.lines(data)), "text")
        case "xlsx":
            yield from sheets.passages(data)
        case "other":
            raise archive.Refused("unknown")


def _cleaned(line: lines.Line) -> lines.Line:
    return lines.Line(clean(line.text), line.level, clean(line.title), clean(line.header), line.bound)


def _of_pdf(data: bytes, pages: _Pages) -> Iterator[Passage]:
    from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

    reader: Any = pdf.opened(data)
    if reader is None:
        raise archive.Refused("encrypted")
    pages.count = len(reader.pages)
    try:
        for number, page in enumerate(reader.pages, 1):
            text = clean(page.extract_text())
            on_it = (replace(piece, number=number) for piece in lines.numbered(lines.plain(text)))
            yield from cut(on_it, "page")
    except (DependencyError, FileNotDecryptedError, WrongPasswordError) as error:
        raise archive.Refused("encrypted") from error
