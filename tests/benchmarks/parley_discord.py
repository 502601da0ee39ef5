"""Parley as it serves a server: the Discord adapter over the gateway.

Where Discord's limits are off, a message is still written to no faster than people read.
"""

from __future__ import annotations

import asyncio
import os

from adapters.discord import DiscordAdapter, DiscordSettings, limits
from adapters.pace import Limit
from bot.clock import SystemClock
from tests.benchmarks.child import obey
from tests.benchmarks.parley import serving


def rhythm(key: str) -> Limit | None:
    """The limits of states on the way, and no others."""
    return limits.limit(key) if key.startswith(limits.STATE) else None


async def main() -> None:
    given, clock = os.environ, SystemClock()
    discord = DiscordSettings(given["DISCORD_TOKEN"], api_url=given["DISCORD_API_URL"])
    adapter = DiscordAdapter(discord, clock, limits=limits.limit if given["LIMITS"] == "on" else rhythm)
    async with serving(adapter, clock) as core:
        await obey(lambda _: core.quiet())


if __name__ == "__main__":
    asyncio.run(main())
