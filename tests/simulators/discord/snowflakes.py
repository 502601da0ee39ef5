"""Ids as Discord makes them: https://docs.discord.com/developers/reference#snowflakes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

EPOCH = 1_420_070_400_000
"""Milliseconds of the Unix epoch at which Discord's own begins."""


class Snowflakes:
    """Ids from a clock, in seconds; each is greater than all before it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._last = now, 0

    def next(self) -> str:
        self._last = max((int(self._now() * 1000) - EPOCH) << 22, self._last + 1)
        return str(self._last)


def seconds(id_: str) -> float:
    """The moment that an id names, in seconds of the Unix epoch."""
    return ((int(id_) >> 22) + EPOCH) / 1000


def iso(moment: float) -> str:
    """A moment as Discord writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()
