"""A run in the making: the task that advances it, and the delivery of its reply."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from bot.assistants.events import Event
from bot.assistants.types import Run
from bot.ports import Adapter, Placed
from bot.store.inbox import Asked


class Telling(Protocol):
    """Takes what happens to a run to whoever asked: `bot.delivery.Delivery` or, for programs, `bot.relay.Told`."""

    def show(self, event: Event) -> None: ...

    def begin_again(self) -> None: ...

    def withdraw(self) -> None: ...

    @property
    def at_rest(self) -> bool: ...

    async def finished(self) -> Placed: ...

    async def stop(self) -> None: ...


@dataclass(slots=True, eq=False)
class Active:
    """`work` advances the run and is what a stop cancels; a task of the handler's sees it delivered."""

    run: Run
    asked: Asked
    adapter: Adapter | None
    """None where a program asked."""
    delivery: Telling
    work: asyncio.Task[Run]
    resumed: bool
    again: bool = False
    """The work was cancelled in order to begin again."""
    stopped: bool = False
    """The work was cancelled, or begins again, in order to end the run, which is being cancelled."""

    def stop(self) -> None:
        """Once only: the work ends the run when it is cancelled, and would be cut short in that."""
        if not self.stopped:
            self.stopped = True
            if not self.again:
                self.work.cancel()

    async def pause(self) -> None:
        """Cancel the work in order to begin it again, unless it is over or being stopped, and see it gone."""
        if not self.work.done():
            if not self.stopped:
                self.again = True
                self.work.cancel()
            await asyncio.wait([self.work])
