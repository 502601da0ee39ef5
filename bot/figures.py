"""Figures as people read them: tokens, counts and how long something takes yet."""

from __future__ import annotations

import math

HOUR = 3_600.0


def tokens(count: int) -> str:
    """`950 tokens`, `12.3k tokens`, `1.5M tokens`."""
    return f"{short(count)} {'token' if count == 1 else 'tokens'}"


def short(count: int) -> str:
    if count < 1_000:
        return str(count)
    for unit, size in (("k", 1_000), ("M", 1_000_000)):
        figure = round(count / size, 1)
        if figure < 1_000:
            return f"{figure:g}{unit}"
    return f"{round(count / 1_000_000_000, 1):,g}G"


def size(count: int) -> str:
    """`83 bytes`, `12 kB`, `1.2 MB`."""
    if count < 1_000:
        return counted(count, "byte")
    return f"{round(count / 1_000):,} kB" if count < 999_500 else f"{count / 1_000_000:,.1f} MB"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def time_left(seconds: float) -> str:
    """`in 12 minutes`, `in 5 hours`."""
    minutes = max(1, math.ceil(seconds / 60))
    return f"in {counted(minutes, 'minute')}" if minutes < 60 else f"in {counted(round(seconds / HOUR), 'hour')}"
