"""Where answers go: to a platform by its adapter, or by the relay to programs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.active import Telling
from bot.assistants.types import Run
from bot.clock import Clock
from bot.delivery import Delivery, Destination
from bot.ports import Adapter, Placed
from bot.relay import Relay, Told
from bot.store.inbox import Asked
from bot.tenants import PROGRAMS

Record = Callable[[str, Placed], Coroutine[Any, Any, None]]
"""Makes durable what is placed of a run's reply."""


@dataclass(frozen=True, slots=True)
class Outlets:
    clock: Clock
    record: Record
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    relay: Relay | None = None

    @property
    def platforms(self) -> Collection[str]:
        return {*self.adapters, *([PROGRAMS] if self.relay else ())}

    def adapter(self, asked: Asked) -> Adapter | None:
        """None where a program asked."""
        return self.adapters.get(asked.conversation.platform)

    def telling(self, run: Run, asked: Asked, placed: Placed) -> Telling:
        adapter = self.adapter(asked)
        if adapter is None:
            assert self.relay is not None, f"nobody serves {asked.conversation.platform}"
            return Told(run.id, self.relay)

        async def record(placed: Placed) -> None:
            await self.record(run.id, placed)

        return Delivery(adapter, Destination(run.id, asked.conversation, asked.routes, record), placed, self.clock)
