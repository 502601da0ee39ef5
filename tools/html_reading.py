"""Reads HTML in a bounded process: a page may be made to take long, or much memory."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tools import bounded

if TYPE_CHECKING:
    from tools.html_markdown import Readable

SECONDS = 4.0
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
            found = await bounded.answer(__name__, given, {"room": room}, seconds=seconds)
    except TimeoutError:
        return None
    return None if found.trouble else Readable(**json.loads(found.said))


def answered(data: bytes, room: int) -> str:
    """What the process says: the fields of a `Readable`, of which the arguments of `readable` have come."""
    from tools.html_markdown import readable

    page = readable(**json.loads(data))
    return json.dumps(asdict(page) | {"text": page.text[:room], "cut": page.cut or len(page.text) > room})
