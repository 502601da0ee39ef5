"""Tries what is asked of a platform again, where that may help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.errors import PlatformError

WAITS = (1.0, 2.0, 4.0)
"""Seconds between the attempts, unless the platform names its own."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def again(attempt: Callable[[], Awaitable[T]], clock: Clock, *, longest: float) -> T:
    """Try until it goes, or cannot be helped, and wait no longer than `longest` seconds between two attempts.

    Raises `PlatformError`.
    """
    for wait in WAITS:
        try:
            return await attempt()
        except PlatformError as error:
            if error.permanent:
                raise
            log.info("asked again", error=str(error))
            await clock.sleep(min(longest, wait if error.retry_after is None else error.retry_after))
    return await attempt()
