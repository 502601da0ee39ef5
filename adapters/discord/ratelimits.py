"""discord.py's count of a bucket, but for one thing: it gives the answer to the last call that a bucket takes back only
when the bucket is full again, seconds or minutes later. Here the answer comes at once, and the next call waits.
"""

from __future__ import annotations

from typing import Any

import discord

from adapters.asides import Asides


def prompt(client: discord.Client, asides: Asides) -> None:
    """Have a client give every answer back at once. What discord.py does meanwhile is done by `asides`."""
    counted = client.http.get_ratelimit

    def get_ratelimit(key: str) -> Any:
        found: Any = counted(key)
        return found if isinstance(found, _Prompt) else _Prompt(found, asides)

    client.http.get_ratelimit = get_ratelimit  # type: ignore[method-assign]


class _Prompt:
    """A `discord.http.Ratelimit` that is left at once."""

    def __init__(self, counted: Any, asides: Asides) -> None:
        self._counted = counted
        self._asides = asides

    def __getattr__(self, name: str) -> Any:
        return getattr(self._counted, name)

    async def __aenter__(self) -> _Prompt:
        await self._counted.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._asides.begin(self._counted.__aexit__(*raised), "refill a bucket")
