"""The core without Slack: the same runs, shown to nobody in the rhythm of a Slack message."""

from __future__ import annotations

import asyncio
import tempfile

from adapters.pace import Pace, Rank
from adapters.slack import limits
from bot import log
from bot.app import running
from bot.clock import SystemClock
from bot.ports import Placed, Reply
from tests.benchmarks.child import obey
from tests.benchmarks.parley_slack import settings, tools
from tests.room import Room, RoomAdapter


class Rhythmic(RoomAdapter):
    """A room that takes states on the way as seldom as Slack does."""

    def __init__(self) -> None:
        super().__init__(Room())
        self.rhythm = Pace(SystemClock(), lambda run: limits.EACH["chat.appendStream"])

    async def ready(self, reply: Reply, placed: Placed) -> None:
        await self.rhythm.turn([reply.run_id], Rank.STATE)

    async def close(self) -> None:
        await self.rhythm.close()


async def main() -> None:
    log.configure("info", "json")
    room = Rhythmic()
    threads = iter(range(1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        async with running(settings(folder), [room], registry=tools()) as core:

            async def ask(questions: list[str]) -> None:
                await asyncio.gather(*(room.say(question, thread=f"t{next(threads)}") for question in questions))
                await core.quiet()
                assert len(room.room.answers) == len(room.room.posts), "an answer is missing"

            await obey(ask)


if __name__ == "__main__":
    asyncio.run(main())
