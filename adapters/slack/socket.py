"""The WebSocket over which Slack delivers in Socket Mode: how it is opened, kept, and renewed when Slack or the network
ends it, and how Slack is spared where that happens again and again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from math import inf
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.pace import Clock
from adapters.slack.calls import answered
from adapters.slack.errors import SlackError, broken

OPEN = "apps.connections.open"
PING = 5.0
"""Seconds between the pings that tell whether the socket lives."""
HANDSHAKE = 10.0
"""Seconds for a WebSocket to open."""
GOODBYE = 2.0
"""Seconds for Slack to agree that one is closed, and for the acknowledgements that are still to go out."""

STEADY = 60.0
"""Seconds after which a connection has lived long enough to be renewed as if nothing had been wrong before."""
FREE = 2
"""Attempts in quick succession without a pause: a start, and a renewal that Slack asks for right after it."""
LONGEST = 30.0
"""Seconds between attempts at most. The first pause is of one second, and each is twice the one before."""

REFUSED_WAIT = 60.0
"""Seconds before another socket is asked for where Slack refuses the app token: somebody has to put that right."""
REFUSED = frozenset({
    "access_denied",
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
})  # fmt: skip
"""https://docs.slack.dev/reference/methods/apps.connections.open#errors"""

QUIET = 60.0
"""Seconds for which it is not told again that there is no connection."""

Take = Callable[[SocketModeRequest], Awaitable[BoltResponse | None]]
"""Takes in what is delivered, and returns what it is acknowledged with; None for what cannot be read."""

log = structlog.get_logger(__name__)
socket_log = logging.getLogger("slack_sdk.socket_mode")
socket_log.setLevel(logging.ERROR)  # whether there is a connection is told here


def _brief(record: logging.LogRecord) -> bool:
    """A lost connection is a line in the log, not a page."""
    record.exc_info = None
    return True


socket_log.addFilter(_brief)


class Socket(SocketModeClient):
    """The SDK's client, which reads, pings and notices what is dead; here one task of ours alone makes connections.

    https://docs.slack.dev/apis/events-api/using-socket-mode
    """

    def __init__(self, take: Take, app_token: str, client: AsyncWebClient, clock: Clock) -> None:
        """What is delivered goes to `take`. `client` is one of `calls.connect`."""
        super().__init__(app_token, logger=socket_log, web_client=client)
        self.ping_interval = PING
        self._take = take
        self._clock = clock
        self._keeping: asyncio.Task[None] | None = None
        self._delivering: set[asyncio.Task[Any]] = set()
        self._wanted, self._up = asyncio.Event(), asyncio.Event()
        self._attempts, self._greeted_at = 0, inf
        self._reason = ""
        self._lost, self._told_at = False, -inf
        self.message_listeners.append(self._greeted)
        self.socket_mode_request_listeners.append(self._deliver)

    def open(self) -> None:
        """Connect, and stay connected, in the background."""
        self._wanted.set()
        self._keeping = asyncio.create_task(self._keep(), name="slack socket")

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """The SDK asks for it, more than once where it pleases; what it asks for meanwhile is one and the same."""
        if force or not await self.is_connected():
            self._up.clear()
            self._wanted.set()

    async def connect(self) -> None:
        """A new connection in the place of the old one, tried for as long as it takes. A URL opens one WebSocket."""
        if self._clock.now() - self._greeted_at >= STEADY:
            self._attempts = 0
        self._greeted_at = inf
        await self._leave()
        pause = self._pause()
        while not self.closed:
            if pause:
                self._tell_lost(pause)
                await self._clock.sleep(pause)
            self._attempts += 1
            try:
                await self._enter(await self.issue_new_wss_url())
            except SlackError as error:
                pause = self._after(error)
            else:
                return

    async def issue_new_wss_url(self) -> str:
        """Raises `SlackError`."""
        answer = await answered(OPEN, self.web_client.apps_connections_open(app_token=self.app_token))
        return str(answer.get("url"))

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        if message.get("type") == "disconnect":
            self._reason = f"Slack ended the connection ({message.get('reason')})."
        await super().run_message_listeners(message, raw_message)

    async def send_message(self, message: str) -> None:
        """Over the connection there is, or the one to come."""
        await self._up.wait()
        assert self.current_session is not None
        try:
            await self.current_session.send_str(message)
        except ConnectionError:
            await self.connect_to_new_endpoint()
            await self._up.wait()
            await self.current_session.send_str(message)

    async def close(self) -> None:
        """What was taken in just now is still acknowledged."""
        if self._delivering:
            await asyncio.wait(self._delivering, timeout=GOODBYE if self._up.is_set() else 0)
        await _ended([self._keeping, *self._delivering])
        await super().close()  # type: ignore[no-untyped-call]
        await _ended([self.message_processor, self.current_session_monitor, self.message_receiver])

    async def _keep(self) -> None:
        while not self.closed:
            await self._wanted.wait()
            await self.connect()
            self._wanted.clear()
            self._up.set()

    async def _leave(self) -> None:
        """The old connection goes first: Slack counts it."""
        self._up.clear()
        await _ended([self.current_session_monitor, self.message_receiver])
        if self.current_session is not None:
            await self.current_session.close()

    async def _enter(self, url: str) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE):
                session = await self.aiohttp_client_session.ws_connect(
                    url,
                    timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE),
                    autoping=False,
                    heartbeat=self.ping_interval,
                    proxy=self.proxy,
                    ssl=True if self.web_client.ssl is None else self.web_client.ssl,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise broken("the WebSocket handshake", error) from error
        self.current_session, self.stale, self.last_ping_pong_time = session, False, None
        self.current_session_monitor = asyncio.create_task(self.monitor_current_session(), name="slack socket monitor")
        self.message_receiver = asyncio.create_task(self.receive_messages(), name="slack socket receiver")

    def _pause(self) -> float:
        """Seconds before the next attempt, after so many in quick succession."""
        return 0.0 if self._attempts < FREE else min(2.0 ** (self._attempts - FREE), LONGEST)

    def _after(self, error: SlackError) -> float:
        """Seconds before the next attempt, after one that failed."""
        if error.error in REFUSED:
            self._lost = True
            log.error("Slack refuses the app token: set SLACK_APP_TOKEN anew", error=error.error)
            self._told_at = self._clock.now()
            return REFUSED_WAIT
        self._attempts = max(FREE, self._attempts)
        self._reason = str(error)
        return max(self._pause(), error.retry_after or 0.0)

    def _tell_lost(self, pause: float) -> None:
        now = self._clock.now()
        if now - self._told_at >= QUIET:
            self._lost, self._told_at = True, now
            log.warning("no connection to Slack; trying again", problem=self._reason, pause=pause)

    async def _greeted(self, client: AsyncBaseSocketModeClient, message: dict[str, Any], raw: str | None) -> None:
        """https://docs.slack.dev/apis/events-api/using-socket-mode#connect: from its `hello` on a connection is one."""
        if message.get("type") != "hello":
            return
        self._greeted_at = self._clock.now()
        self._reason = "The connection was lost."
        if self._lost:
            self._lost = False
            log.info("connected to Slack again")

    async def _deliver(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)
        response = await self._take(request)
        envelope: Any = request.envelope_id  # whatever Slack, or who speaks for it, has put there
        if not isinstance(envelope, str):
            return
        if response is None:  # otherwise Slack would bring it again
            response = BoltResponse(status=200, body="")
        await send_async_response(client, request, response, 0.0)


async def _ended(tasks: Iterable[asyncio.Future[Any] | None]) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
