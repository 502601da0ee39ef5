"""Rate limits: buckets of routes, a global one, and the headers that tell of them.

https://docs.discord.com/developers/topics/rate-limits. Discord publishes the headers and the global 50 a second, no
numbers of buckets; those here are what clients have reported. Interaction routes are outside of the global limit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

GLOBAL = (50, 1.0)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call found: seconds to wait if it was refused, and the headers of its answer."""

    wait: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    everywhere: bool = False


@dataclass(slots=True)
class Window:
    """A window that begins with its first call."""

    resets: float
    used: int = 0


class Limits:
    """Counts calls by the world's clock; `limited` is how many were refused."""

    def __init__(self, now: Callable[[], float], *, on: bool) -> None:
        self.limited = 0
        self._now, self._on = now, on
        self._sizes = {
            "messages": (5, 5.0),
            "message deletions": (5, 1.0),
            "message lists": (10, 5.0),
            "typing": (5, 5.0),
            "reactions": (1, 0.25),
            "threads": (50, 300.0),
            "thread changes": (10, 600.0),
            "webhooks": (5, 2.0),
        }
        self._windows: dict[tuple[str, str], Window] = {}

    def allow(self, bucket: str, calls: int, seconds: float) -> None:
        """Change a bucket: "messages" (create and edit share it), "webhooks", "typing", "global", …"""
        if bucket != "global" and bucket not in self._sizes:
            raise LookupError(f"no bucket {bucket}; there are {sorted(self._sizes)}")
        self._sizes[bucket] = (calls, seconds)
        self._windows = {key: window for key, window in self._windows.items() if key[0] != bucket}

    def take(self, bucket: str, major: str, *, everywhere: bool) -> Taken:
        """Count a call in its bucket of a channel, guild or webhook, and in the global one where that holds."""
        if not self._on:
            return Taken()
        if everywhere and (wait := self._count("global", "")):
            self.limited += 1
            headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global", "Retry-After": _whole(wait)}
            return Taken(wait, headers, everywhere=True)
        if not bucket:
            return Taken()
        wait = self._count(bucket, major)
        headers = self._headers(bucket, major)
        if wait:
            self.limited += 1
            headers |= {"X-RateLimit-Scope": "user", "Retry-After": _whole(wait)}
        return Taken(wait, headers)

    def _count(self, bucket: str, major: str) -> float:
        """0 where the call is allowed, which counts it; otherwise the seconds until it would be."""
        now = self._now()
        size, seconds = self._sizes.get(bucket, GLOBAL)
        window = self._windows.get((bucket, major))
        if window is None or window.resets <= now:
            window = self._windows[bucket, major] = Window(now + seconds)
        if window.used >= size:
            return max(window.resets - now, 0.001)
        window.used += 1
        return 0.0

    def _headers(self, bucket: str, major: str) -> dict[str, str]:
        size, _ = self._sizes[bucket]
        window = self._windows[bucket, major]
        return {
            "X-RateLimit-Limit": str(size),
            "X-RateLimit-Remaining": str(size - window.used),
            "X-RateLimit-Reset": f"{window.resets:.3f}",
            "X-RateLimit-Reset-After": f"{max(window.resets - self._now(), 0):.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(bucket.encode()).hexdigest()[:32],
        }


def _whole(seconds: float) -> str:
    return str(max(1, math.ceil(seconds)))
