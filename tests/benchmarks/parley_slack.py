"""Parley as it serves a workspace: the Slack adapter over Socket Mode.

Slack's limits are off, as in the workspace it talks to; a message is still written to no faster than people read.
"""

from __future__ import annotations

import asyncio
import os

from adapters.pace import Limit
from adapters.slack import SlackAdapter, SlackSettings, limits
from bot.clock import SystemClock
from tests.benchmarks.child import obey
from tests.benchmarks.parley import serving


def rhythm(key: str) -> Limit | None:
    """The limits of single messages, whose keys end with a `ts`, and no others."""
    return limits.limit(key) if "." in key.partition(" ")[2] else None


async def main() -> None:
    given, clock = os.environ, SystemClock()
    slack = SlackSettings(given["SLACK_BOT_TOKEN"], given["SLACK_APP_TOKEN"], api_url=given["SLACK_API_URL"])
    async with serving(SlackAdapter(slack, clock, limits=rhythm), clock) as core:
        await obey(lambda _: core.quiet())


if __name__ == "__main__":
    asyncio.run(main())
