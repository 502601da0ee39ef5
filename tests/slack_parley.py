"""The whole of Parley on Slack: the real adapter with the real libraries, on the simulator, with a scripted model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.slack import SlackAdapter, SlackSettings
from bot.app import Core, running
from bot.clock import Clock, SystemClock
from bot.models.port import Model
from tests.hand_clock import HandClock
from tests.parley import forecast, settings_for, tide
from tests.scripted_model import ScriptedModel
from tests.simulators.serve import serve
from tests.simulators.slack import Channel, Person, Post, Workspace, slack
from tools.registry import Registry


@dataclass(slots=True)
class SlackParley:
    core: Core
    adapter: SlackAdapter
    workspace: Workspace

    async def quiet(self) -> None:
        await self.core.quiet()

    async def settled(self) -> None:
        """Wait until all that Slack has told of is taken in, and answered."""
        await self.workspace.until(lambda: not self.workspace.unacknowledged, seconds=40)
        await self.core.quiet()


@asynccontextmanager
async def slack_parley(
    path: Path,
    model: Model | ScriptedModel,
    workspace: Workspace,
    *,
    http: bool = False,
    clock: Clock | None = None,
    registry: Registry | None = None,
    follow_threads: bool = True,
    api: bool = False,
    **changes: Any,
) -> AsyncIterator[SlackParley]:
    """Connected to the workspace, over Socket Mode or by signed `http` requests."""
    used = clock or SystemClock()
    settings = SlackSettings(
        bot_token=workspace.bot_token,
        app_token=None if http else workspace.app_token,
        signing_secret=workspace.signing_secret if http else None,
        api_url=workspace.api_url,
        follow_threads=follow_threads,
        allow=changes.get("allow", ()),
    )
    adapter = SlackAdapter(settings, used)
    tools = registry or Registry([forecast, tide])
    async with running(
        settings_for(path, **changes), [adapter], api=api, model=model, registry=tools, clock=used
    ) as core:
        parley = SlackParley(core, adapter, workspace)
        if not http:
            await workspace.connected()
            yield parley
            return
        async with serve(_app(adapter)) as url:
            workspace.deliver_to(f"{url}/slack/events")
            yield parley


def _app(adapter: SlackAdapter) -> Any:
    from starlette.applications import Starlette

    return Starlette(routes=[*adapter.routes])


def answers(workspace: Workspace, channel: Channel, asked: Post) -> list[str]:
    """The texts of Parley's messages in the thread of a question, oldest first."""
    return [post.text for post in workspace.thread(channel, asked) if post.user == workspace.bot_user]


@dataclass(slots=True)
class Scene:
    """Alice in #general, on a Slack and for a Parley that share a clock which only the test moves."""

    workspace: Workspace
    model: ScriptedModel
    clock: HandClock
    path: Path
    alice: Person
    general: Channel

    def parley(self, **changes: Any) -> AbstractAsyncContextManager[SlackParley]:
        return slack_parley(self.path, self.model, self.workspace, clock=self.clock, **changes)

    async def asks(self, text: str = "rain?", *, thread: Post | None = None, person: Person | None = None) -> Post:
        return await (person or self.alice).says(f"{self.workspace.mention} {text}", self.general, thread=thread)

    def posts(self, asked: Post) -> list[Post]:
        """Parley's messages in the thread, oldest first."""
        return [post for post in self.workspace.thread(asked.channel, asked) if post.user == self.workspace.bot_user]

    async def shows(self, asked: Post, *texts: str) -> list[Post]:
        """Wait until the thread shows these messages of Parley's, and no others; blanks around them do not count."""
        await self.workspace.until(lambda: [post.text.strip() for post in self.posts(asked)] == [*texts])
        return self.posts(asked)

    async def answered(self, asked: Post, *texts: str) -> list[Post]:
        """The same, and nobody is told any more to wait."""
        posts = await self.shows(asked, *texts)
        await self.workspace.until(lambda: not any(post.streaming for post in posts) and not self.waits(asked))
        return posts

    def waits(self, asked: Post) -> bool:
        """Slack tells people that Parley is at work."""
        session = self.workspace.session(asked.channel, asked)
        return (session is not None and session.status != "active") or bool(self.workspace.status(asked.channel, asked))


@asynccontextmanager
async def scene(path: Path, **options: Any) -> AsyncIterator[Scene]:
    """`options` are those of the simulated Slack. The model must have been asked for all that it had to say."""
    clock, model = HandClock(), ScriptedModel()
    async with slack(now=clock.now, **options) as workspace:
        yield Scene(workspace, model, clock, path, workspace.person("Alice"), workspace.channel("general"))
    model.assert_done()


JUDGED = ["context_actions", "actions"]
"""The buttons below a finished answer: thumbs, and one that asks why."""


def growing(post: Post) -> bool:
    """Each version of it begins with the one before."""
    return all(new.startswith(old) for old, new in zip(post.versions, post.versions[1:], strict=False))


def buttons(post: Post) -> list[str]:
    return [block["type"] for block in post.all_blocks if block["type"] in ("actions", "context_actions")]
