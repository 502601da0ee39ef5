"""Envelopes on their way to the app: who waits, what was acknowledged and how soon, and what goes out again.

While no app is connected, everything waits and goes out at the next connection, as with the retries of Slack's Events
API. An event without acknowledgement goes out again on the next connection, or when `patience` is over, up to three
times, with `retry_attempt` and `retry_reason`: https://docs.slack.dev/apis/events-api/using-socket-mode,
https://docs.slack.dev/apis/events-api#retries. Commands and interactions are never repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.simulators.slack.values import JSON

RETRIES = 3
PATIENCE = 3.0
"""Seconds that Slack waits for an acknowledgement."""


class Link(Protocol):
    """An open connection of the app."""

    draining: bool

    async def send(self, frame: str) -> None: ...


class Pusher(Protocol):
    """Delivers over HTTP instead."""

    def start(self, envelope: Envelope) -> None: ...


@dataclass(eq=False)
class Envelope:
    """`kind`: events_api, slash_commands or interactive. Each time that it goes out it has a new `id`. `once`: it never
    goes out again.
    """

    kind: str
    payload: JSON
    id: str = ""
    attempt: int = 0
    reason: str = ""
    sent_at: float = 0.0
    acknowledged: bool = False
    answer: asyncio.Future[JSON] | None = None
    link: Link | None = None
    timer: asyncio.TimerHandle | None = None
    once: bool = False

    @property
    def frame(self) -> str:
        """https://docs.slack.dev/apis/events-api/using-socket-mode#events"""
        found: JSON = {"envelope_id": self.id, "type": self.kind, "payload": self.payload}
        found["accepts_response_payload"] = self.kind != "events_api"
        if self.kind == "events_api":
            found |= {"retry_attempt": self.attempt, "retry_reason": self.reason}
        return json.dumps(found)

    def again(self, reason: str) -> None:
        self.attempt, self.reason = min(self.attempt + 1, RETRIES), reason


@dataclass(eq=False)
class Delivery:
    """The queue to the app, and the record of what became of each envelope."""

    changed: Callable[[], None]
    new_id: Callable[[], str]
    history: bool = True
    patience: float = PATIENCE
    pusher: Pusher | None = None
    acks: list[float] = field(default_factory=list)
    events: list[Envelope] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _waiting: deque[Envelope | str] = field(default_factory=deque)
    _pending: dict[str, JSON] = field(default_factory=dict)
    _out: dict[str, Envelope] = field(default_factory=dict)
    _lost_acks: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def unacknowledged(self) -> list[JSON]:
        """The payloads of events that the app has not acknowledged, oldest first."""
        return list(self._pending.values())

    def put(self, envelope: Envelope) -> None:
        """Send as soon as an app is connected, or at once to the address that a test gave."""
        if envelope.kind == "events_api":
            self._pending[envelope.payload["event_id"]] = envelope.payload
            if self.history:
                self.events.append(envelope)
        if self.pusher:
            self.pusher.start(envelope)
            return
        self._waiting.append(envelope)
        self._wake.set()

    def inject(self, sent: Envelope | str) -> None:
        """Send over Socket Mode an envelope whose payload may be anything, or a frame of these very characters.

        It is none of the events that are counted and repeated: an app may well leave it without an acknowledgement.
        """
        if isinstance(sent, Envelope):
            sent.once = True
        self._waiting.append(sent)
        self._wake.set()

    async def ask(self, envelope: Envelope) -> JSON:
        """Send and wait for the acknowledgement; its payload, empty without one. Raises `TimeoutError` after
        `patience` seconds: Slack then tells the person that the app did not respond.
        """
        envelope.answer = asyncio.get_running_loop().create_future()
        self.put(envelope)
        try:
            async with asyncio.timeout(self.patience):
                return await envelope.answer
        except TimeoutError:
            raise TimeoutError(f"{envelope.kind} not acknowledged in {self.patience} s: {envelope.payload}") from None

    def lose_acks(self, count: int) -> None:
        """The next acknowledgements get lost, and their events go out again at once."""
        self._lost_acks += count

    def repeat(self, last: int | None = None) -> None:
        """Every event once more, acknowledged or not; or the `last` ones."""
        for past in self.events[-last:] if last else list(self.events):
            copy = Envelope(past.kind, past.payload, attempt=past.attempt)
            copy.again("timeout")
            self._pending[copy.payload["event_id"]] = copy.payload
            if self.pusher:
                self.pusher.start(copy)
            else:
                self._waiting.append(copy)
        self._wake.set()

    async def pump(self, link: Link) -> None:
        """Send over one connection what waits, until it is closed or is to drain."""
        while not link.draining:
            while self._waiting and not link.draining:
                envelope = self._waiting.popleft()
                if isinstance(envelope, str):
                    await link.send(envelope)
                    continue
                self._going(envelope, link)
                await link.send(envelope.frame)
            self._wake.clear()
            if not self._waiting:
                await self._wake.wait()

    def received(self, frame: str) -> None:
        """An acknowledgement: {"envelope_id": …, "payload": …}."""
        given = json.loads(frame)
        envelope = self._out.get(given.get("envelope_id", ""))
        if envelope is None:
            return
        if self._lost_acks and envelope.kind == "events_api":
            self._lost_acks -= 1
            self._repeat(envelope, "timeout")
            return
        del self._out[envelope.id]
        self.settle(envelope, given.get("payload") or {})

    def settle(self, envelope: Envelope, payload: JSON) -> None:
        """Take an envelope as acknowledged."""
        if envelope.timer:
            envelope.timer.cancel()
        self.acks.append(asyncio.get_running_loop().time() - envelope.sent_at)
        envelope.acknowledged = True
        if not envelope.once:
            self._pending.pop(envelope.payload.get("event_id", ""), None)
        if envelope.answer and not envelope.answer.done():
            envelope.answer.set_result(payload)
        self.changed()

    def left(self, link: Link) -> None:
        """A connection is gone: what it was not acknowledged for goes first over the next one."""
        self.links.remove(link)
        lost = [envelope for envelope in self._out.values() if envelope.link is link]
        for envelope in reversed(lost):
            self._repeat(envelope, "connection_failed", first=True)
        self._wake.set()
        self.changed()

    def close(self) -> None:
        """No more timers."""
        for envelope in self._out.values():
            if envelope.timer:
                envelope.timer.cancel()

    def _going(self, envelope: Envelope, link: Link) -> None:
        loop = asyncio.get_running_loop()
        envelope.id, envelope.link, envelope.sent_at = self.new_id(), link, loop.time()
        self._out[envelope.id] = envelope
        if envelope.kind == "events_api" and not envelope.once:
            envelope.timer = loop.call_later(self.patience, self._overdue, envelope, envelope.id)

    def _overdue(self, envelope: Envelope, id_: str) -> None:
        if envelope.id == id_ and not envelope.acknowledged and envelope.attempt < RETRIES:
            self._repeat(envelope, "timeout")

    def _repeat(self, envelope: Envelope, reason: str, *, first: bool = False) -> None:
        self._out.pop(envelope.id, None)
        if envelope.timer:
            envelope.timer.cancel()
        if envelope.kind != "events_api" or envelope.once:
            return
        envelope.again(reason)
        if first:
            self._waiting.appendleft(envelope)
        else:
            self._waiting.append(envelope)
        self._wake.set()
