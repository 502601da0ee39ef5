"""Settlement: records that an answer is delivered, and counts what it has cost, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Run
from bot.clock import Clock
from bot.errors import StoreError
from bot.ports import Placed
from bot.prices import Prices
from bot.store import runs, spending
from bot.store.database import Database

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Settlement:
    database: Database
    owner: str
    prices: Prices
    clock: Clock
    closing: bool = False
    """Parley is shutting down: one attempt has to do."""

    async def settle(self, run: Run, placed: Placed, *, forget: bool) -> None:
        """It is shown: when the store fails, this is tried again, and not the showing. Raises `StoreError`.

        A run that rests is gone on with by somebody who cannot know how far the one before got: undecided. With
        `forget` the last state removes what was kept only in order to answer.
        """
        done = run.is_terminal
        placed = placed if done else replace(placed, undecided=True)

        async def operation(tx: AsyncConnection) -> None:
            rests = None if done else run
            first = await runs.place(tx, run.id, self.owner, placed, done=done, forget=forget, rests=rests)
            if done and first and run.usage is not None:  # the model has been asked
                await spending.add(tx, run, self.prices.cost(run.model, run.usage) or 0.0)

        for wait in (*WAITS, None):
            try:
                await self.database.write(operation)
                break
            except StoreError as error:
                if wait is None or self.closing:
                    raise
                log.warning("delivery not recorded yet", error=str(error))
                await self.clock.sleep(wait)
        if done:
            _tell(run)


def _tell(run: Run) -> None:
    """The one line that a run leaves in the log."""
    usage, took = run.usage, (run.ended_at or run.created_at) - run.created_at
    log.info(
        "run ended",
        outcome=run.status,
        seconds=round(took, 3),
        model=run.model,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        total_tokens=usage.total_tokens if usage else 0,
        **({"error": run.last_error.code} if run.last_error else {}),
    )
