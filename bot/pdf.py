"""The text of a PDF, read in a process of its own: what takes too long is ended, and what takes too much memory dies
alone. The process runs this very file, which therefore imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SECONDS = 10.0
MEMORY = 1024 * 1024 * 1024
"""Bytes, where the system can limit them."""
_PLACES = asyncio.Semaphore(2)

Problem = Literal["", "encrypted", "damaged", "slow", "failed"]


@dataclass(frozen=True, slots=True)
class Pages:
    """The text of the first `read` pages of `pages`, each under a line with its number; empty where they have none."""

    text: str = ""
    pages: int = 0
    read: int = 0
    problem: Problem = ""


async def read(data: bytes, *, pages: int, room: int, seconds: float = SECONDS) -> Pages:
    """The text of at most `pages` pages, ending with the one that goes beyond `room` bytes of UTF-8."""
    try:
        async with _PLACES:
            return await _asked(data, pages, room, seconds)
    except OSError:
        return Pages(problem="failed")


async def _asked(data: bytes, pages: int, room: int, seconds: float) -> Pages:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(Path(__file__)), str(pages), str(room)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate(data)
    except TimeoutError:
        return Pages(problem="slow")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return Pages(**json.loads(said)) if process.returncode == 0 else Pages(problem="failed")


def main() -> None:
    """The process: a PDF comes in, the fields of `Pages` go out."""
    _limit_memory()
    pages, room = map(int, sys.argv[1:])
    sys.stdout.write(json.dumps(_extracted(sys.stdin.buffer.read(), pages, room)))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(OSError, ValueError):  # a lower limit holds already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _extracted(data: bytes, pages: int, room: int) -> dict[str, Any]:
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
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


if __name__ == "__main__":
    main()
