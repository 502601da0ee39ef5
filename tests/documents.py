"""Documents as people send them: the texts of the library, and what is made of some of them at test time."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import docx
import openpyxl
import pypdf
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

LIBRARY = Path(__file__).parent / "library"
LINES_A_PAGE = 40


class Question(NamedTuple):
    """What a person asks, the file that answers it, and words that the right passage contains."""

    question: str
    file: str
    phrase: str


QUESTIONS, FURTHER = "questions.json", "further-questions.json"
"""The labelled set, and one that was written when all was chosen with the former: nothing is to be chosen with it."""


def questions(name: str = QUESTIONS) -> list[Question]:
    return [Question(**one) for one in json.loads((LIBRARY / name).read_text("utf-8"))]


def library() -> dict[str, bytes]:
    """The files by their names."""
    files = sorted(path for path in LIBRARY.iterdir() if path.is_file() and path.name not in (QUESTIONS, FURTHER))
    return {path.name: path.read_bytes() for path in files}


@cache
def text(name: str) -> str:
    """A file of the library."""
    return (LIBRARY / name).read_text("utf-8")


def pdf(pages: Iterable[str], password: str = "") -> bytes:
    """A PDF with these lines on its pages, in Helvetica: characters of Latin-1 and the euro sign only."""
    writer = pypdf.PdfWriter()
    shape = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    font = writer._add_object(DictionaryObject({NameObject(key): NameObject(value) for key, value in shape.items()}))
    for lines in pages:
        page = writer.add_blank_page(595, 842)
        stream = DecodedStreamObject()
        stream.set_data(b"BT /F1 9 Tf 40 800 Td 14 TL " + b" ".join(map(_shown, lines.split("\n"))) + b" ET")
        page[NameObject("/Contents")] = writer._add_object(stream)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    return _written(writer.write)


def _shown(line: str) -> bytes:
    return b"(%b) Tj T*" % re.sub(rb"([()\\])", rb"\\\1", line.encode("cp1252", "replace"))


def paged(name: str) -> list[str]:
    """A file of the library, so many lines a page."""
    lines = text(name).split("\n")
    return ["\n".join(lines[at : at + LINES_A_PAGE]) for at in range(0, len(lines), LINES_A_PAGE)]


def word(markdown: str) -> bytes:
    """A DOCX of headings, paragraphs, list items and tables."""
    document = docx.Document()
    for block in markdown.strip().split("\n\n"):
        lines = block.split("\n")
        if heading := re.match(r"(#+) (.*)", block):
            document.add_heading(heading[2], len(heading[1]))
        elif block.startswith("|"):
            _add_table(document, [[cell.strip() for cell in line.strip("|").split("|")] for line in lines])
        elif block.startswith("- "):
            for item in re.split(r"\n?- ", block)[1:]:
                document.add_paragraph(" ".join(item.split()), style="List Bullet")
        else:
            document.add_paragraph(" ".join(lines))
    return _written(document.save)


def _add_table(document: Any, rows: list[list[str]]) -> None:
    del rows[1]
    table = document.add_table(len(rows), len(rows[0]))
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, said in zip(row.cells, cells, strict=True):
            cell.text = said


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    """An XLSX of these rows."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return _written(made.save)


def repacked(package: bytes, **parts: bytes) -> bytes:
    """The package with other contents for the parts whose names end so, without their suffix."""

    def write(made: io.BytesIO) -> None:
        with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                new.writestr(name, parts.get(Path(name).stem, old.read(name)))

    return _written(write)


def part(package: bytes, name: str) -> bytes:
    """What is packed under this name."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return archive.read(name)


def _written(write: Any) -> bytes:
    made = io.BytesIO()
    write(made)
    return made.getvalue()
