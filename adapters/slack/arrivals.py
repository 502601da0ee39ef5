"""Arrivals: what came of each message lately. Slack tells of one in several events, in any order, and of some twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from adapters.pace import Clock
from adapters.remembered import Recent
from adapters.slack.hearing import Deleted, Edited, Said
from adapters.turns import Turns

TWIN_WAIT = 1.0
"""Seconds for which a mention whose event may lack its files waits for the `message` event of the same message.

Slack sends both where Parley is in the channel; an event has to be acknowledged within three seconds.
https://docs.slack.dev/reference/events/app_mention
"""

REMEMBERED = 2_000


@dataclass(slots=True, eq=False)
class Arrival:
    """What is known of one message."""

    whole: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the event with everything in it came."""
    changed: Edited | Deleted | None = None
    """What its author made of it since, which may be known before the message itself."""
    settled: bool = False
    """Its author was told what became of it: no further event of it is to do anything."""

    def learns(self, change: Edited | Deleted) -> bool:
        """Whether a change is no older than what is known: Slack may deliver an old one again. A deletion is final."""
        match self.changed, change:
            case Deleted(), Edited():
                return False
            case Edited(at=known), Edited(at=at) if at < known:
                return False
        self.changed = change
        return True

    def as_it_is(self, said: Said) -> Said | None:
        """The message with its newest text; None where it was deleted."""
        match self.changed:
            case Deleted():
                return None
            case Edited(text=text):
                return replace(said, text=text)
        return said


class Arrivals:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: Recent[tuple[str, str], Arrival] = Recent(REMEMBERED)
        self.turns = Turns()

    def of(self, channel: str, ts: str) -> Arrival:
        arrival = self._known.get((channel, ts)) or Arrival()
        self._known.put((channel, ts), arrival)
        return arrival

    async def is_told_better(self, said: Said) -> bool:
        """Whether another event has more of the same mention; waits a moment for it."""
        whole = self.of(said.channel, said.ts).whole
        if said.files_known:
            whole.set()
            return False
        waiting = asyncio.create_task(whole.wait(), name="the message of a mention")
        timer = asyncio.create_task(self._clock.sleep(TWIN_WAIT), name="patience for it")
        try:
            await asyncio.wait({waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            timer.cancel()
        return whole.is_set()
