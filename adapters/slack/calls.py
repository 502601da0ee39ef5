"""The one door to Slack's Web API: every call goes through it, in its turn, is tried again where that can do no harm,
and fails with a `SlackError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.effort import Effort
from adapters.pace import Clock, Pace, Rank
from adapters.slack.budget import StreamBudget
from adapters.slack.errors import SlackError, broken, damaged, refused
from adapters.slack.limits import FORMS, POST, READS, keys_of, limit

__all__ = ["Calls", "SlackError", "answered", "connect", "limit"]

log = structlog.get_logger(__name__)

TIMEOUT = 10
"""Seconds for a whole call."""
CONNECTING = 5.0
"""Seconds of them for the connection; one that is not made has carried nothing."""

QUIET = 60.0
"""Seconds for which the same trouble is not told again."""


def connect(token: str, base_url: str, session: aiohttp.ClientSession | None = None) -> AsyncWebClient:
    """A client for `Calls`, made inside a running event loop; without a `session` it makes one for all its calls.

    The client repeats nothing by itself: it would post twice where the answer to a post is lost.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT, sock_connect=CONNECTING)
    return AsyncWebClient(
        token,
        base_url=base_url.rstrip("/") + "/",
        timeout=TIMEOUT,
        session=session or aiohttp.ClientSession(timeout=timeout),
        retry_handlers=[],
    )


async def answered(method: str, sent: Awaitable[AsyncSlackResponse], channel: str = "") -> dict[str, Any]:
    """What Slack answers to a call. Raises `SlackError`."""
    try:
        response = await sent
    except SlackApiError as error:
        if isinstance(error.response, aiohttp.ClientResponse):  # its JSON could not be read
            raise damaged(method) from error
        raise refused(
            method, channel, error.response.status_code, error.response.data, error.response.headers
        ) from error
    except AttributeError as error:  # the client takes any answer with status 200 for a JSON object
        raise refused(method, channel, 200, None, {}) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise broken(method, error) from error
    if isinstance(response.data, bytes):
        raise refused(method, channel, 200, None, {})
    return response.data


class Calls:
    def __init__(self, client: AsyncWebClient, pace: Pace, clock: Clock) -> None:
        """`client` is one of `connect`. Its session and `pace` are closed by `close`."""
        assert client.session is not None, "a client that opens a connection for every call"
        self.session = client.session
        self.streams = StreamBudget(pace, clock)
        """Whether a `chat.startStream` may be called; it takes the turn for it."""
        self._client = client
        self._pace = pace
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    async def call(
        self,
        method: str,
        arguments: Mapping[str, Any],
        *,
        rank: Rank,
        channel: str = "",
        patient: bool = True,
        sure: bool = False,
        paced: bool = False,
    ) -> dict[str, Any]:
        """Call `method`, when it is its turn, and return Slack's answer. Arguments that are None are left out.

        `channel` is where the call has its effect. `patient`: where Slack asks for a pause (which has no effect
        otherwise) the call begins anew after it, ten times and five minutes at most. `sure`: the call may be made as
        often as one likes to the same effect, so that it is also tried again where nobody knows whether it had one.
        `paced`: its turn was taken beforehand, by `wait` or `streams.start`. Raises `SlackError`.
        """
        keys = _keys(method, rank, channel)
        effort = Effort(patient, sure)
        while True:
            if not paced:
                await self._pace.turn(keys, rank)
            paced = False
            try:
                return await self._send(method, channel, arguments)
            except SlackError as error:
                self._tell(error)
                if error.limited:
                    self._pace.hold(_keys(method, Rank.FINAL, channel)[-1], error.retry_after or 0.0)
                pause = effort.pause(error, self._clock.now())
                if pause is None:
                    raise
            if pause:
                await self._clock.sleep(pause)

    def room(self, method: str, channel: str = "", rank: Rank = Rank.FINAL) -> bool:
        """Whether a call would go at once."""
        return not self._pace.delay(_keys(method, rank, channel))

    def spare(self, method: str) -> float:
        """How many calls of a method would go at once; `math.inf` where nothing is counted."""
        return self._pace.spare(method)

    async def wait(self, method: str, where: str, rank: Rank) -> None:
        """Take the turn of one call beforehand, so that it can bring what is newest then: `call(…, paced=True)`.

        `where`: the `ts` of the message that it writes into, which sets its rhythm, or the channel of a post.
        """
        await self._pace.turn(keys_of(method, rank, where), rank)

    async def close(self) -> None:
        """Whoever still waits for a turn is cancelled."""
        await self._pace.close()
        await self.session.close()

    async def _send(self, method: str, channel: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        if method in READS:
            sent = self._client.api_call(method, http_verb="GET", params=given)
        elif method in FORMS:
            sent = self._client.api_call(method, params=given)
        else:
            sent = self._client.api_call(method, json=given)
        return await answered(method, sent, channel)

    def _tell(self, error: SlackError) -> None:
        """A warning for each kind of trouble, and no storm of them."""
        kind, now = (error.method, error.error), self._clock.now()
        if now - self._told.get(kind, -QUIET) < QUIET:
            return
        self._told[kind] = now
        log.warning("Slack call failed", method=error.method, error=error.error, problem=str(error))


def _keys(method: str, rank: Rank, channel: str) -> tuple[str, ...]:
    return keys_of(method, rank, channel if method == POST else "")
