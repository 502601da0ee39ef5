"""The real process on Slack: `kill -9` in each kind of call, SIGTERM in mid-answer; then everything is counted."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.files import ready
from tests.process import environment, started
from tests.simulators.open_meteo import FORECAST, open_meteo
from tests.simulators.slack import Channel, Person, Post, Workspace, slack
from tests.slack_parley import answers
from tests.stored import stored_answers

METHODS = ("agents.sessions.setStatus", "chat.startStream", "chat.appendStream", "chat.stopStream")
"""The calls to be killed in, one a life; it may be one that takes up what the life before has left."""

PLACES = ("Paris, Texas", "London, Ohio", "Portland, Maine", "New York", "Cambridge, Ontario", "Springfield, Oregon")
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Room:
    workspace: Workspace
    alice: Person
    general: Channel
    env: dict[str, str]
    folder: Path

    async def ask(self, place: str) -> Post:
        return await self.alice.says(f"{self.workspace.mention} How warm is it in {place}?", self.general)

    async def answered(self, asked: Post) -> str:
        """The one answer in the thread, when nobody works on it any more."""
        await self.workspace.until(lambda: self._done(asked), PATIENCE)
        (text,) = answers(self.workspace, self.general, asked)
        return text

    def _done(self, asked: Post) -> bool:
        session = self.workspace.session(self.general, asked)
        ours = [post for post in self.workspace.thread(self.general, asked) if post.bot]
        idle = session is not None and session.status == "active"
        return idle and any("°C" in post.text for post in ours) and not any(post.streaming for post in ours)


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    async with open_meteo() as weather, slack() as workspace:
        settings = {
            "SLACK_API_URL": workspace.api_url,
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_APP_TOKEN": workspace.app_token,
        }
        env = environment(ready(folder / "parley.db"), weather.url, **settings)
        yield Room(workspace, workspace.person("Alice"), workspace.channel("general"), env, folder)
        assert weather.count(FORECAST) >= 1


@pytest.mark.parametrize("after", [False, True], ids=["before it has its effect", "after that"])
async def test_whichever_call_it_is_killed_in_each_question_gets_one_whole_answer(tmp_path: Path, after: bool) -> None:
    async with room(tmp_path) as here:
        asked: list[Post] = []
        for method, place in zip(METHODS, PLACES, strict=False):
            held = here.workspace.holds(method, after=after)
            async with started(env=here.env, cwd=tmp_path) as process:
                await here.workspace.connected(len(asked) + 1)
                asked.append(await here.ask(place))
                async with asyncio.timeout(PATIENCE):
                    await held.reached()
                process.kill()
                await process.wait()
            held.release()
        async with started(env=here.env, cwd=tmp_path):
            shown = {post.ts: await here.answered(post) for post in asked}
    assert shown == stored_answers(tmp_path)


async def test_sigterm_parks_an_answer_that_the_next_start_goes_on_with(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        held = here.workspace.holds("chat.appendStream")
        async with started(env=here.env, cwd=tmp_path) as process:
            await here.workspace.connected()
            asked = await here.ask("New York")
            await held.reached()
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0
            assert time.monotonic() - begun < 8
        held.release()
        async with started(env=here.env, cwd=tmp_path):
            shown = {asked.ts: await here.answered(asked)}
    assert shown == stored_answers(tmp_path)


async def test_what_was_asked_while_it_was_down_is_answered_once(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        asked = [await here.ask(place) for place in PLACES[:3]]
        async with started(env=here.env, cwd=tmp_path):
            shown = {post.ts: await here.answered(post) for post in asked}
            await here.workspace.redeliver()
            await here.workspace.until(lambda: not here.workspace.unacknowledged)
            assert shown == {post.ts: await here.answered(post) for post in asked} == stored_answers(tmp_path)
