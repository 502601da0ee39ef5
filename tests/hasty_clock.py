"""A clock moved by hand on which short waits are over at once, and have taken their time all the same."""

from __future__ import annotations

import asyncio

from tests.hand_clock import HandClock

SHORT = 8.0
"""Seconds up to which a wait is short: longer than what calls wait before they are tried again, and shorter than what
is done every now and then."""


class HastyClock(HandClock):
    async def sleep(self, seconds: float) -> None:
        if seconds > SHORT:
            await super().sleep(seconds)
            return
        self.sleeps.append(seconds)
        self.advance(max(seconds, 0.0))
        await asyncio.sleep(0)
