"""Runs Python that a model wrote, which is hostile code as far as Parley is concerned, in workers of `pydantic-monty`:
an interpreter of its own, without files, network, environment and processes, in a process that serves one call
(https://pypi.org/project/pydantic-monty/).

The variables of a run are kept between its calls as bytes, so that a run that thinks or waits holds no process. They
are those of the last call that went well: what ends one in its midst leaves them as they were before it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, AsyncMontySession

SECONDS = 8.0
"""Of execution a call."""
MEMORY = 64 * 1024 * 1024
"""Bytes of a worker's heap."""
DEPTH = 500
"""Calls within calls."""
SUSPENSIONS = 100
"""Times a call may ask Parley for something: a function of ours, or a name that it does not know."""
LONGEST_PRINT = 20_000
"""Characters that are kept of what a call prints."""
MOST_PRINTED = 200_000
"""Characters after which a call is stopped."""
AT_ONCE = 4
"""Workers of one Parley."""
DRAWING = 2
"""Processes that draw charts, of one Parley."""
PATIENCE = 5.0
"""Seconds that a call waits for the one before it and for a worker."""
KEPT_FOR = 15 * 60.0
"""Seconds after its last call that the variables of a run are kept; those of `MOST_RUNS` at the most."""
MOST_RUNS = 50
LARGEST_STATE = 8 * 1024 * 1024
"""Bytes of a run's variables, and of those of all runs together."""
MOST_STATE = 64 * 1024 * 1024
NO_NEW_FILES = 3
"""Descriptors that a worker may open are below this; those that it has stay open. It needs none."""
ADDRESS_SPACE = 512 * 1024 * 1024
NICENESS = 10

Functions = Mapping[str, Callable[..., None]]

log = structlog.get_logger(__name__)


class Busy(Exception):
    """No worker was free in time, or the calls of the run before this one took too long."""


class Unavailable(Exception):
    """Workers cannot be started here, or Parley is about to end."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one call. `value` is that of its last expression, in plain Python; of hostile origin, like all.

    `error` is a traceback or a sentence. `ended` by a limit or the worker's death: then, and where the variables were
    too `large`, those of the run are what they were before the call. `gone`: they were lost, and nothing was run.
    """

    printed: str = ""
    cut: bool = False
    value: object = None
    error: str = ""
    ended: bool = False
    large: bool = False
    gone: bool = False


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
        self._pool: AsyncMonty | None = None
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()  # by run, the least recently used first
        self._calls: set[asyncio.Task[Any]] = set()
        self._tidying: asyncio.TimerHandle | None = None
        self._closed = False

    async def run(self, run_id: str, code: str, functions: Functions | None = None) -> Ran:
        """Run `code` with the variables of the run. `functions` are what it may call of ours, from any thread; what
        they raise is raised in the code, and what they are given is as hostile as the code.

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
                return await self._execute(session, code, functions or {})
        finally:
            session.calls -= 1
            session.used = self._now()
            self._calls.discard(call)
            self._tidy()

    async def close(self) -> None:
        """End the calls that are left, and every worker."""
        self._closed = True
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._sessions.clear()
        self._tidy()
        if pool := self._pool:
            self._pool = None
            await pool.__aexit__(None, None, None)

    async def _admit(self, stack: AsyncExitStack, session: _Session) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await stack.enter_async_context(session.turn)
                await stack.enter_async_context(self._places)
        except TimeoutError:
            raise Busy from None

    # -- one call -----------------------------------------------------------------------------------------------

    async def _execute(self, session: _Session, code: str, functions: Functions) -> Ran:
        try:
            pool = await self._open()
            async with pool.checkout(limits=_limits(self._seconds), os_policy=_policy()) as worker:
                _confine(worker.worker_pid, self._seconds)
                return await _fed(worker, session, code, functions)
        except TimeoutError:
            raise Busy from None
        except Exception as error:  # of the workers and not of the code: there is no interpreter, or no memory for one
            log.warning("sandbox failed", error=f"{type(error).__name__}: {error}"[:500])
            raise Unavailable from None

    async def _open(self) -> AsyncMonty:
        async with self._opening:
            if self._pool is None:
                monty = await asyncio.to_thread(importlib.import_module, "pydantic_monty")
                self._pool = await monty.AsyncMonty(
                    min_processes=0,
                    max_processes=AT_ONCE,
                    max_checkouts_per_worker=1,
                    checkout_timeout=self._patience,
                    request_timeout=self._seconds + 2,
                ).__aenter__()
            return self._pool

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


async def _fed(worker: AsyncMontySession, session: _Session, code: str, functions: Functions) -> Ran:
    from pydantic_monty import MontyError

    if session.state:
        try:
            await worker.load_session(session.state)
        except MontyError:
            session.state = b""
            return Ran(gone=True)
    printed = _Printed()
    feed = asyncio.ensure_future(worker.feed_run(code, external_lookup=dict(functions), print_callback=printed))
    printed.stop = feed.cancel
    try:
        await asyncio.wait({feed})
    finally:
        feed.cancel()  # ends the worker, where it still runs
    said, cut = printed.text, printed.over
    if feed.cancelled():
        return Ran(said, cut, error=f"Stopped: it printed more than {MOST_PRINTED:,} characters.", ended=True)
    if error := feed.exception():
        text, ended = _failure(error)
        return Ran(said, cut, error=text, ended=ended or not await _kept(worker, session))
    return Ran(said, cut, feed.result(), large=not await _kept(worker, session))


async def _kept(worker: AsyncMontySession, session: _Session) -> bool:
    from pydantic_monty import MontyError

    try:
        state = await worker.dump()
    except (MontyError, RuntimeError):  # the worker is gone
        return False
    if len(state) > LARGEST_STATE:
        return False
    session.state = state
    return True


def _failure(error: BaseException) -> tuple[str, bool]:
    """What the model reads of it, and whether the call was ended in its midst, so that its variables mean nothing.

    Monty gives no guarantees about the heap after a limit of time; what has hit the limit of memory would hit it again.
    """
    from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

    if isinstance(error, MontyRuntimeError | MontySyntaxError):
        return error.display(), isinstance(error.exception(), MemoryError | TimeoutError)
    if isinstance(error, MontyCrashedError):
        return "The sandbox took too long." if error.timed_out else "The sandbox broke off.", True
    log.warning("sandbox failed a call", error=f"{type(error).__name__}: {error}"[:500])
    return "The sandbox broke off.", True


class _Printed:
    """What a call prints, which comes from threads of the pool."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._texts: list[str] = []
        self._count = 0
        self.stop: Callable[[], object] = lambda: None

    def __call__(self, stream: str, text: str) -> None:
        if self._count < LONGEST_PRINT:
            self._texts.append(text[: LONGEST_PRINT - self._count])
        self._count += len(text)
        if self._count > MOST_PRINTED:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.stop)

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def over(self) -> bool:
        return self._count > LONGEST_PRINT


def _limits(seconds: float) -> Any:
    return {
        "max_feed_duration_secs": seconds,
        "max_memory": MEMORY,
        "max_recursion_depth": DEPTH,
        "max_suspensions": SUSPENSIONS,
        "max_total_sleep_secs": 0.0,
    }


def _policy() -> Any:
    """A real clock in UTC. Sleeping takes no time, so that nobody can hold a worker by it."""
    return {"datetime": "system", "timezone": "utc", "sleep": "zero", "random_start": "system"}


def _confine(pid: int | None, seconds: float) -> None:
    """Where the system can: a worker opens no file and no socket, whatever came over the interpreter in it, ends after
    so much work though nobody is left to end it, and yields to Parley.

    https://docs.python.org/3/library/resource.html#resource.prlimit
    """
    if pid is None or sys.platform != "linux":
        return
    import resource

    limits = {
        resource.RLIMIT_NOFILE: NO_NEW_FILES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: ADDRESS_SPACE,
        resource.RLIMIT_CPU: int(seconds) + 4,
    }
    with suppress(OSError):  # it has ended
        for limit, at in limits.items():
            resource.prlimit(pid, limit, (at, at))
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
