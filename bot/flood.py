"""Flood: how many messages one person may bring in a minute. Counted in memory, for a minute."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from bot.clock import Clock

MINUTE = 60.0
STEP = 10
"""Seconds to which the wait is rounded up: platforms do not say the same sentence to the same person twice."""

PEOPLE = 10_000
"""Who are remembered at once; of more, those are forgotten who were quiet the longest."""


@dataclass(slots=True)
class Flood:
    limit: int
    """Messages a minute; 0 for as many as anybody likes."""
    clock: Clock
    _kept: OrderedDict[Hashable, deque[tuple[float, str]]] = field(default_factory=OrderedDict)
    """By person the messages of the last minute that were let in, oldest first: when they came, and their keys."""

    def let_in(self, person: Hashable, key: str) -> int:
        """Count a message, once by its key. Where it is one too many: the seconds to wait instead."""
        if not self.limit:
            return 0
        now = self.clock.now()
        kept = self._kept.setdefault(person, deque())
        self._kept.move_to_end(person)
        while kept and kept[0][0] <= now - MINUTE:
            kept.popleft()
        if any(known == key for _, known in kept):
            return 0
        if len(kept) >= self.limit:
            return math.ceil(max(1.0, kept[0][0] + MINUTE - now) / STEP) * STEP
        kept.append((now, key))
        while len(self._kept) > PEOPLE:
            self._kept.popitem(last=False)
        return 0

    def sentence(self, wait: int) -> str:
        each = f"{self.limit} messages a minute" if self.limit > 1 else "one message a minute"
        return f"That is a lot at once: I take {each} of each person. Please wait {wait} seconds and send it again."
