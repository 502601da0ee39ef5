"""Reads HTML in a bounded process: a page may be made to take long, or much memory."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from tools import bounded

if TYPE_CHECKING:
    from tools.html_markdown import Readable

SECONDS = 4.0
WORK = 2.0
"""Seconds of the processor, which a page gets though others are in its way. The longest pages need half of that."""
PATIENCE = 6.0
"""Seconds that a page waits for its place, longer than one that holds it may."""
AT_ONCE = 3
"""Processes of one Parley, of which a run has one."""

SLOW = "The page could not be read in time. Try again later, or another page."
BUSY = "Too many pages are being read just now. Try again in a moment."

_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""By run: one that reads many pages takes no place from others."""


class Unread(Exception):
    """The page could not be read. Its text is a sentence."""


async def read(html: str, *, base: str = "", room: int, seconds: float = SECONDS, run: str = "") -> Readable:
    """Title and at most `room` characters of Markdown. Raises `Unread`, also where it takes more than the seconds.

    They count from when there is a place.
    """
    from tools.html_markdown import Readable

    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    turn = _turns.setdefault(run, asyncio.Lock())
    given = json.dumps({"base": base, "html": html}, ensure_ascii=False).encode("utf-8", "replace")
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(PATIENCE):
                await stack.enter_async_context(turn)
                await stack.enter_async_context(places)
        except TimeoutError:
            raise Unread(BUSY) from None
        try:
            async with asyncio.timeout(seconds):
                found = await bounded.answer(__name__, given, {"room": room}, seconds=seconds, work=WORK)
        except TimeoutError:
            raise Unread(SLOW) from None
    if found.trouble:
        raise Unread(SLOW)
    return Readable(**json.loads(found.said))


def answered(data: bytes, room: int) -> str:
    """What the process says: the fields of a `Readable`, of which the arguments of `readable` have come."""
    from tools.html_markdown import readable

    page = readable(**json.loads(data))
    return json.dumps(asdict(page) | {"text": page.text[:room], "cut": page.cut or len(page.text) > room})
