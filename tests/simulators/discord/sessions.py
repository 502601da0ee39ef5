"""Sessions of the gateway: what each one subscribed to, its numbered events, and what it can replay.

https://docs.discord.com/developers/events/gateway#resuming
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Protocol

from tests.simulators.discord.values import JSON

REPLAYED = 1_000
"""Events that a session keeps for a resume. Discord names no number."""


class Intent(IntFlag):
    """https://docs.discord.com/developers/events/gateway#list-of-intents"""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT


@dataclass(frozen=True, slots=True)
class Event:
    """A dispatch. `guild`: the id of the one that it belongs to, empty for direct conversations; `needs`: any of these
    intents; `data` makes the payload, with message content or without.
    """

    name: str
    guild: str
    needs: Intent
    data: Callable[[bool], JSON]


class Link(Protocol):
    """An open connection of the app."""

    def put(self, frame: str) -> None: ...


@dataclass(eq=False)
class Session:
    """One shard's session. `link` is None while the app is away; what happens then waits in `sent`."""

    id: str
    shard: tuple[int, int]
    intents: Intent
    link: Link | None = None
    sequence: int = 0
    sent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=REPLAYED))
    events: deque[tuple[str, JSON]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def wants(self, event: Event) -> bool:
        """Direct conversations belong to shard 0: https://docs.discord.com/developers/events/gateway#sharding."""
        number, count = self.shard
        mine = (int(event.guild) >> 22) % count if event.guild else 0
        return number == mine and (not event.needs or bool(self.intents & event.needs))

    def dispatch(self, event: Event) -> None:
        self.put(event.name, event.data(bool(self.intents & Intent.MESSAGE_CONTENT)))

    def put(self, name: str, data: Any) -> None:
        self.sequence += 1
        frame = json.dumps({"op": 0, "t": name, "s": self.sequence, "d": data})
        self.sent.append((self.sequence, frame))
        self.events.append((name, data))
        if self.link:
            self.link.put(frame)

    def replay(self, after: int) -> bool:
        """Send again what came after a number; false where that is not known any more."""
        oldest = self.sent[0][0] if self.sent else self.sequence + 1
        if not oldest - 1 <= after <= self.sequence:
            return False
        for number, frame in self.sent:
            if number > after and self.link:
                self.link.put(frame)
        return True

    def repeat(self, last: int) -> None:
        """Dispatch the last events once more, as new ones."""
        told = [(name, data) for name, data in self.events if name not in ("READY", "RESUMED", "GUILD_CREATE")]
        for name, data in told[-last:]:
            self.put(name, data)
