"""Discord's ids, which tell when a thing was made: https://docs.discord.com/developers/reference#snowflakes"""

from __future__ import annotations

EPOCH = 1_420_070_400_000
"""Milliseconds of the Unix epoch at which Discord's own begins."""


def seconds(id_: str) -> float:
    """The moment that an id names, in Unix seconds."""
    return ((int(id_) >> 22) + EPOCH) / 1000


def earliest(moment: float) -> str:
    """An id that is before all those of this moment (Unix seconds) and later ones."""
    return str(max(0, int(moment * 1000) - EPOCH) << 22)
