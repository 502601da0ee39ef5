"""Parley as it serves a workspace: the whole core on a database file, and the Slack adapter over Socket Mode.

Slack's limits are off, as in the workspace it talks to; a message is still written to no faster than people read.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from adapters.pace import Limit
from adapters.slack import SlackAdapter, SlackSettings, limits
from bot import log
from bot.app import running
from bot.clock import SystemClock
from bot.settings import Settings
from tests.benchmarks.child import obey
from tests.benchmarks.conversation import MODEL
from tests.parley import settings_for
from tools.registry import Registry
from tools.weather import get_current_temperature, get_rain_probability


def rhythm(key: str) -> Limit | None:
    """The limits of single messages, whose keys end with a `ts`, and no others."""
    return limits.limit(key) if "." in key.partition(" ")[2] else None


def settings(folder: str) -> Settings:
    """Those that every measured core has."""
    return settings_for(
        Path(folder) / "parley.db",
        model=MODEL,
        openai_api_key=os.environ["OPENAI_API_KEY"],
        openai_base_url=os.environ["OPENAI_BASE_URL"],
        open_meteo_url=os.environ["OPEN_METEO_URL"],
        open_meteo_geocoding_url=os.environ["OPEN_METEO_GEOCODING_URL"],
    )


def tools() -> Registry:
    return Registry([get_current_temperature, get_rain_probability])


async def main() -> None:
    log.configure("info", "json")
    given, clock = os.environ, SystemClock()
    slack = SlackSettings(given["SLACK_BOT_TOKEN"], given["SLACK_APP_TOKEN"], api_url=given["SLACK_API_URL"])
    adapter = SlackAdapter(slack, clock, limits=rhythm)
    with tempfile.TemporaryDirectory() as folder:
        async with running(settings(folder), [adapter], registry=tools(), clock=clock) as core:
            await obey(lambda _: core.quiet())


if __name__ == "__main__":
    asyncio.run(main())
