"""What goes wrong beside the platform, by chance from a seed: the model, the weather, the database and its disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

from tests.ordeals.disk import Disk
from tests.ordeals.questions import answer
from tests.simulators.open_meteo import OpenMeteo
from tests.simulators.openai import Request, Turn
from tests.simulators.openai.script import Failure, Gate, Hang, Step, pieces

MODEL_FAULTS = 0.15
"""How often a model call goes wrong."""
LOCKED, FULL = (0.1, 2.0), (0.1, 1.0)
"""Seconds."""
HUNG = (0.3, 2.0)


class Trouble:
    """`counts` tells what went wrong how often. Nothing does while `on` is false. `pause`: seconds between two faults
    of all but the model, on average.
    """

    def __init__(
        self,
        chance: Random,
        pause: float,
        weather: OpenMeteo,
        database: Path,
        disk: Disk,
        platform: Sequence[Callable[[], str]],
    ) -> None:
        self.on = True
        self.counts: Counter[str] = Counter()
        self._chance, self._pause = chance, pause
        self._weather, self._database, self._disk = weather, database, disk
        self._platform = platform
        self._hung: set[Gate] = set()

    def brain(self, request: Request) -> Step:
        """What the model does: mostly its work."""
        said = answer(request)
        if not self.on or self._chance.random() >= MODEL_FAULTS:
            return said
        kinds: list[tuple[str, Step]] = [
            ("model: 500", Failure(500)),
            ("model: 503", Failure(503)),
            ("model: 429", Failure(429, headers={"retry-after": "1"})),
            ("model: cut", self._broken(said, cut="broken")),
            ("model: ended early", self._broken(said, cut="clean")),
            ("model: error in the stream", Turn(text="Hm", error=("server_error", "Simulated."))),
            ("model: hung", Hang(self._gate())),
        ]
        name, step = self._chance.choice(kinds)
        self.counts[name] += 1
        return step

    async def go_on(self) -> None:
        """One fault after the other, until this is cancelled."""
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / self._pause))
            kinds = [self._on_platform, self._weather_fails, self._locked, self._full]
            what = self._chance.choices(kinds, [6, 2, 1, 1 if self._disk.small else 0])[0]
            self.counts[await what()] += 1

    def end(self) -> None:
        """Nothing goes wrong from now on."""
        self.on = False
        for gate in self._hung:
            gate.release()
        self._disk.free()

    def _broken(self, said: Turn, **how: str) -> Turn:
        text = said.text or "Let me"
        return Turn(text=text, after=self._chance.randrange(len(pieces(text)) + 1), **how)  # type: ignore[arg-type]

    def _gate(self) -> Gate:
        """Of a call that hangs, for a while."""
        gate = Gate()
        self._hung.add(gate)
        asyncio.get_running_loop().call_later(self._chance.uniform(*HUNG), gate.release)
        return gate

    async def _on_platform(self) -> str:
        return self._chance.choice(self._platform)()

    async def _weather_fails(self) -> str:
        match self._chance.randrange(3):
            case 0:
                self._weather.refuse_next(429, "Minutely API request limit exceeded.")
                return "weather: 429"
            case 1:
                self._weather.answer_next(502)
                return "weather: 502"
            case _:
                self._weather.cut_next()
                return "weather: cut"

    async def _locked(self) -> str:
        """Another program writes, for longer than a statement waits."""
        seconds = self._chance.uniform(*LOCKED)
        with closing(sqlite3.connect(self._database, isolation_level=None, timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(seconds)
                other.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return "database: busy anyway"
        return "database: locked"

    async def _full(self) -> str:
        await asyncio.to_thread(self._disk.fill)
        await asyncio.sleep(self._chance.uniform(*FULL))
        self._disk.free()
        return "disk: full"
