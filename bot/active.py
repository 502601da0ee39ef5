"""A run in the making: the task that advances it, and the delivery of its reply."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.assistants.types import Run
from bot.delivery import Delivery
from bot.ports import Adapter
from bot.store.inbox import Asked


@dataclass(slots=True, eq=False)
class Active:
    """`work` advances the run and is what a stop cancels; a task of the handler's sees it delivered."""

    run: Run
    asked: Asked
    adapter: Adapter
    delivery: Delivery
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
