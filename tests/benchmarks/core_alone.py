"""The core without a platform: the same runs, shown to nobody in the platform's rhythm.

`RHYTHM`: seconds between two states on the way. `FOLLOW_UPS`: each so manieth question goes on with an earlier
conversation; none does with 0.
"""

from __future__ import annotations

import asyncio
import os
from itertools import count

from adapters.pace import Limit, Pace, Rank
from bot.clock import SystemClock
from bot.ports import Placed, Reply
from tests.benchmarks.child import obey
from tests.benchmarks.parley import serving
from tests.room import Room, RoomAdapter


class Rhythmic(RoomAdapter):
    """A room that takes states on the way as seldom as the platform does."""

    def __init__(self, seconds: float) -> None:
        super().__init__(Room())
        self.rhythm = Pace(SystemClock(), lambda run: Limit(1, seconds))

    async def ready(self, reply: Reply, placed: Placed) -> None:
        await self.rhythm.turn([reply.run_id], Rank.STATE)

    async def close(self) -> None:
        await self.rhythm.close()


class Threads:
    """Where questions are asked: most in a thread of their own."""

    def __init__(self, follow_ups: int) -> None:
        self._follow_ups = follow_ups
        self._numbers = count()
        self._earlier: list[str] = []

    def of(self, questions: int) -> list[str]:
        """For questions that are asked at once, each in another one."""
        going_on = len(range(0, questions, self._follow_ups)) if self._follow_ups else 0
        found = [self._earlier.pop() for _ in range(min(going_on, len(self._earlier)))]
        new = [f"t{next(self._numbers)}" for _ in range(questions - len(found))]
        self._earlier += new
        return [*found, *new]


async def main() -> None:
    room = Rhythmic(float(os.environ["RHYTHM"]))
    threads = Threads(int(os.environ["FOLLOW_UPS"]))
    async with serving(room, SystemClock()) as core:

        async def ask(questions: list[str]) -> None:
            where = threads.of(len(questions))
            await asyncio.gather(
                *(room.say(question, thread=thread) for question, thread in zip(questions, where, strict=True))
            )
            await core.quiet()
            assert len(room.room.answers) == len(room.room.posts), "an answer is missing"

        await obey(ask)


if __name__ == "__main__":
    asyncio.run(main())
