"""Reads HTML in a process of its own: a page that takes too long is ended, and one that takes too much memory dies
alone. The process runs this very file, which therefore imports nothing at its top but the standard library.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from tools.html_markdown import Readable

SECONDS = 4.0
MEMORY = 1024 * 1024 * 1024
"""Bytes, where the system can limit them."""
AT_ONCE = 3
"""Processes of one Parley."""

_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def read(html: str, *, base: str = "", room: int, seconds: float = SECONDS) -> Readable | None:
    """Title and at most `room` characters of Markdown; None where the page cannot be read, or not in so many seconds.

    The seconds count from the call, and who waits for a place waits within them.
    """
    from tools.html_markdown import Readable

    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    try:
        async with asyncio.timeout(seconds), places:
            given = json.dumps({"base": base, "html": html}, ensure_ascii=False).encode("utf-8", "replace")
            said = await _asked(given, room, math.ceil(seconds))
    except (TimeoutError, OSError):
        return None
    return Readable(**json.loads(said)) if said else None


async def _asked(data: bytes, room: int, seconds: int) -> bytes:
    """What the process says; nothing where it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(Path(__file__)), str(room), str(seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate(data)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return said if process.returncode == 0 else b""


def main() -> None:
    """The process: the arguments of `readable` come in, the fields of its answer go out."""
    room, seconds = map(int, sys.argv[1:])
    _limit(seconds)
    sys.path.append(str(Path(__file__).parent.parent))  # where Parley is not installed
    from tools.html_markdown import readable

    page = readable(**json.loads(sys.stdin.buffer.read()))
    said = asdict(page) | {"text": page.text[:room], "cut": page.cut or len(page.text) > room}
    sys.stdout.write(json.dumps(said))


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


if __name__ == "__main__":
    main()
