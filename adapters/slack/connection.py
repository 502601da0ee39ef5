"""Where all that Slack delivers comes in, over a WebSocket (socket.py) or by signed HTTP requests.

Either way Bolt takes the requests in, and acknowledges one when its listener has returned. An event whose listener
raised, or that comes while Parley is leaving, is delivered again; commands, presses and forms never are, and Slack
tells the person that the app did not respond. https://docs.slack.dev/apis/events-api#retries
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import Request
from starlette.responses import Response

from adapters.door import Door, Leaving
from adapters.slack import shapes
from adapters.slack.dashboard import PREFIX
from adapters.slack.ears import Ears
from adapters.slack.hearing import Me
from bot.errors import StoreError

ANYTHING = re.compile("")
OF_HOME = re.compile(f"^{PREFIX}")
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What comes of looking into a payload of another form."""
NOT_AGAIN = {"X-Slack-No-Retry": "1"}
"""https://docs.slack.dev/apis/events-api#turning-off-retries"""
UNIX_SECONDS = re.compile("[0-9]{1,12}")
log = structlog.get_logger(__name__)
bolt_log = logging.getLogger("slack_bolt")
bolt_log.setLevel(logging.ERROR)  # its warnings are about settings that are as they are on purpose


class Desk:
    """Where all that Slack delivers comes in."""

    def __init__(self, me: Me, client: AsyncWebClient, signing_secret: str) -> None:
        self._ears: Ears | None = None
        self._door = Door()
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=client.token
            )

        self.app = AsyncApp(
            name="parley",
            logger=bolt_log,
            signing_secret=signing_secret,
            request_verification_enabled=False,  # `receive` does it, before anything is parsed
            authorize=authorize,
            process_before_response=True,
            attaching_conversation_kwargs_enabled=False,
            attaching_function_token_enabled=False,
        )
        self._listen()

    def open(self, ears: Ears) -> None:
        """From now on what comes in is taken to these ears."""
        self._ears = ears
        self._door.open()

    async def close(self) -> None:
        """Take nothing in any more. Events that are not acknowledged by now are delivered again."""
        await self._door.close()

    def _listen(self) -> None:
        """One listener a kind: which event it is, `Ears` looks at itself."""

        @self.app.event(ANYTHING)
        async def event(body: dict[str, Any]) -> None:
            await self._take_in(lambda ears: ears.event(body))

        @self.app.command(ANYTHING)
        async def command(body: dict[str, Any], ack: AsyncAck) -> None:
            answer = await self._take_in(lambda ears: ears.command(body))
            await (ack(text=answer, response_type="ephemeral") if answer else ack())

        @self.app.action(OF_HOME)
        async def home_action(body: dict[str, Any], ack: AsyncAck) -> None:
            await self._take_in(lambda ears: ears.home.press(body))
            await ack()

        @self.app.action(ANYTHING)
        async def action(body: dict[str, Any], ack: AsyncAck) -> None:
            await self._take_in(lambda ears: ears.pressing.press(body))
            await ack()

        @self.app.shortcut(ANYTHING)
        async def shortcut(body: dict[str, Any], ack: AsyncAck, respond: AsyncRespond) -> None:
            sentence = await self._take_in(lambda ears: ears.pressing.shortcut(body))
            await ack()
            if sentence:
                await respond(text=sentence, response_type="ephemeral")

        @self.app.view(OF_HOME)
        async def home_view(body: dict[str, Any], ack: AsyncAck) -> None:
            """https://docs.slack.dev/surfaces/modals#displaying_errors"""
            errors = await self._take_in(lambda ears: ears.home.submit(body))
            await (ack(response_action="errors", errors=errors) if errors else ack())

        @self.app.view(ANYTHING)
        async def view(body: dict[str, Any], ack: AsyncAck) -> None:
            errors = await self._take_in(lambda ears: ears.pressing.submit(body))
            await (ack(response_action="errors", errors=errors) if errors else ack())

        @self.app.error
        async def failed(error: Exception, body: dict[str, Any]) -> None:
            again = "event" in body
            if isinstance(error, StoreError):
                log.warning("not taken in", again=again, error=str(error))
            elif not isinstance(error, Leaving):
                log.error("not taken in", again=again, exc_info=error)

    async def _take_in(self, work: Callable[[Ears], Awaitable[Any]]) -> Any:
        ears = self._ears
        if ears is None:
            raise Leaving
        return await self._door.take_in(lambda: work(ears))

    async def deliver(self, request: SocketModeRequest) -> BoltResponse | None:
        """What came over the WebSocket. None for what cannot be read."""
        headers = build_headers(request)
        return await self._dispatched(
            lambda: request.payload,
            lambda: AsyncBoltRequest(mode="socket_mode", body=request.payload, headers=headers),
        )

    async def _dispatched(self, read: Callable[[], Any], made: Callable[[], AsyncBoltRequest]) -> BoltResponse | None:
        """None for what cannot be read: it would be no better another time."""
        try:
            if not (problem := shapes.problem(read())):
                return await self.app.async_dispatch(made())
        except UNREADABLE as error:  # of Bolt itself, which looks into more than we do
            problem = type(error).__name__
        log.warning("Slack delivered what cannot be read", problem=problem)
        return None

    async def receive(self, request: Request) -> Response:
        """A signed request: https://docs.slack.dev/authentication/verifying-requests-from-slack

        What somebody else sends is refused without a word.
        """
        try:
            body = (await request.body()).decode()
        except UnicodeDecodeError:
            return Response(status_code=400)
        if not self._signed(body, request.headers):
            return Response(status_code=401)
        content_type = request.headers.get("content-type", "")
        answer = await self._dispatched(
            lambda: shapes.parsed(body, content_type), lambda: to_async_bolt_request(request, body.encode())
        )
        if answer is None:
            return Response(status_code=400, headers=NOT_AGAIN)
        return to_starlette_response(answer)

    def _signed(self, body: str, headers: Mapping[str, str]) -> bool:
        at, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        readable = UNIX_SECONDS.fullmatch(at) and signature.isascii()
        return bool(readable and self._verifier and self._verifier.is_valid(body, at, signature))
