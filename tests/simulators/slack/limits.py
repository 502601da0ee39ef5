"""Rate limits: calls a minute of each method, and messages a second of each channel.

https://docs.slack.dev/apis/web-api/rate-limits: tiers 1 to 4 allow 1, 20, 50 and 100 calls a minute, counted for each
method, app and workspace; a channel takes about one message a second, with short bursts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
SPECIAL = 600
"""For methods whose page says "special": that of assistant.threads.setStatus; the pages of others name no number."""
BURST = 5
"""Messages that one channel takes at once. The page says "short bursts" and no number."""
MINUTE = 60.0


class Limits:
    """Counts calls by the workspace's clock; `limited` is how many were refused."""

    def __init__(self, now: Callable[[], float], *, on: bool) -> None:
        self.limited = 0
        self._now, self._on = now, on
        self._calls: dict[str, deque[float]] = {}
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, method: str, per_minute: int) -> int:
        """0 where a call is allowed now, which counts it; otherwise the whole seconds until it would be."""
        if not self._on:
            return 0
        now, calls = self._now(), self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()
        if len(calls) >= per_minute:
            self.limited += 1
            return max(1, math.ceil(calls[0] + MINUTE - now))
        calls.append(now)
        return 0

    def wait_to_post(self, channel: str) -> int:
        """The same for a message in a channel."""
        if not self._on:
            return 0
        now = self._now()
        left, at = self._buckets.get(channel, (float(BURST), now))
        left = min(BURST, left + now - at)
        if left < 1:
            self._buckets[channel] = left, now
            self.limited += 1
            return max(1, math.ceil(1 - left))
        self._buckets[channel] = left - 1, now
        return 0
