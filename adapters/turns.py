"""Turns: whoever takes in something of a thread waits for those that came before."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock a thread. What was said before a mention is then known not to be a follow-up, and a message is in the
    store before an edit of it is looked at.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, channel: str, thread: str) -> asyncio.Lock:
        return self._locks.setdefault((channel, thread), asyncio.Lock())
