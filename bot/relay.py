"""What programs hear of their runs: the engine's events as they happen, for whoever listens. Nobody has to.

To the handler this stands in the place of a delivery: there is no platform to bring a reply to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.assistants.events import ActionRequired, Event, RunEnded
from bot.ports import Placed


@dataclass(frozen=True, slots=True)
class BegunAgain:
    """What was told of the message in the making no longer holds, and what is done already is told once more."""


Heard = Event | BegunAgain


@dataclass(slots=True, eq=False)
class Listener:
    """What one listener has yet to take."""

    _heard: list[Heard] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Heard) -> None:
        self._heard.append(event)
        self._came.set()

    async def next(self) -> Sequence[Heard]:
        """All that has come since the last time, in its order; waits for something to come."""
        await self._came.wait()
        self._came.clear()
        heard, self._heard = self._heard, []
        return heard


class Relay:
    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}

    @contextmanager
    def listening(self, run_id: str) -> Iterator[Listener]:
        """Hear what happens to a run from now on, whether it has begun or not."""
        listener = Listener()
        self._listeners.setdefault(run_id, set()).add(listener)
        try:
            yield listener
        finally:
            listeners = self._listeners[run_id]
            listeners.discard(listener)
            if not listeners:
                del self._listeners[run_id]

    def tell(self, run_id: str, event: Heard) -> None:
        for listener in self._listeners.get(run_id, ()):
            listener.hear(event)


class Told:
    """A run that is told of, as `bot.delivery.Delivery` is one that is shown."""

    def __init__(self, run_id: str, relay: Relay) -> None:
        self._run_id = run_id
        self._relay = relay
        self._rest = asyncio.Event()

    def show(self, event: Event) -> None:
        self._relay.tell(self._run_id, event)
        if isinstance(event, RunEnded | ActionRequired):
            self._rest.set()

    def begin_again(self) -> None:
        self._relay.tell(self._run_id, BegunAgain())

    def withdraw(self) -> None:
        """Nothing is shown anywhere that would have to go."""

    @property
    def at_rest(self) -> bool:
        return self._rest.is_set()

    async def finished(self) -> Placed:
        await self._rest.wait()
        return Placed()

    async def stop(self) -> None:
        """Whoever listens hears of the run when it is gone on with."""
