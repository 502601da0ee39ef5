"""Telling: what one person is told of a message that gets no answer, or none yet. Discord shows it to all who see the
message, so that nobody is told the same twice in an hour.
"""

from __future__ import annotations

import structlog

from adapters.asides import Asides
from adapters.discord.calls import Calls, DiscordError
from adapters.discord.hearing import Said
from adapters.discord.pen import Pen, Sheet
from adapters.pace import Clock
from adapters.remembered import Recent

AGAIN = 3_600.0
"""Seconds after which somebody is told the same once more."""

REMEMBERED = 2_000

log = structlog.get_logger(__name__)


class Telling:
    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._asides = Asides()
        self._told: Recent[tuple[str, str, str], float] = Recent(REMEMBERED)

    def reply(self, said: Said, text: str) -> None:
        kind, now = (said.place.id, said.author.id, text), self._clock.now()
        if now - self._told.get(kind, -AGAIN) < AGAIN:
            return
        self._told.put(kind, now)
        self._asides.begin(self._tell(said, text), f"tell of {said.id}")

    async def close(self) -> None:
        await self._asides.close()

    async def _tell(self, said: Said, text: str) -> None:
        try:
            await Pen(self._calls, said.place.id, f"tell {said.id}", answers=said.id).send(Sheet(text), 0, 0)
        except DiscordError as error:
            log.info("not told", code=error.code, problem=str(error))
