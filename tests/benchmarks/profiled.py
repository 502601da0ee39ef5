"""Reads where the time of a process went, function by function."""

from __future__ import annotations

import pstats
from io import StringIO
from pathlib import Path

MOST = 40
"""Functions of each order."""


def top(path: Path) -> str:
    """Of a file of cProfile: what takes the most time itself, then what takes the most with all that it calls."""
    out = StringIO()
    stats = pstats.Stats(str(path), stream=out)
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(MOST)
    return out.getvalue()
