"""Delivery by signed HTTP requests: events, commands and interactions to the app's address.

https://docs.slack.dev/authentication/verifying-requests-from-slack, https://docs.slack.dev/apis/events-api#retries. The
three retries follow at once here; Slack makes them after some seconds, a minute and five minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

from tests.simulators.slack.delivery import RETRIES, Delivery, Envelope
from tests.simulators.slack.values import JSON


@dataclass(eq=False)
class HttpDelivery:
    """`skew`: seconds added to the time that requests are signed with; `secret`: what they are signed with."""

    delivery: Delivery
    url: str
    secret: str
    skew: float = 0.0
    answers: list[int] = field(default_factory=list)
    """The HTTP status of each request; 0 where there was none in time."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None

    def start(self, envelope: Envelope) -> None:
        task = asyncio.create_task(self._deliver(envelope), name="slack simulator push")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def inject(self, body: str, content_type: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Post these very characters, signed, with other headers in the place of the usual ones where they are given.

        The status and the text of the answer, which nothing else comes of.
        """
        whole = {**self._signed(body), "Content-Type": content_type, **(headers or {})}
        self._session = self._session or aiohttp.ClientSession()
        data = body.encode("utf-8", "surrogatepass")
        async with self._session.post(self.url, data=data, headers=whole) as answer:
            return answer.status, await answer.text()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def _deliver(self, envelope: Envelope) -> None:
        while True:
            envelope.sent_at = asyncio.get_running_loop().time()
            reason, payload, final = await self._post(envelope)
            if not reason:
                self.delivery.settle(envelope, payload)
                return
            self.delivery.changed()
            if final or envelope.kind != "events_api" or envelope.attempt >= RETRIES:
                return
            envelope.again(reason)

    async def _post(self, envelope: Envelope) -> tuple[str, JSON, bool]:
        """Why it failed (empty where it did not), the body of the answer, and whether the app wants no retry."""
        body, content_type = _body(envelope)
        headers = self._signed(body) | {"Content-Type": content_type}
        if envelope.attempt:
            headers |= {"X-Slack-Retry-Num": str(envelope.attempt), "X-Slack-Retry-Reason": envelope.reason}
        self._session = self._session or aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=self.delivery.patience)
        try:
            async with self._session.post(self.url, data=body, headers=headers, timeout=timeout) as answer:
                self.answers.append(answer.status)
                text = await answer.text()
                no_retry = answer.headers.get("X-Slack-No-Retry") == "1"
                return ("" if answer.status == 200 else "http_error"), _payload(text), no_retry
        except TimeoutError:
            reason = "http_timeout"
        except aiohttp.ClientError:
            reason = "connection_failed"
        self.answers.append(0)
        return reason, {}, False

    def _signed(self, body: str) -> dict[str, str]:
        at = str(int(time.time() + self.skew))  # the app compares it with its own clock
        signed = f"v0:{at}:{body}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


def _body(envelope: Envelope) -> tuple[str, str]:
    if envelope.kind == "events_api":
        return json.dumps(envelope.payload), "application/json"
    form = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


def _payload(text: str) -> JSON:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
