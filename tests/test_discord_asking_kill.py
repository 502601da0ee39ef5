"""The real process on Discord, killed between a question and its answer: the same buttons work after it, and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.replies import ANSWERED, DECIDED, OVER
from tests.asking import choice, free, quiz
from tests.discord_asking import FIELD
from tests.files import ready
from tests.process import environment, started
from tests.simulators.discord import CREATE, EDIT, Channel, Message, Person, World, discord
from tests.simulators.open_meteo import FORECAST, OpenMeteo, open_meteo
from tests.simulators.openai import OpenAISimulator
from tests.simulators.serve import serve

FRANCE = choice("Of France?", "Lyon", "Paris")
NO_RESPONSE = "The application did not respond"
PATIENCE = 60.0


@dataclass(slots=True)
class Room:
    world: World
    model: OpenAISimulator
    weather: OpenMeteo
    alice: Person
    ada: Person
    general: Channel
    env: dict[str, str]
    folder: Path
    lives: int = 0

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Parley runs, until it is killed at the end of the block."""
        async with started(env=self.env, cwd=self.folder) as process:
            self.lives += 1
            await self.world.connected(self.lives)
            await self.world.until(lambda: self.world.commands.everywhere, PATIENCE)
            yield
            process.kill()
            await process.wait()

    async def asks(self) -> Message:
        return await self.alice.says(f"{self.world.mention} Ask me!", self.general)

    async def shows(self, told: Message, *labels: str) -> Message:
        """Parley's only message, once it has these buttons."""
        thread = self.general.world.channels
        await self.world.until(lambda: told.id in thread and self._buttons(told) == [*labels], PATIENCE)
        [shown] = self._ours(told)
        return shown

    def _buttons(self, told: Message) -> list[str]:
        return [label for one in self._ours(told) for label in one.buttons]

    def _ours(self, told: Message) -> list[Message]:
        return [one for one in self.world.channels[told.id].messages if one.author is self.world.me]


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    model = OpenAISimulator(key="sk-test")
    async with open_meteo() as weather, serve(model.app) as url, discord(limits=False) as world:
        guild = world.guild("Acme")
        env = environment(
            ready(folder / "parley.db"),
            weather.url,
            DISCORD_API_URL=world.api_url,
            DISCORD_TOKEN=world.token,
            OPENAI_BASE_URL=f"{url}/v1",
            OPENAI_API_KEY="sk-test",
        )
        alice, ada, general = guild.person("Alice"), guild.person("Ada", admin=True), guild.channel("general")
        yield Room(world, model, weather, alice, ada, general, env, folder)
    model.assert_done()


async def test_a_quiz_is_answered_through_three_lives(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.model.call(quiz(FRANCE, free("Why?")))
        here.model.say("I see.")
        async with here.life():
            told = await here.asks()
            shown = await here.shows(told, "Lyon", "Paris", "Stop")
        assert (await here.alice.presses(shown, "Lyon")).error == NO_RESPONSE
        late = Message(shown.channel, shown.id, shown.author, components=[*shown.components])
        async with here.life():
            assert (await here.alice.presses(shown, "Paris")).text == ""
            await here.shows(told, "Answer", "Stop")
            assert (await here.alice.presses(late, "Paris")).text == ANSWERED
            opened = await here.alice.presses(shown, "Answer")
        async with here.life():
            assert (await here.alice.submits(opened, {FIELD: "So."})).text == ""
            await here.shows(told, "None", "None", "Why?")
            assert (await here.alice.presses(late, "Lyon")).text == OVER
        assert (shown.text, here.world.count(CREATE)) == ("I see.", 1)
        assert json.loads(here.model.requests[-1].outputs[-1]) == ["Paris", "So."]


async def test_an_approval_waits_for_the_next_process_and_counts_once(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.model.call(("get_current_temperature", {"location": "San Francisco, CA", "unit": "Celsius"}))
        here.model.say("Mild.")
        async with here.life():
            await here.ada.uses("/tools approve", here.general, tool="get_current_temperature", state="on")
            told = await here.asks()
            shown = await here.shows(told, "Approve", "Deny", "Stop")
        late = Message(shown.channel, shown.id, shown.author, components=[*shown.components])
        async with here.life():
            both = await asyncio.gather(*(here.alice.presses(late, "Approve") for _ in range(2)))
            first, second = sorted(one.text for one in both)
            assert (first, second in (DECIDED, OVER)) == ("", True)
            await here.shows(told, "None", "None", "Why?")
        async with here.life():
            assert (await here.alice.presses(late, "Deny")).text == OVER
        assert (shown.text, here.world.count(CREATE), here.weather.count(FORECAST)) == ("Mild.", 1, 1)


@pytest.mark.parametrize("after", [False, True], ids=["before it has its effect", "after that"])
async def test_a_question_is_there_once_though_the_process_is_killed_while_it_is_shown(
    tmp_path: Path, after: bool
) -> None:
    async with room(tmp_path) as here:
        here.model.call(quiz(FRANCE))
        here.model.say("I see.")
        held = here.world.holds(EDIT, after=after)
        async with here.life():
            told = await here.asks()
            async with asyncio.timeout(PATIENCE):
                await held.reached()
        held.release()
        async with here.life():
            shown = await here.shows(told, "Lyon", "Paris", "Stop")
            await here.alice.presses(shown, "Paris")
            await here.shows(told, "None", "None", "Why?")
        assert json.loads(here.model.requests[-1].outputs[-1]) == ["Paris"]
