"""Parley as it is measured on every platform: the whole core on a database file, and one adapter."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot import log
from bot.app import Core, running
from bot.clock import Clock
from bot.ports import Adapter
from bot.serving import spare_collections
from bot.settings import Settings
from tests.benchmarks.conversation import MODEL
from tests.parley import settings_for
from tools.registry import Registry
from tools.weather import get_current_temperature, get_rain_probability


@asynccontextmanager
async def serving(adapter: Adapter, clock: Clock) -> AsyncIterator[Core]:
    log.configure("info", "json")
    registry = Registry([get_current_temperature, get_rain_probability])
    with tempfile.TemporaryDirectory() as folder:
        async with running(_settings(folder), [adapter], registry=registry, clock=clock) as core:
            spare_collections()
            yield core


def _settings(folder: str) -> Settings:
    return settings_for(
        Path(folder) / "parley.db",
        model=MODEL,
        openai_api_key=os.environ["OPENAI_API_KEY"],
        openai_base_url=os.environ["OPENAI_BASE_URL"],
        open_meteo_url=os.environ["OPEN_METEO_URL"],
        open_meteo_geocoding_url=os.environ["OPEN_METEO_GEOCODING_URL"],
        flood_limit=0,  # few people ask for all
    )
