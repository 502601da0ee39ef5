"""The contract on Slack: a thread in #general of the simulated workspace, over Socket Mode."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.assistants.types import Author
from tests.contract.stage import Platform, Shown, Who
from tests.scripted_model import ScriptedModel
from tests.simulators.slack import Channel, Person, Post, Workspace, slack
from tests.simulators.slack.blocks import elements
from tests.simulators.slack.delivery import Envelope
from tests.simulators.slack.values import JSON
from tests.slack_parley import SlackParley, slack_parley

TOKEN, BROADCAST = re.compile(r"<[!@#]\w+"), re.compile(r"(?<!\w)@(?:here|channel|everyone)")
CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


@dataclass(slots=True)
class SlackStage:
    workspace: Workspace
    path: Path
    model: ScriptedModel
    people: dict[str, Person]
    general: Channel
    root: Post | None = None
    last: Post | None = None
    running: SlackParley | None = None

    @asynccontextmanager
    async def parley(self, **changes: Any) -> AsyncIterator[None]:
        async with slack_parley(self.path, self.model, self.workspace, **changes) as self.running:
            yield

    # -- what people do

    async def asks(self, text: str, *, who: Who = "Alice") -> None:
        """A mention begins the thread; whoever goes on there needs none."""
        self.last = await self.people[who].says(self._called(text), self.general, thread=self.root)
        self.root = self.root or self.last

    async def edits(self, text: str) -> None:
        assert self.last
        await self.people["Alice"].edits(self.last, self._called(text))

    async def deletes(self) -> None:
        assert self.last
        await self.people["Alice"].deletes(self.last)

    async def stops(self) -> None:
        """Slack's own button."""
        assert self.root
        await self.people["Alice"].stops(self.general, self.root)

    async def commands(self, text: str, *, who: Who = "Ann") -> str:
        return (await self.people[who].command("/parley", text, self.general)).text

    def author(self, who: Who) -> Author:
        return Author(self.people[who].id, who)

    def reference(self, who: Who) -> str:
        return f"slack:{self.people[who].id}"

    def _called(self, text: str) -> str:
        return text if self.root not in (None, self.last) else f"{self.workspace.mention} {text}"

    # -- what Slack does

    async def delivers_again(self) -> None:
        heard = len(self.workspace.acks) + len(self.workspace.delivery.events)
        await self.workspace.redeliver()
        await self.until(lambda: len(self.workspace.acks) >= heard)

    def on_taken(self, look: Callable[[], None]) -> None:
        delivery = self.workspace.delivery
        settle = delivery.settle

        def settled(envelope: Envelope, payload: JSON) -> None:
            settle(envelope, payload)
            if not delivery.unacknowledged:
                look()

        delivery.settle = settled  # type: ignore[method-assign]

    # -- what is seen

    @property
    def shown(self) -> Shown:
        """Files have a message of their own, which says nothing."""
        texts = [post.text.strip() for post in self._posts() if post.text or not post.files]
        return Shown(tuple(texts), tuple(self._statuses()))

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return [(file.name, file.content) for post in self._posts() for file in post.files]

    @property
    def whispers(self) -> Sequence[str]:
        return [one.text for one in self.workspace.ephemerals]

    @property
    def sent(self) -> str:
        return json.dumps([call.arguments for call in self.workspace.calls], ensure_ascii=False)

    @property
    def alarms(self) -> Sequence[str]:
        """Tokens notify wherever they stand. A bare @here is none where nobody asks Slack to look for such."""
        asking = [call.method for call in self.workspace.calls if {"link_names", "parse"} & call.arguments.keys()]
        seen = [CODE.sub("", version) for post in self._posts() for version in post.versions]
        return [*TOKEN.findall(self.sent), *asking, *BROADCAST.findall("\n".join(seen))]

    async def until(self, condition: Callable[[], object]) -> None:
        await self.workspace.until(condition)

    async def quiet(self) -> None:
        assert self.running
        await self.running.settled()

    def _posts(self) -> list[Post]:
        thread = self.workspace.thread(self.general, self.root) if self.root else []
        return [post for post in thread if post.user == self.workspace.bot_user]

    def _statuses(self) -> Iterator[str]:
        """A tool's card that says that it is done belongs to the answer."""
        if self.root is None:
            return
        session = self.workspace.session(self.general, self.root)
        if session is not None and session.status != "active":
            yield session.status
        if status := self.workspace.status(self.general, self.root):
            yield status
        for post in self._posts():
            yield from [title for title, state in post.tasks if state == "in_progress"]
            yield from ["streaming"] * post.streaming
            yield from (element["action_id"] for _, element in elements(post.all_blocks) if is_stop(element))


def is_stop(element: JSON) -> bool:
    return element.get("action_id") == "stop"


@asynccontextmanager
async def stage(path: Path, model: ScriptedModel) -> AsyncIterator[SlackStage]:
    async with slack() as workspace:
        people = {"Alice": workspace.person("Alice"), "Bob": workspace.person("Bob")}
        people["Ann"] = workspace.person("Ann", admin=True)
        yield SlackStage(workspace, path, model, people, workspace.channel("general"))


SLACK = Platform("slack", frozenset({"live", "takes back", "looks up", "redelivers", "corrects", "people"}), stage)
