"""Door: where all that a platform delivers comes in. It knows what is on its way in, so that it can be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

GRACE = 1.5
"""Seconds for what is being taken in when Parley leaves."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Leaving(Exception):
    """Parley takes nothing in any more: whoever comes next finds it."""


class Door:
    """Closed until `open`."""

    def __init__(self) -> None:
        self._open = False
        self._busy: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        """Take nothing in any more, and wait a little for what is being taken in. The rest is broken off."""
        self._open = False
        if await self._done():
            return
        log.warning("not taken in any more", number=len(self._busy))
        for limit in self._busy:
            limit.reschedule(asyncio.get_running_loop().time())
        if not await self._done():
            log.error("left while something was still being taken in", number=len(self._busy))

    async def take_in(self, work: Callable[[], Awaitable[T]]) -> T:
        """Raises `Leaving` where it is closed, or is closed before the work is done."""
        if not self._open:
            raise Leaving
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._busy.add(limit)
                self._idle.clear()
                return await work()
        except TimeoutError:
            if limit.expired():
                raise Leaving from None
            raise
        finally:
            self._busy.discard(limit)
            if not self._busy:
                self._idle.set()

    async def _done(self) -> bool:
        try:
            async with asyncio.timeout(GRACE):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
