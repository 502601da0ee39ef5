"""A clock that moves only when a test moves it. Sleepers and deadlines wait for `advance`, never for real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager


class HandClock:
    """Implements `bot.clock.Clock`. `sleeps` lists every wait asked for, in seconds, in order."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.sleeps: list[float] = []
        self._now = now
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._deadlines: dict[asyncio.Timeout, float] = {}
        self._fell_asleep = asyncio.Event()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        alarm = asyncio.get_running_loop().create_future()
        self._sleepers[alarm] = self._now + seconds
        self._fell_asleep.set()
        try:
            await alarm
        finally:
            self._sleepers.pop(alarm, None)

    def until(self, moment: float) -> AbstractAsyncContextManager[object]:
        return self._until(moment)

    def advance(self, seconds: float) -> None:
        """Move the time on. Whoever is due goes on the next time the event loop turns."""
        self._now += seconds
        for alarm, due in list(self._sleepers.items()):
            if due <= self._now:
                del self._sleepers[alarm]
                if not alarm.done():
                    alarm.set_result(None)
        for timeout, due in self._deadlines.items():
            if due <= self._now:
                _ring(timeout)

    def ring(self) -> None:
        """Every deadline fires now, as if the clock of the event loop were ahead of this one."""
        for timeout in self._deadlines:
            _ring(timeout)

    async def asleep(self, count: int = 1) -> float:
        """Wait until `count` tasks sleep at once; returns the seconds until the first of them is due."""
        while len(self._sleepers) < count:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()
        return min(self._sleepers.values()) - self._now

    @asynccontextmanager
    async def _until(self, moment: float) -> AsyncIterator[asyncio.Timeout]:
        async with asyncio.timeout(None) as timeout:
            self._deadlines[timeout] = moment
            if moment <= self._now:
                _ring(timeout)
            try:
                yield timeout
            finally:
                del self._deadlines[timeout]


def _ring(timeout: asyncio.Timeout) -> None:
    if not timeout.expired():
        timeout.reschedule(asyncio.get_running_loop().time())
