"""The interpreters that the sandbox has started, as the system sees them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

_LEADERS: set[int] = set()
"""Processes that held an interpreter: it is of their session even when they are gone."""


def workers() -> list[int]:
    """The interpreters of this process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, told = stat.read_text().partition("(")[2].rpartition(")")
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        state, parent, _, session = told.split()[:4]
        if int(parent) == os.getpid() and b"tools.monty" in command:
            _LEADERS.add(int(stat.parent.name))
        if name == "monty" and state != "Z":
            found.append((int(stat.parent.name), int(session)))
    return [pid for pid, session in found if session in _LEADERS]


async def until(condition: Callable[[], bool]) -> None:
    """Nothing tells of it."""
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError
