"""Tries a model call again where that may help: with back-off and jitter, never sooner than the server asked for,
and never past thirty seconds after the first failure. Where images may be what was refused, at once with fewer.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from bot.clock import Clock
from bot.models import images
from bot.models.port import Model, ModelError, ModelEvent, ModelRequest, Remark, TextDelta, TextDiscarded

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after the first failure beyond which no new attempt begins."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
"""Seconds, before jitter."""


async def stream(
    model: Model,
    request: ModelRequest,
    clock: Clock,
    *,
    log: Any = None,
    jitter: Callable[[], float] = random.random,
) -> AsyncIterator[ModelEvent]:
    """The events of `model.stream(request)`, begun anew after failures that another attempt may mend.

    `TextDiscarded` comes before a new attempt's first event where text was shown already. `jitter` gives numbers
    from 0 to 1 and takes up to a quarter off a wait that the server did not name. `log` is a bound structlog
    logger. The same remark is made once. Raises the last `ModelError` when it is not retryable or patience has run out.
    """
    log = log or structlog.get_logger(__name__)
    failed_at: float | None = None
    attempt, shown = 0, False
    remarks = _Remarks()
    while True:
        attempt += 1
        stale, began, heard = shown, clock.now(), False
        try:
            async with _closing(model.stream(request)) as events:
                async for event in events:
                    heard = True
                    if stale:
                        yield TextDiscarded()
                        stale = shown = False
                    shown = shown or isinstance(event, TextDelta)
                    for new in remarks.pass_on(event):
                        yield new
            return
        except ModelError as error:
            if error.about_images and (less := images.fewer(request)):
                log.warning("model_retry_with_fewer_images", code=error.code, detail=error.detail)
                remarks.due += images.refused(request, less)
                request = less
                continue
            long_and_good = heard and clock.now() - began > PATIENCE
            if failed_at is None or long_and_good:  # which ends a run of failures
                failed_at, attempt = clock.now(), 1
            wait = _wait(error, attempt, jitter)
            if not error.retryable or clock.now() + wait > failed_at + PATIENCE:
                log.warning("model_failed", attempt=attempt, code=error.code, detail=error.detail)
                raise
            log.warning("model_retry", attempt=attempt, wait=round(wait, 3), code=error.code, detail=error.detail)
        await clock.sleep(wait)


async def call(ask: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """What `ask` returns, which is asked again as `stream` begins anew; raises the last `ModelError` as that does."""
    log = structlog.get_logger(__name__)
    failed_at: float | None = None
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ask()
        except ModelError as error:
            failed_at = clock.now() if failed_at is None else failed_at
            wait = _wait(error, attempt, random.random)
            if not error.retryable or clock.now() + wait > failed_at + PATIENCE:
                log.warning("model_failed", attempt=attempt, code=error.code, detail=error.detail)
                raise
            log.warning("model_retry", attempt=attempt, wait=round(wait, 3), code=error.code, detail=error.detail)
        await clock.sleep(wait)


@dataclass(slots=True)
class _Remarks:
    """Those that were made, and those that are due before the next event."""

    due: list[Remark] = field(default_factory=list)
    _made: list[Remark] = field(default_factory=list)

    def pass_on(self, event: ModelEvent) -> list[ModelEvent]:
        new = [one for one in (*self.due, event) if one not in self._made]
        self._made += [one for one in new if isinstance(one, Remark)]
        self.due.clear()
        return new


def _wait(error: ModelError, attempt: int, jitter: Callable[[], float]) -> float:
    backoff = min(LONGEST_WAIT, FIRST_WAIT * float(2 ** (attempt - 1))) * (1 - jitter() / 4)
    return max(backoff, error.retry_after or 0.0)


@asynccontextmanager
async def _closing(events: AsyncIterator[ModelEvent]) -> AsyncIterator[AsyncIterator[ModelEvent]]:
    """Closes a model's stream at once when its reader leaves, so that its connection does not linger."""
    try:
        yield events
    finally:
        close = getattr(events, "aclose", None)
        if close:
            await close()
