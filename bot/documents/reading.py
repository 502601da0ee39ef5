"""A file that somebody gave to be searched, read into passages in a bounded process, or the reason why it was not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Literal

from bot import image_header
from bot.attachments import told
from bot.documents import extracting
from bot.documents.passages import Passage, Place
from bot.file_kinds import ending, expected, is_page
from tools import bounded

LARGEST = 20_000_000
"""Bytes of a file."""
SECONDS = 60.0
SMALL = 64_000
"""Bytes of a text that is read here, in some milliseconds: a process costs a tenth of a second."""
_PLAIN = {"text", "markdown", "table"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Word and Excel before 2007, and newer files with a password: https://learn.microsoft.com/openspecs/office_file_formats/ms-offcrypto/"""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKDOWN = {"md", "markdown", "mdx"}
_HTML = {"html", "htm", "xhtml"}
_TABLES = {"csv", "tsv"}
_JSON = {"json", "geojson", "ipynb"}

Kind = Literal["pdf", "package", "markdown", "html", "table", "json", "text"]
READABLE = "I can search PDF, Word (DOCX), Excel (XLSX), CSV, HTML, Markdown and other text files only"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's passages in its order; none where there is a `problem`, a sentence for the person."""

    passages: tuple[Passage, ...] = ()
    pages: int = 0
    """Of a PDF."""
    problem: str = ""


async def read(
    name: str, mime: str, data: bytes, *, seconds: float = SECONDS, places: asyncio.Semaphore | None = None
) -> Document:
    """What a file holds. Never raises for its content.

    `places` limits how many files are read at once; the `seconds` count from when there is a place.
    """
    name = told(name)
    kind = _kind(name, mime.partition(";")[0].strip().lower(), data)
    if kind in _PROBLEMS:
        return _unread(name, kind)
    if kind in _PLAIN and len(data) <= SMALL:
        return _read(name, (await asyncio.to_thread(extracting.answered, data, kind)).encode())
    found = await bounded.answer("bot.documents.extracting", data, {"kind": kind}, seconds=seconds, places=places)
    if found.trouble:
        return _unread(name, found.trouble)
    return await asyncio.to_thread(_read, name, found.said)


def _read(name: str, said: bytes) -> Document:
    pages, problem, passages = _heard(said)
    return _unread(name, problem, pages) if problem else Document(passages, pages)


def _heard(said: bytes) -> tuple[int, str, tuple[Passage, ...]]:
    first, *rest = said.split(b"\n")
    pages, problem = json.loads(first)
    return pages, problem, tuple(_passage(*json.loads(line)) for line in rest)


def _passage(text: str, *place: object) -> Passage:
    return Passage(text, Place(*place))  # type: ignore[arg-type]


def _kind(name: str, mime: str, data: bytes) -> str:
    """How the file is to be read, or the problem's name."""
    wanted, end = expected(name, mime), ending(name)
    if len(data) > LARGEST:
        return "large"
    if data.startswith(b"%PDF-") or (wanted == "pdf" and b"%PDF-" in data[:1024]):
        return "pdf"
    if data.startswith(_OLE):
        return "encrypted" if _ENCRYPTED in data else "old" if end in ("doc", "xls") else "unknown"
    if data.startswith(b"PK\3\4"):
        return "package"
    if image_header.mime(data):
        return "image"
    if is_page(name, mime, data):
        return "page"
    if wanted in ("pdf", "image", "office"):
        return "damaged" if data else "empty"
    return _text_kind(end, mime) if wanted in ("text", "unknown") else "unknown"


def _text_kind(end: str, mime: str) -> Kind:
    if end in _MARKDOWN or mime == "text/markdown":
        return "markdown"
    if end in _HTML or mime in ("text/html", "application/xhtml+xml"):
        return "html"
    if end in _TABLES or mime in ("text/csv", "text/tab-separated-values"):
        return "table"
    return "json" if end in _JSON or mime == "application/json" else "text"


def _unread(name: str, problem: str, pages: int = 0) -> Document:
    return Document(pages=pages, problem=f"{name} was not read: {_PROBLEMS[problem]}.")


_PROBLEMS = {
    "large": f"it is larger than {LARGEST // 1_000_000} MB",
    "unpacked": "what is packed in it is too large",
    "long": f"it has more than {extracting.MOST:,} passages (some 4 MB of text). Please split it and send the parts",
    "encrypted": "it is protected by a password, or in another way",
    "old": "it is of an old Office format. Please save it as DOCX or XLSX",
    "image": "it is an image, in which I cannot search",
    "page": "a web page came in its place",
    "scanned": "its pages hold no text (they may be scanned)",
    "empty": "it holds no text",
    "damaged": "it is damaged, or not what its name says",
    "unknown": READABLE,
    "slow": "it takes too long",
    "failed": "it is damaged, or too large to work on",
    "stopped": "its reading was stopped, please send it again",
}


def trouble(problem: str) -> str:
    """The name of a problem, by the sentence that tells of it; empty for another sentence."""
    return next((name for name, why in _PROBLEMS.items() if problem.endswith(f" was not read: {why}.")), "")
