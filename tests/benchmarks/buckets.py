"""Discord's rate limits, which note how full they became."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from tests.simulators.discord.limits import GLOBAL, Limits, Taken


class Buckets(Limits):
    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(now, on=True)
        self.sizes: dict[str, int] = {}
        """Of each kind of bucket that was used: how many calls it takes."""
        self.most: Counter[str] = Counter()
        """Of each kind: how many calls the fullest one took."""
        self.busiest = 0
        """The most calls in any second that count in the global limit, however its windows lie."""
        self._last: deque[float] = deque()

    def take(self, bucket: str, major: str, *, everywhere: bool) -> Taken:
        taken = super().take(bucket, major, everywhere=everywhere)
        if everywhere:
            self._count_everywhere()
        if "X-RateLimit-Limit" in taken.headers:
            size = self.sizes[bucket] = int(taken.headers["X-RateLimit-Limit"])
            self.most[bucket] = max(self.most[bucket], size - int(taken.headers["X-RateLimit-Remaining"]))
        return taken

    def _count_everywhere(self) -> None:
        now = self._now()
        self._last.append(now)
        while self._last[0] <= now - GLOBAL[1]:
            self._last.popleft()
        self.busiest = max(self.busiest, len(self._last))
