"""The Slack adapter: puts its parts together, and is what the core sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.pace import Clock, Limit, Pace, Rank
from adapters.slack import limits as slack_limits
from adapters.slack.answers import Answers
from adapters.slack.calls import Calls, connect
from adapters.slack.connection import Desk
from adapters.slack.ears import Ears
from adapters.slack.files import Files
from adapters.slack.hearing import PLATFORM, Me
from adapters.slack.manifest import EVENTS_PATH
from adapters.slack.people import People
from adapters.slack.preparing import Preparing
from adapters.slack.socket import Socket
from adapters.slack.working import Working
from bot.assistants.types import JSON
from bot.ports import InboundMessage, Intake, Placed, Prepared, Reply
from bot.view import View

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SlackSettings:
    bot_token: str = field(repr=False)
    app_token: str | None = field(default=None, repr=False)
    """For Socket Mode; without it events come over HTTP and are signed."""
    signing_secret: str | None = field(default=None, repr=False)
    api_url: str = "https://slack.com/api/"
    follow_threads: bool = True
    allow: Sequence[str] = ()
    """`slack:U…` of guests and of people of other organisations who may ask all the same."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What there is once Slack has said who Parley is."""

    desk: Desk
    answers: Answers
    preparing: Preparing
    files: Files


class SlackAdapter:
    def __init__(
        self, settings: SlackSettings, clock: Clock, *, limits: Callable[[str], Limit | None] = slack_limits.limit
    ) -> None:
        """`limits` are those of Slack, unless something is measured."""
        self.platform = PLATFORM
        self._settings = settings
        self._clock = clock
        self._limits = limits
        self._calls: Calls | None = None
        self._ears: Ears | None = None
        self._socket: Socket | None = None
        self._parts: _Parts | None = None
        self._up = asyncio.Event()

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What Slack is to find on the HTTP server: https://docs.slack.dev/apis/events-api/using-http-request-urls"""
        return [] if self._settings.app_token else [Route(EVENTS_PATH, self._receive, methods=["POST"])]

    async def start(self, intake: Intake) -> None:
        """Raises `SlackError` where Slack refuses the bot token, or is not to be reached."""
        given = self._settings
        client = connect(given.bot_token, given.api_url)
        calls = self._calls = Calls(client, Pace(self._clock, self._limits), self._clock)
        me = _me(await calls.call("auth.test", {}, rank=Rank.FINAL, sure=True))
        people = People(calls, me, self._clock, allow=given.allow)
        desk = Desk(me, client, given.signing_secret or "")
        self._parts = _Parts(
            desk,
            Answers(calls, me, self._clock, Working(calls, self._clock)),
            Preparing(calls, me, people),
            Files(calls, calls.session, given.bot_token, given.api_url),
        )
        self._up.set()
        self._ears = Ears(intake, calls, me, people, self._clock, follow_threads=given.follow_threads)
        desk.open(self._ears)
        if given.app_token:
            self._socket = Socket(desk.deliver, given.app_token, client, self._clock)
            self._socket.open()
        log.info("serving Slack", workspace=me.team_name, over="Socket Mode" if given.app_token else EVENTS_PATH)

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        return await (await self._started()).preparing.prepare(message, first=first)

    async def download(self, attachment: JSON, limit: int) -> bytes:
        return await (await self._started()).files.download(attachment, limit)

    async def ready(self, reply: Reply, placed: Placed) -> None:
        await (await self._started()).answers.ready(reply, placed)

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        return await (await self._started()).answers.render(reply, view, placed)

    async def stop_intake(self) -> None:
        """What is being taken in is still acknowledged."""
        if self._parts is not None:
            await self._parts.desk.close()
        if self._socket is not None:
            await self._socket.close()

    async def close(self) -> None:
        if self._ears is not None:
            await self._ears.close()
        if self._parts is not None:
            await self._parts.answers.working.close()
        if self._calls is not None:
            await self._calls.close()

    async def _started(self) -> _Parts:
        """What an earlier process left is taken up before Slack has said who Parley is."""
        await self._up.wait()
        assert self._parts is not None
        return self._parts

    async def _receive(self, request: Request) -> Response:
        return await self._parts.desk.receive(request) if self._parts else Response(status_code=503)


def _me(answer: Mapping[str, Any]) -> Me:
    """https://docs.slack.dev/reference/methods/auth.test"""
    return Me(answer["team_id"], answer.get("team") or answer["team_id"], answer["user_id"], answer.get("bot_id") or "")
