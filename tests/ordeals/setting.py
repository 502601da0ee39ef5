"""Where an ordeal takes place: the simulators, a disk of its own, people who go on asking, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.files import ready
from tests.ordeals.discord import discord_stage
from tests.ordeals.disk import disk
from tests.ordeals.questions import GAZETTEER, Mind
from tests.ordeals.slack import slack_stage
from tests.ordeals.stage import Stage
from tests.ordeals.tally import Tally, delivered, failed, tally_of
from tests.ordeals.trouble import Trouble
from tests.process import environment
from tests.simulators.open_meteo import OpenMeteo, open_meteo
from tests.simulators.serve import serve

STAGES: Mapping[str, Callable[[Random], AbstractAsyncContextManager[Stage]]] = {
    "slack": slack_stage,
    "discord": discord_stage,
}
MOST_OPEN = 12
"""Questions that wait for their answers at once; nobody asks meanwhile."""
REST = 1.0
"""Seconds for which all has to be at rest before it is counted."""


@dataclass(slots=True)
class Setting:
    stage: Stage
    trouble: Trouble
    weather: OpenMeteo
    variables: Mapping[str, str]
    database: Path
    log: Path
    folder: Path
    chance: Random
    asked: int = 0

    async def introduce(self) -> None:
        """People ask for the first time. Nothing goes wrong meanwhile."""
        self.trouble.on = False
        self.asked = await self.stage.introduce(1)
        if not await self.rest(REST + 30):
            raise TimeoutError("Parley did not answer the first questions.")
        self.trouble.on = True

    async def talk(self, pause: float) -> None:
        """People ask, `pause` seconds apart on average, until this is cancelled."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / pause))
            if len(self.stage.open()) < MOST_OPEN or len(self.left()) < MOST_OPEN:
                self.asked += 1
                await self.stage.ask(self.asked)

    async def rest(self, seconds: float) -> bool:
        """Wait until all that was accepted is answered and nothing is under way; false where that takes longer."""
        since = None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            done = not self.left() and self.stage.at_rest and delivered(self.database)
            since = (since or loop.time()) if done else None
            if since and loop.time() - since >= REST:
                return True
            await asyncio.sleep(0.1)
        return False

    def left(self) -> set[int]:
        """What was asked and has neither an answer nor failed."""
        found = set(self.stage.open())
        return found - failed(self.database) if found else found

    def count(self) -> Tally:
        return tally_of(self.stage, self.asked, self.database, self.weather)


@asynccontextmanager
async def setting(platform: str, seed: int, log: Path, trouble: float) -> AsyncIterator[Setting]:
    """Everything but Parley. The same seed makes the same things happen, as far as the machine lets them. `trouble`:
    seconds between two faults, on average.
    """
    with disk() as small:
        async with (
            open_meteo(places=GAZETTEER) as weather,
            STAGES[platform](Random(f"{platform} {seed}")) as stage,
        ):
            database = ready(small.folder / "parley.db")
            faults = Trouble(Random(f"trouble {seed}"), trouble, weather, database, small, stage.faults)
            async with serve(Mind(brain=faults.brain).app) as model:
                settings = {
                    **stage.variables,
                    "OPENAI_API_KEY": "none",
                    "OPENAI_BASE_URL": f"{model}/v1",
                    "FLOOD_LIMIT": "0",
                    "LOG_FORMAT": "json",
                }
                variables = environment(database, weather.url, **settings)
                chance = Random(f"crowd {seed}")
                yield Setting(stage, faults, weather, variables, database, log, small.folder, chance)
