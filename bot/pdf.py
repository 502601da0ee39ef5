"""The text of a PDF that somebody attached, page by page, read in a bounded process."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tools import bounded

AT_ONCE = 2
"""Processes of one Parley that read files."""

Problem = Literal["", "encrypted", "damaged", "slow", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Pages:
    """The text of the first `read` pages of `pages`, each under a line with its number; empty where they have none."""

    text: str = ""
    pages: int = 0
    read: int = 0
    problem: Problem = ""


async def read(
    data: bytes, *, pages: int, room: int, seconds: float = bounded.SECONDS, places: asyncio.Semaphore | None = None
) -> Pages:
    """The text of at most `pages` pages, ending with the one that goes beyond `room` bytes of UTF-8.

    `places` limits how many are read at once; the `seconds` count from when there is one.
    """
    given = {"pages": pages, "room": room}
    found = await bounded.answer("bot.pdf", data, given, seconds=seconds, places=places)
    return Pages(problem=found.trouble) if found.trouble else Pages(**json.loads(found.said))


def answered(data: bytes, pages: int, room: int) -> str:
    """The fields of `Pages`: what the process says."""
    return json.dumps(_extracted(data, pages, room))


def opened(data: bytes) -> Any:
    """The reader of a PDF, or None for one that only its password opens. Raises for a hostile file."""
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        return None if reader.is_encrypted and not reader.decrypt("") else reader
    except (DependencyError, FileNotDecryptedError, WrongPasswordError):
        return None


def _extracted(data: bytes, pages: int, room: int) -> dict[str, Any]:
    from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

    try:
        reader = opened(data)
        if reader is None:
            return {"problem": "encrypted"}
        texts = list(_texts(reader, pages, room))
        marked = [f"[page {number}]\n{text}" for number, text in enumerate(texts, 1) if text]
        return {"text": "\n\n".join(marked), "pages": len(reader.pages), "read": len(texts)}
    except (DependencyError, FileNotDecryptedError, WrongPasswordError):
        return {"problem": "encrypted"}
    except Exception:  # whatever a hostile file brings about: this process is for nothing else
        return {"problem": "damaged"}


def _texts(reader: Any, pages: int, room: int) -> Iterator[str]:
    for page in reader.pages[:pages]:
        text = page.extract_text().strip()[: room + 1].encode("utf-8", "replace").decode()
        yield text
        room -= len(text.encode())
        if room <= 0:
            return
