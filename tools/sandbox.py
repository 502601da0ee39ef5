"""Runs Python that a model wrote, which is hostile code as far as Parley is concerned: each call in a bounded process
that holds an interpreter without files, network, environment and processes, and tells in JSON what became of it
(`tools.monty`).

The variables of a run are kept between its calls as bytes, so that a run that thinks or waits holds no process. They
are those of the last call that went well: what ends one in its midst leaves them as they were before it. Parley itself
never reads them, nor makes objects of what the code has made.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import structlog

from tools import bounded, monty
from tools.monty import Ran

SECONDS = 8.0
"""Of execution a call."""
BESIDES = 4.0
"""Seconds for all else: a process starts, reads the variables, and says what became of the call."""
AT_ONCE = 4
"""Calls of one Parley."""
DRAWING = 2
"""Processes that draw charts, of one Parley."""
PATIENCE = 5.0
"""Seconds that a call waits for the one before it and for its place."""
KEPT_FOR = 15 * 60.0
"""Seconds after its last call that the variables of a run are kept; those of `MOST_RUNS` at the most."""
MOST_RUNS = 50
MOST_STATE = 64 * 1024 * 1024
"""Bytes of the variables of all runs together."""

log = structlog.get_logger(__name__)


class Busy(Exception):
    """No place was free in time, or the calls of the run before this one took too long."""


class Unavailable(Exception):
    """There is no interpreter here, or Parley is about to end."""


@dataclass(slots=True)
class _Session:
    used: float
    state: bytes = b""
    calls: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sandbox:
    """Starts nothing before the first call. `now` counts seconds, for how long variables are kept."""

    def __init__(
        self, *, now: Callable[[], float] = time.monotonic, seconds: float = SECONDS, patience: float = PATIENCE
    ) -> None:
        self.drawing = asyncio.Semaphore(DRAWING)
        self._now = now
        self._seconds = seconds
        self._patience = patience
        self._places = asyncio.Semaphore(AT_ONCE)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()  # by run, the least recently used first
        self._calls: set[asyncio.Task[Any]] = set()
        self._tidying: asyncio.TimerHandle | None = None
        self._closed = False

    async def run(self, run_id: str, code: str) -> Ran:
        """Run `code` with the variables of the run, and with `plot`.

        Calls of one run take turns. Raises `Busy`, `Unavailable`, and nothing else but `CancelledError`.
        """
        if self._closed:
            raise Unavailable
        call = asyncio.current_task()
        assert call is not None
        self._calls.add(call)
        session = self._session(run_id)
        session.calls += 1
        try:
            async with AsyncExitStack() as stack:
                await self._admit(stack, session)
                return await self._execute(session, code)
        finally:
            session.calls -= 1
            session.used = self._now()
            self._calls.discard(call)
            self._tidy()

    async def close(self) -> None:
        """End the calls that are left."""
        self._closed = True
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._sessions.clear()
        self._tidy()

    async def _admit(self, stack: AsyncExitStack, session: _Session) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await stack.enter_async_context(session.turn)
                await stack.enter_async_context(self._places)
        except TimeoutError:
            raise Busy from None

    async def _execute(self, session: _Session, code: str) -> Ran:
        asked = monty.asked(code, self._seconds, session.state)
        seconds = self._seconds + BESIDES
        found = await bounded.answer(monty.__name__, asked, {}, seconds=seconds, most=monty.LARGEST_SAID)
        if found.trouble == "slow":
            return Ran(error="The sandbox took too long.", ended=True)
        try:
            ran, state = monty.heard(found.said)
        except ValueError as error:
            log.warning("sandbox broke off", trouble=found.trouble, error=str(error))
            return Ran(error="The sandbox broke off.", ended=True)
        if ran.broken:
            log.warning("sandbox failed", error=ran.broken)
            raise Unavailable
        if state or ran.gone:
            session.state = state
        return ran

    # -- what is kept -------------------------------------------------------------------------------------------

    def _session(self, run_id: str) -> _Session:
        self._tidy()
        session = self._sessions.setdefault(run_id, _Session(self._now()))
        self._sessions.move_to_end(run_id)
        return session

    def _tidy(self) -> None:
        """Drop what nobody has used for long, and the least recently used of what is too much."""
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        size = sum(len(session.state) for session in self._sessions.values())
        for run_id, session in list(self._sessions.items()):
            old = self._now() - session.used >= KEPT_FOR
            if session.calls == 0 and (old or len(self._sessions) > MOST_RUNS or size > MOST_STATE):
                size -= len(session.state)
                del self._sessions[run_id]
        if self._sessions:
            self._tidying = asyncio.get_running_loop().call_later(KEPT_FOR, self._tidy)
