"""The real process on Discord: `kill -9` in each kind of call, SIGTERM in mid-answer; then everything is counted."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.files import ready
from tests.process import environment, started
from tests.simulators.discord import (
    CALLBACK,
    CREATE,
    EDIT,
    FROM_MESSAGE,
    ORIGINAL,
    TYPING,
    Channel,
    Message,
    Person,
    World,
    discord,
)
from tests.simulators.open_meteo import FORECAST, open_meteo
from tests.stored import stored_answers

CALLS = (FROM_MESSAGE, TYPING, CREATE, EDIT, CALLBACK, ORIGINAL)
"""The calls to be killed in, one a life; it may be one that takes up what the life before has left."""

PLACES = ("Paris, Texas", "London, Ohio", "Portland, Maine", "New York", "Cambridge, Ontario", "Springfield, Oregon")
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Room:
    world: World
    alice: Person
    general: Channel
    env: dict[str, str]

    async def asks(self, place: str, *, by_command: bool = False, waits: bool = True) -> str:
        """Ask in one of two ways; returns the key of the question. `waits`: until Discord was told of a command."""
        question = f"How warm is it in {place}?"
        if by_command:
            used = await self.alice.uses("/ask", self.general, prompt=question, waits=waits)
            return f"ask-{used.id}"
        return (await self.alice.says(f"{self.world.mention} {question}", self.general)).id

    async def connected(self, times: int) -> None:
        await self.world.connected(times)
        await self.world.until(lambda: self.world.commands.everywhere, PATIENCE)

    async def answered(self, *keys: str) -> dict[str, str]:
        """The one answer to each question, when nobody works on any of them any more."""
        await self.world.until(lambda: all(map(self._is_done, keys)), PATIENCE)
        return {key: self._shown(key)[0].text for key in keys}

    def _is_done(self, key: str) -> bool:
        shown = self._shown(key)
        return len(shown) == 1 and "°C" in shown[0].text and len(shown[0].buttons) == 3

    def _shown(self, key: str) -> list[Message]:
        """Parley's messages in answer to a question: in its thread, or of its command and then in the channel."""
        world, id_ = self.world, key.removeprefix("ask-")
        if id_ == key:
            thread = world.channels.get(key)
            return [one for one in thread.messages if one.author is world.me] if thread else []
        mine = [one for one in self.general.messages if one.author is world.me]
        responses = [one for asked in world.interactions.made if asked.id == id_ for one in asked.responses]
        others = {one.id for asked in world.interactions.made for one in asked.responses}
        return [one for one in mine if one in responses or one.id not in others]


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    async with open_meteo() as weather, discord(limits=False) as world:
        guild = world.guild("Acme")
        settings = {"DISCORD_API_URL": world.api_url, "DISCORD_TOKEN": world.token}
        env = environment(ready(folder / "parley.db"), weather.url, **settings)
        yield Room(world, guild.person("Alice"), guild.channel("general"), env)
        assert weather.count(FORECAST) >= 1


def secrets(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "parley.db")) as connection:
        return [route for (route,) in connection.execute("SELECT route FROM messages") if route and "secret" in route]


@pytest.mark.parametrize("after", [False, True], ids=["before it has its effect", "after that"])
async def test_whichever_call_it_is_killed_in_each_question_gets_one_whole_answer(tmp_path: Path, after: bool) -> None:
    async with room(tmp_path) as here:
        asked: list[str] = []
        for route, place in zip(CALLS, PLACES, strict=True):
            async with started(env=here.env, cwd=tmp_path) as process:
                await here.connected(len(asked) + 1)
                held = here.world.holds(route, after=after)
                by_command = route in (CALLBACK, ORIGINAL)
                asked.append(await here.asks(place, by_command=by_command, waits=route != CALLBACK))
                async with asyncio.timeout(PATIENCE):
                    await held.reached()
                process.kill()
                await process.wait()
            held.release()
        async with started(env=here.env, cwd=tmp_path):
            shown = await here.answered(*asked)
            await here.world.until(lambda: not secrets(tmp_path), PATIENCE)
    assert shown == stored_answers(tmp_path)


@pytest.mark.parametrize("by_command", [False, True], ids=["a mention", "a command"])
async def test_sigterm_parks_an_answer_that_the_next_start_goes_on_with(tmp_path: Path, by_command: bool) -> None:
    async with room(tmp_path) as here:
        async with started(env=here.env, cwd=tmp_path) as process:
            await here.connected(1)
            held = here.world.holds(ORIGINAL if by_command else EDIT)
            asked = await here.asks("New York", by_command=by_command)
            await held.reached()
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0
            assert time.monotonic() - begun < 8
        held.release()
        async with started(env=here.env, cwd=tmp_path):
            shown = await here.answered(asked)
    assert shown == stored_answers(tmp_path)


async def test_what_was_asked_while_it_was_down_is_answered_once(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        async with started(env=here.env, cwd=tmp_path):
            await here.connected(1)
            first = await here.asks("Portland, Maine")
            await here.answered(first)
        asked = [await here.asks(place) for place in PLACES[:2]]
        async with started(env=here.env, cwd=tmp_path):
            shown = await here.answered(first, *asked)
            here.world.duplicate(last=50)
            last = await here.asks("New York")
            shown |= await here.answered(last)
            assert shown == await here.answered(first, *asked, last) == stored_answers(tmp_path)
