"""How Slack reaches Parley: over a WebSocket that Parley opens (Socket Mode), or by signed HTTP requests.

Either way Bolt takes the requests in, and acknowledges one when its listener has returned: one that raised, or that
comes while Parley is leaving, is delivered again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import Request
from starlette.responses import Response

from adapters.slack.ears import Ears
from adapters.slack.hearing import Me
from bot.errors import StoreError

ANYTHING = re.compile("")
PING = 5.0
"""Seconds between the pings that tell whether the socket lives."""

REFUSED_WAIT = 60.0
"""Seconds before another socket is asked for where Slack refuses the app token: somebody has to put that right."""

REFUSED = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "not_allowed_token_type"})

log = structlog.get_logger(__name__)
bolt_log, socket_log = logging.getLogger("slack_bolt"), logging.getLogger("slack_sdk.socket_mode")
bolt_log.setLevel(logging.ERROR)  # its warnings are about settings that are as they are on purpose


def _brief(record: logging.LogRecord) -> bool:
    """A lost connection is a line in the log, not a page."""
    record.exc_info = None
    return True


socket_log.addFilter(_brief)


class Leaving(Exception):
    """Parley takes nothing in any more; Slack delivers it again, to whoever comes next."""


class Desk:
    """Where all that Slack delivers comes in. It knows what it is at just now, so that it can be waited for."""

    def __init__(self, me: Me, client: AsyncWebClient, signing_secret: str) -> None:
        self.ears: Ears | None = None
        """None as long as nothing is taken in."""
        self._busy: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=client.token
            )

        self.app = AsyncApp(
            name="parley",
            logger=bolt_log,
            signing_secret=signing_secret,
            request_verification_enabled=bool(signing_secret),
            authorize=authorize,
            process_before_response=True,
            attaching_conversation_kwargs_enabled=False,
            attaching_function_token_enabled=False,
        )
        self._listen()

    async def close(self) -> None:
        """Take nothing in any more, and wait for what is being taken in."""
        self.ears = None
        await self._idle.wait()

    def _listen(self) -> None:
        """One listener a kind: which event it is, `Ears` looks at itself."""

        @self.app.event(ANYTHING)
        async def event(body: dict[str, Any]) -> None:
            await self._take_in(lambda ears: ears.event(body))

        @self.app.command(ANYTHING)
        async def command(body: dict[str, Any], ack: AsyncAck) -> None:
            answer = await self._take_in(lambda ears: ears.command(body))
            await (ack(text=answer, response_type="ephemeral") if answer else ack())

        @self.app.action(ANYTHING)
        async def action(body: dict[str, Any], ack: AsyncAck) -> None:
            await self._take_in(lambda ears: ears.press(body))
            await ack()

        @self.app.shortcut(ANYTHING)
        async def shortcut(body: dict[str, Any], ack: AsyncAck, respond: AsyncRespond) -> None:
            sentence = await self._take_in(lambda ears: ears.shortcut(body))
            await ack()
            if sentence:
                await respond(text=sentence, response_type="ephemeral")

        @self.app.view(ANYTHING)
        async def view(body: dict[str, Any], ack: AsyncAck) -> None:
            await self._take_in(lambda ears: ears.submit(body))
            await ack()

        @self.app.error
        async def failed(error: Exception) -> None:
            if isinstance(error, StoreError):
                log.warning("not taken in; Slack delivers it again", error=str(error))
            elif not isinstance(error, Leaving):
                log.error("not taken in; Slack delivers it again", exc_info=error)

    async def _take_in(self, work: Callable[[Ears], Awaitable[Any]]) -> Any:
        if self.ears is None:
            raise Leaving
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        self._idle.clear()
        try:
            return await work(self.ears)
        finally:
            self._busy.discard(task)
            if not self._busy:
                self._idle.set()

    async def receive(self, request: Request) -> Response:
        """A signed request: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        return await AsyncSlackRequestHandler(self.app).handle(request)


class Socket(SocketModeClient):
    """The SDK's client, which connects, pings and reconnects by itself, but gentler where Slack refuses the token."""

    def __init__(self, desk: Desk, app_token: str, client: AsyncWebClient) -> None:
        super().__init__(app_token, logger=socket_log, web_client=client)
        self.ping_interval = PING
        self._desk = desk
        self._connecting: asyncio.Task[None] | None = None
        self.socket_mode_request_listeners.append(self._deliver)

    def open(self) -> None:
        """Connect, and stay connected, in the background."""
        self._connecting = asyncio.create_task(self._connect(), name="slack socket")

    async def _connect(self) -> None:
        await self.connect()  # type: ignore[no-untyped-call]

    async def issue_new_wss_url(self) -> str:
        try:
            return await super().issue_new_wss_url()
        except SlackApiError as error:
            code = error.response.get("error")
            if code in REFUSED:
                log.error("Slack refuses the app token: set SLACK_APP_TOKEN anew", error=code)  # noqa: TRY400 - one line
                await asyncio.sleep(REFUSED_WAIT)
            raise

    async def _deliver(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        response = await run_async_bolt_app(self._desk.app, request)
        await send_async_response(client, request, response, 0.0)

    async def close(self) -> None:
        await super().close()  # type: ignore[no-untyped-call]
        tasks = [self._connecting, self.message_processor, self.current_session_monitor, self.message_receiver]
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
