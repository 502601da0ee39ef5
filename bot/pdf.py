"""The text of a PDF, read in a process of its own: what takes too long is ended, and what takes too much memory dies
alone. The process runs this very file, which therefore imports nothing of ours.

What ends Parley (Ctrl-C, a service manager's signal to all of its processes) is not for that process: it goes when
Parley lets go of it, and what was read of a file does not depend on the moment.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SECONDS = 10.0
MEMORY = 1024 * 1024 * 1024
"""Bytes, where the system can limit them."""
AT_ONCE = 2
"""Processes of one Parley."""
ATTEMPTS = 3
"""To read a PDF, where the process is ended from outside."""
BEGUN = " "
"""What the process says first. Before that a signal may end it, with any exit code; JSON may begin so."""
_FROM_OUTSIDE = (-signal.SIGINT, -signal.SIGTERM)

Problem = Literal["", "encrypted", "damaged", "slow", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Pages:
    """The text of the first `read` pages of `pages`, each under a line with its number; empty where they have none."""

    text: str = ""
    pages: int = 0
    read: int = 0
    problem: Problem = ""


async def read(
    data: bytes, *, pages: int, room: int, seconds: float = SECONDS, places: asyncio.Semaphore | None = None
) -> Pages:
    """The text of at most `pages` pages, ending with the one that goes beyond `room` bytes of UTF-8.

    `places` limits how many are read at once; the `seconds` count from when there is one.
    """
    async with places or nullcontext():
        for _ in range(ATTEMPTS):
            try:
                found = await _asked(data, pages, room, seconds)
            except OSError:
                return Pages(problem="failed")
            if found.problem != "stopped":
                break
        return found


async def _asked(data: bytes, pages: int, room: int, seconds: float) -> Pages:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(Path(__file__)), str(pages), str(room), str(math.ceil(seconds))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
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
    if process.returncode == 0:
        return Pages(**json.loads(said))
    return Pages(problem=_problem(process.returncode, begun=bool(said)))


def _problem(code: int | None, *, begun: bool) -> Problem:
    """Why the process ended without an answer."""
    if code in _FROM_OUTSIDE or not begun:
        return "stopped"
    return "slow" if code == -getattr(signal, "SIGXCPU", 0) else "failed"


def main() -> None:
    """The process: a PDF comes in, the fields of `Pages` go out."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    sys.stdout.write(BEGUN)
    sys.stdout.flush()
    pages, room, seconds = map(int, sys.argv[1:])
    _limit(seconds)
    sys.stdout.write(json.dumps(_extracted(sys.stdin.buffer.read(), pages, room)))


def _limit(seconds: int) -> None:
    """So much memory and work, should nobody be left to end this process."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {resource.RLIMIT_AS: (MEMORY, MEMORY), resource.RLIMIT_CPU: (seconds, seconds + 1)}
    for limit, at in limits.items():
        with suppress(OSError, ValueError):  # a lower limit holds already
            resource.setrlimit(limit, at)


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
