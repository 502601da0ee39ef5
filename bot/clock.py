"""Time, handed in: everything that asks for the hour or waits asks a `Clock`, so that tests move it by hand."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def until(self, moment: float) -> AbstractAsyncContextManager[object]:
        """Cancels its block at `moment` (Unix seconds) and raises `TimeoutError` there, as `asyncio.timeout` does."""
        ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def until(self, moment: float) -> asyncio.Timeout:
        return asyncio.timeout(moment - time.time())
