"""The real process on Slack, killed between a question and its answer: the same buttons work after it, and once."""

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
from tests.files import ready
from tests.process import environment, started
from tests.simulators.open_meteo import FORECAST, OpenMeteo, open_meteo
from tests.simulators.openai import OpenAISimulator
from tests.simulators.openai.script import Gate
from tests.simulators.serve import serve
from tests.simulators.slack import Channel, Person, Post, Workspace, slack
from tests.slack_asking import labels
from tests.slack_parley import answers

FRANCE = choice("Of France?", "Lyon", "Paris")
ALLOWED = ("Approve", "Deny", "Stop")
FINISHED = ("Why?",)
PATIENCE = 60.0


@dataclass(slots=True)
class Room:
    workspace: Workspace
    model: OpenAISimulator
    weather: OpenMeteo
    alice: Person
    ann: Person
    general: Channel
    env: dict[str, str]
    folder: Path
    lives: int = 0

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Parley runs, until it is killed at the end of the block."""
        async with started(env=self.env, cwd=self.folder) as process:
            self.lives += 1
            await self.workspace.connected(self.lives)
            yield
            process.kill()
            await process.wait()

    async def asks(self) -> Post:
        return await self.alice.says(f"{self.workspace.mention} Ask me!", self.general)

    async def shows(self, asked: Post, *wanted: str) -> Post:
        """Parley's only message, once it has these buttons and nobody is told to wait."""
        await self.workspace.until(lambda: self._labels(asked) == [*wanted] and self._idle(asked), PATIENCE)
        (shown,) = self.ours(asked)
        return shown

    async def told(self) -> str:
        """What Alice alone is told next."""
        seen = self.workspace.ephemerals
        await self.workspace.until(lambda: seen, PATIENCE)
        assert seen[0].user == self.alice.id
        return seen.pop(0).text

    def _idle(self, asked: Post) -> bool:
        session = self.workspace.session(self.general, asked)
        return session is not None and session.status == "active" and not any(p.streaming for p in self.ours(asked))

    def _labels(self, asked: Post) -> list[str]:
        return [label for post in self.ours(asked) for label in labels(post)]

    def ours(self, asked: Post) -> list[Post]:
        return [post for post in self.workspace.thread(self.general, asked) if post.bot]


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    model = OpenAISimulator(key="sk-test")
    async with open_meteo() as weather, serve(model.app) as url, slack(limits=False) as workspace:
        env = environment(
            ready(folder / "parley.db"),
            weather.url,
            SLACK_API_URL=workspace.api_url,
            SLACK_BOT_TOKEN=workspace.bot_token,
            SLACK_APP_TOKEN=workspace.app_token,
            OPENAI_BASE_URL=f"{url}/v1",
            OPENAI_API_KEY="sk-test",
        )
        alice, ann = workspace.person("Alice"), workspace.person("Ann", admin=True)
        yield Room(workspace, model, weather, alice, ann, workspace.channel("general"), env, folder)
    model.assert_done()


async def test_a_quiz_is_answered_through_three_lives(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.model.call(quiz(FRANCE, free("Why?")))
        here.model.say("I see.")
        async with here.life():
            asked = await here.asks()
            shown = await here.shows(asked, "Lyon", "Paris", "Stop")
        first = [*shown.blocks]
        async with here.life():
            await here.alice.picks(shown, "Paris")
            await here.shows(asked, "Answer", "Stop")
            second, shown.blocks = [*shown.blocks], first  # a client that has not heard of it
            await here.alice.picks(shown, "Lyon")
            assert await here.told() == ANSWERED
            shown.blocks = second
            await here.alice.picks(shown, "Answer")
            await here.workspace.until(lambda: here.workspace.views)
        async with here.life():
            await here.alice.submits(here.workspace.views[0], {"answer/words": "So."})
            await here.shows(asked, *FINISHED)
            shown.blocks = first
            await here.alice.picks(shown, "Lyon")
            assert await here.told() == OVER
        assert [post.ts for post in here.ours(asked)] == [shown.ts]
        assert json.loads(here.model.requests[-1].outputs[-1]) == ["Paris", "So."]


async def test_an_approval_waits_for_the_next_process_and_counts_once(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.model.call(("get_current_temperature", {"location": "San Francisco, CA", "unit": "Celsius"}))
        here.model.say("Mild.")
        async with here.life():
            await here.ann.command("/parley", "tools approve get_current_temperature on", here.general)
            asked = await here.asks()
            shown = await here.shows(asked, *ALLOWED)
        here.workspace.ephemerals.clear()
        old = [*shown.blocks]
        async with here.life():
            await asyncio.gather(*(here.alice.picks(shown, "Approve") for _ in range(2)))
            assert await here.told() in (DECIDED, OVER)
            await here.shows(asked, *FINISHED)
        async with here.life():
            shown.blocks = old
            await here.alice.picks(shown, "Deny")
            assert await here.told() == OVER
            shown.blocks = []
        assert here.workspace.ephemerals == []
        assert [post.ts for post in here.ours(asked)] == [shown.ts]
        assert here.weather.count(FORECAST) == 1


@pytest.mark.parametrize(("method", "after"), [("chat.stopStream", True), ("agents.sessions.setStatus", False)])
async def test_a_question_is_there_once_though_the_process_is_killed_while_it_is_shown(
    tmp_path: Path, method: str, after: bool
) -> None:
    async with room(tmp_path) as here:
        gate = Gate() if method == "chat.stopStream" else None  # there has to be a stream by then
        here.model.call(quiz(FRANCE), text="Here it comes.", gate=gate)
        here.model.say("I see.")
        held = here.workspace.holds(method, after=after)
        async with here.life():
            asked = await here.asks()
            if gate:
                await here.workspace.until(lambda: here.ours(asked), PATIENCE)
                gate.release()
            async with asyncio.timeout(PATIENCE):
                await held.reached()
        held.release()
        async with here.life():
            shown = await here.shows(asked, "Lyon", "Paris", "Stop")
            assert shown.text == "Here it comes.\n\n**Capitals**\n\nOf France?"
            await here.alice.picks(shown, "Paris")
            await here.shows(asked, *FINISHED)
            assert answers(here.workspace, here.general, asked) == ["Here it comes.\n\nI see."]
        assert json.loads(here.model.requests[-1].outputs[-1]) == ["Paris"]
