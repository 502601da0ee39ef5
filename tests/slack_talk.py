"""Alice and Bob in a channel of the simulated Slack with Parley, and a model that says what the test wrote down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.models.port import UserText
from tests.scripted_model import Gate, ScriptedModel
from tests.simulators.slack import Channel, File, Person, Post, Workspace, slack
from tests.slack_parley import SlackParley, answers, slack_parley


@dataclass(slots=True)
class Talk:
    workspace: Workspace
    model: ScriptedModel
    parley: SlackParley
    alice: Person
    bob: Person
    general: Channel

    async def asks(
        self,
        text: str,
        *,
        who: Person | None = None,
        where: Channel | None = None,
        thread: Post | None = None,
        files: Iterable[File] = (),
    ) -> Post:
        """Somebody, Alice by default, mentions Parley."""
        text = f"{self.workspace.mention} {text}".strip()
        return await (who or self.alice).says(text, where or self.general, thread=thread, files=files)

    async def settled(self) -> None:
        await self.parley.settled()

    async def answered(self, asked: Post) -> list[str]:
        """What Parley says in the thread of a message, once nothing more is to come."""
        await self.settled()
        return answers(self.workspace, asked.channel, asked)

    async def held(self, gate: Gate) -> None:
        """Wait until the model has been asked, and waits."""
        async with asyncio.timeout(20):
            await gate.reached.wait()

    def whispers(self, person: Person | None = None) -> list[str]:
        """What only this person, Alice by default, was told."""
        wanted = (person or self.alice).id
        return [one.text for one in self.workspace.ephemerals if one.user == wanted]

    def spoken(self, number: int = -1) -> list[str]:
        """The people's messages in a request, as the model gets them: a line for the speaker, then the text."""
        return [item.spoken for item in self.model.requests[number].items if isinstance(item, UserText)]

    def sent(self, method: str) -> list[dict[str, Any]]:
        """The arguments of all calls of a method."""
        return [call.arguments for call in self.workspace.calls if call.method == method]


@asynccontextmanager
async def talk_at(path: Path, *, events: Iterable[str] = (), **changes: Any) -> AsyncIterator[Talk]:
    """`events`: the app is subscribed to these only; the other parameters are those of `slack_parley`.

    Raises `AssertionError` at the end where the model was not asked for all that it had to say.
    """
    model, clock = ScriptedModel(), changes.get("clock")
    async with slack(**({"now": clock.now} if clock else {})) as workspace:
        if events:
            workspace.events = set(events)
        alice, bob = workspace.person("Alice"), workspace.person("Bob")
        general = workspace.channel("general")
        async with slack_parley(path / "parley.db", model, workspace, **changes) as parley:
            yield Talk(workspace, model, parley, alice, bob, general)
    model.assert_done()
