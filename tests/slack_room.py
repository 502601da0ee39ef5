"""A channel of the simulated Slack in which Alice asked something, the real client of the app, and a real Bolt app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.hand_clock import HandClock
from tests.simulators.slack import JSON, Channel, Person, Post, Workspace, slack


@dataclass
class Room:
    """A channel with Alice, the app's client, and a clock for both."""

    workspace: Workspace
    clock: HandClock
    client: AsyncWebClient
    alice: Person
    general: Channel
    question: Post

    async def stream(self, **content: Any) -> str:
        """The ts of a stream that answers the question."""
        answer = await self.client.chat_startStream(**self.place, **self.reader, **content)
        return str(answer["ts"])

    @property
    def place(self) -> dict[str, Any]:
        return {"channel": self.general.id, "thread_ts": self.question.ts}

    @property
    def thread(self) -> dict[str, Any]:
        """The same place as methods for threads name it."""
        return {"channel_id": self.general.id, "thread_ts": self.question.ts}

    @property
    def reader(self) -> dict[str, Any]:
        return {"recipient_user_id": self.alice.id, "recipient_team_id": "T1"}

    def at(self, ts: str) -> dict[str, Any]:
        return {"channel": self.general.id, "ts": ts}

    @property
    def answer(self) -> Post:
        return self.workspace.thread(self.general, self.question)[-1]


@asynccontextmanager
async def slack_room() -> AsyncIterator[Room]:
    """A question of Alice's that the app is about to answer."""
    clock = HandClock()
    async with slack(now=clock.now) as workspace:
        alice, general = workspace.person("Alice"), workspace.channel("general")
        client = client_of(workspace)
        question = await alice.says(f"{workspace.mention} rain?", general)
        yield Room(workspace, clock, client, alice, general, question)


def client_of(workspace: Workspace, token: str | None = None) -> AsyncWebClient:
    client = AsyncWebClient(token=token or workspace.bot_token, base_url=workspace.api_url)
    client.retry_handlers.clear()
    return client


async def error(call: Any) -> str:
    """The error code that a call is answered with."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


@dataclass
class Heard:
    """A Bolt app that keeps what it hears. `deaf`: its listener fails, so that nothing is acknowledged."""

    app: AsyncApp
    bodies: list[JSON] = field(default_factory=list)
    retries: list[tuple[str, str]] = field(default_factory=list)
    deaf: bool = False

    @property
    def events(self) -> list[JSON]:
        return [body["event"] for body in self.bodies]

    @property
    def kinds(self) -> list[str]:
        return [f"{event['type']}{'/' + event['subtype'] if 'subtype' in event else ''}" for event in self.events]


def heard_by(workspace: Workspace, **how: Any) -> Heard:
    heard = Heard(AsyncApp(client=client_of(workspace), process_before_response=True, **how))

    async def keep(body: JSON, request: Any) -> None:
        number, reason = (request.headers.get(f"x-slack-retry-{name}", [""]) for name in ("num", "reason"))
        heard.retries.append((number[0], reason[0]))
        if heard.deaf:
            raise RuntimeError("deaf")
        heard.bodies.append(body)

    names = ("app_mention", "message", "member_joined_channel", "agent_session_stopped", "app_home_opened")
    for name in names:
        heard.app.event(name)(keep)
    return heard


@asynccontextmanager
async def connected(workspace: Workspace, heard: Heard) -> AsyncIterator[Heard]:
    handler = AsyncSocketModeHandler(heard.app, workspace.app_token, ping_interval=0.05)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await workspace.connected()
    try:
        yield heard
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
