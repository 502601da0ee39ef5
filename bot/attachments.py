"""What the model gets of the files that people attach, and what people are told about the rest.

Images as images; text, code, tables, logs and PDF as text, within limits. A platform's word about a file decides
whether it is downloaded; what it is, its content says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from bot import image_header, pdf
from bot.assistants.types import JSON, File, well_formed
from bot.decoding import clean, decoded
from bot.file_kinds import Kind, expected, is_page
from bot.view import one_line, unlinked

MOST = 5
"""Files of one message."""
LARGEST = 10_000_000
LARGEST_IMAGE = 8_000_000
"""Bytes of a file. As a data URL an image may have 20,971,520 characters, which is 15.7 MB:
https://platform.openai.com/docs/api-reference/responses/create (input, image_url)."""
LONGEST_SIDE, MOST_PIXELS = 16_000, 50_000_000
"""Of an image. Models scale down what is larger than some 2,000 pixels."""
LONGEST_TEXT, ALL_TEXT = 50_000, 100_000
"""Bytes of UTF-8, of one file and of all files that a run is asked about: about 14,000 and 29,000 tokens of the
window."""
LEAST_TEXT = 500
"""Where less room than this is left, what a file says is found by search only."""
PAGES = 50
"""Of a PDF."""
LONGEST_NAME = 80
"""Characters of a file's name that are shown."""
_LISTED = 20
"""Files of a message that are told of by name."""
READABLE = "I can read images, PDF, Word (DOCX), Excel (XLSX) and text files only."
CUT = "[cut here: the file goes on]"
SEARCHED = "[cut here: the file goes on; file_search looks through all of it]"
EMPTY = "(This file is empty.)"
IN_SEARCH = "(What this file says is found by file_search only.)"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done about an attachment: a download of at most `limit` bytes, or nothing where that is 0.

    `note` says why not, in a sentence for the person; several files may share one.
    """

    attachment: JSON
    name: str
    mime: str
    size: int
    limit: int = 0
    note: str = ""

    def unread(self, note: str = "") -> File:
        """The file as one that was not read, with a better reason where there is one."""
        return File(self.name, self.mime, self.size, note=note or self.note)

    def lost(self) -> File:
        """The file as one whose download failed."""
        return self.unread(f"{self.name} was not read: it could not be downloaded.")


def plan(attachments: Sequence[JSON]) -> list[Planned]:
    """For each file of a message, in order, whether to download it. Nothing that the platform says is relied upon."""
    plans = [_planned(attachment) for attachment in attachments]
    wanted = [at for at, planned in enumerate(plans) if planned.limit]
    beyond = wanted[MOST:]
    if beyond:
        names = _listed([plans[at].name for at in beyond])
        said = f"I read the first {MOST} files only; {names} {'were' if beyond[1:] else 'was'} left out."
        for at in beyond:
            one = plans[at]
            plans[at] = Planned(one.attachment, one.name, one.mime, one.size, note=said)
    unread = [at for at, planned in enumerate(plans) if not planned.limit]
    cut = set(unread[_LISTED:]) - set(beyond[:1])
    kept = [planned for at, planned in enumerate(plans) if at not in cut]
    return [*kept, *_rest(len(cut - set(beyond)))]


def _rest(count: int) -> list[Planned]:
    """One plan for so many files that nothing else tells of."""
    if not count:
        return []
    name = f"{count} more file{'s' if count > 1 else ''}"
    return [Planned({}, name, "", 0, note=f"{name} {'were' if count > 1 else 'was'} not read.")]


def told(name: object) -> str:
    """The name of a file as people and models see it: printable, one line, no address, not long, its ending kept."""
    shown = unlinked(one_line(well_formed(str(name or "")))) or "a file without a name"
    if len(shown) <= LONGEST_NAME:
        return shown
    ending = PurePosixPath(shown).suffix[:10]
    return f"{shown[: LONGEST_NAME - len(ending) - 1]}…{ending}"


def room_left(files: Sequence[File], room: int = ALL_TEXT) -> int:
    """Bytes of text that the messages of a run may bring beside these files, where they had `room` before."""
    return max(0, room - sum(len(file.text.encode()) for file in files))


async def read(
    name: str, mime: str, data: bytes, *, room: int = ALL_TEXT, places: asyncio.Semaphore | None = None
) -> File:
    """What the model gets of a file that was downloaded. Never raises for its content.

    `room` is in bytes of UTF-8; `places` limits how many PDFs are read at once.
    """
    name, wanted = told(name), expected(name, mime)
    actual = image_header.mime(data)
    if len(data) > (LARGEST_IMAGE if actual else LARGEST):
        return _unread(name, mime, data, _too_large(name, "image" if actual else wanted))
    if actual:
        return await asyncio.to_thread(_image, name, data)
    if data.startswith(b"%PDF-") or (wanted == "pdf" and b"%PDF-" in data[:1024]):
        return await _pdf(name, data, min(room, LONGEST_TEXT), places)
    if wanted == "office" and data:
        return File(name, mime, len(data), IN_SEARCH)
    if is_page(name, mime, data):
        return _unread(name, mime, data, f"{name} was not read: a web page came in its place.")
    if wanted in ("image", "pdf") and data:
        return _unread(name, mime, data, f"{name} was not read: it is damaged, or not {_called(wanted)}.")
    return await asyncio.to_thread(_text, name, mime, data, min(room, LONGEST_TEXT))


def _planned(attachment: JSON) -> Planned:
    mime, size = attachment.get("mime"), attachment.get("size")
    name = told(attachment.get("name"))
    mime = mime.partition(";")[0].strip().lower()[:100] if isinstance(mime, str) else ""
    size = size if isinstance(size, int) and size > 0 else 0
    kind = expected(name, mime)
    limit = LARGEST_IMAGE if kind == "image" else LARGEST
    if kind == "other":
        return Planned(attachment, name, mime, size, note=f"{name} was not read: {READABLE}")
    if kind == "other image":
        note = f"{name} was not read: of images I can look at PNG, JPEG, WebP and GIF only."
        return Planned(attachment, name, mime, size, note=note)
    if size > limit:
        return Planned(attachment, name, mime, size, note=_too_large(name, kind))
    return Planned(attachment, name, mime, size, limit)


def _too_large(name: str, kind: Kind) -> str:
    limit = LARGEST_IMAGE if kind == "image" else LARGEST
    return f"{name} was not read: it is larger than {limit // 1_000_000} MB."


def _called(kind: Kind) -> str:
    return "an image that I know" if kind == "image" else "a PDF"


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:MOST], f"{len(names) - MOST} more"] if len(names) > MOST + 1 else list(names)
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def _unread(name: str, mime: str, data: bytes, note: str) -> File:
    return File(name, mime, len(data), note=note)


def _image(name: str, data: bytes) -> File:
    header = image_header.header(data)
    mime = image_header.mime(data) or ""
    if header is None or not (header.width and header.height):
        return _unread(name, mime, data, f"{name} was not read: the image is damaged.")
    if header.moving:
        return _unread(name, mime, data, f"{name} was not read: I cannot look at moving images.")
    if max(header.width, header.height) > LONGEST_SIDE or header.width * header.height > MOST_PIXELS:
        said = f"{header.width} × {header.height} pixels are too many"
        return _unread(name, mime, data, f"{name} was not read: {said}.")
    return File(name, mime, len(data), data=data)


async def _pdf(name: str, data: bytes, room: int, places: asyncio.Semaphore | None) -> File:
    mime = "application/pdf"
    if room < LEAST_TEXT:
        return File(name, mime, len(data), IN_SEARCH)
    pages = await pdf.read(data, pages=PAGES, room=room, places=places)
    if pages.problem == "slow":  # there is more time for search
        return File(name, mime, len(data), IN_SEARCH)
    if pages.problem:
        return _unread(name, mime, data, f"{name} was not read: {_PDF_PROBLEMS[pages.problem]}.")
    text = clean(pages.text)
    if not text.strip():
        why = "its pages hold no text (they may be scanned)" if pages.pages else "it has no pages"
        return _unread(name, mime, data, f"{name} was not read: {why}.")
    kept = _within(text, room)
    if pages.read == pages.pages and kept == text:
        return File(name, mime, len(data), text)
    part = "the first" if kept == text else "the beginning, to page"
    note = f"{name} is long: I read only {part} {pages.read} of its {pages.pages} pages."
    return File(name, mime, len(data), f"{kept}\n[cut here: the file goes on, to page {pages.pages}]", note=note)


_PDF_PROBLEMS: dict[Literal["encrypted", "damaged", "failed", "stopped"], str] = {
    "encrypted": "it is protected by a password, or in another way",
    "damaged": "the PDF is damaged",
    "failed": "the PDF is damaged, or too large to work on",
    "stopped": "its reading was stopped, please send it again",
}


def _text(name: str, mime: str, data: bytes, room: int) -> File:
    text = decoded(data)
    if text is None:
        return _unread(name, mime, data, f"{name} was not read: {READABLE}")
    if not text.strip():
        return File(name, mime, len(data), EMPTY)
    if room < LEAST_TEXT:
        return File(name, mime, len(data), IN_SEARCH)
    kept = _within(text, room)
    if kept == text:
        return File(name, mime, len(data), clean(kept))
    note = f"{name} is long: I read only the first {len(kept):,} of its {len(text):,} characters."
    return File(name, mime, len(data), f"{clean(kept)}\n{SEARCHED}", note=note)


def unsearched(file: File, problem: str) -> File:
    """The file as one that search does not find, and `problem` says why."""
    if file.text == IN_SEARCH:
        return replace(file, text="", note=problem)
    said = problem.replace(f"{file.name} was not read", f"{file.name} cannot be searched", 1)
    note = "\n".join(filter(None, [file.note, said]))
    text = f"{file.text.removesuffix(SEARCHED)}{CUT}" if file.text.endswith(SEARCHED) else file.text
    return replace(file, text=text, note=note)


def _within(text: str, room: int) -> str:
    """The beginning that fits, up to the end of a line where one is near."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= room:
        return text
    kept = encoded[:room].decode("utf-8", "ignore")
    line = kept.rfind("\n")
    return kept[:line] if line > max(0, len(kept) - 1000) else kept
