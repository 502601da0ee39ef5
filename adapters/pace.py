"""When a call to a platform may go: the one place that keeps all calls inside the platform's rates, per method and per
channel, lets go first what people wait for, and keeps still where the platform asked for a pause. It knows no platform:
what is limited are keys, and an adapter says which keys a call takes and how much room each has.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import Protocol

A_MOMENT = 1e-6
"""Seconds: how much too early counts as in time, since sums of Unix times are no finer."""
FEW_KEYS = 64
"""So many keys are remembered without looking which of them are idle."""


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Rank(IntEnum):
    """Who goes first where there is room for one."""

    FINAL = 0
    """The last state of an answer, and whatever a person sits and waits for: a first status, a command's answer."""
    LOOKUP = 1
    """What has to be known before an answer can begin."""
    STATE = 2
    """A state on the way; a newer one overtakes it."""
    SPARE = 3
    """What nobody waits for: a title, a home page."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` (one or more) in any window of `seconds`."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """Leave for one call under `keys`, from `moment` (seconds) on."""

    keys: Sequence[str]
    moment: float


@dataclass(slots=True)
class _Window:
    """The last calls of one key, at most as many as have room, and the pause that the platform asked for."""

    limit: Limit | None
    times: deque[float]
    held_until: float = -inf

    def opens(self) -> float:
        """The moment from which there is room."""
        if self.limit is None or len(self.times) < self.limit.calls:
            return self.held_until
        return max(self.held_until, self.times[0] + self.limit.seconds)

    def spare(self, now: float) -> float:
        if self.held_until > now + A_MOMENT:
            return 0
        if self.limit is None:
            return inf
        gone = now - self.limit.seconds + A_MOMENT
        return self.limit.calls - sum(1 for time in self.times if time > gone)

    def idle(self, now: float) -> bool:
        last = self.times[-1] if self.times and self.limit else -inf
        return max(self.held_until, last + (self.limit.seconds if self.limit else 0)) <= now


@dataclass(slots=True, order=True)
class _Waiter:
    rank: Rank
    number: int
    keys: Sequence[str] = field(compare=False)
    granted: asyncio.Future[Turn] = field(compare=False)


class Pace:
    """Turns for calls, each under one or several different keys, such as a method and a channel.

    A turn needs room under all of its keys at once, and never holds one of them back while it waits for another. That
    is fair where keys are nested, as a method and its channels are; with keys that cross, a turn that needs two of them
    may be overtaken for as long as they never have room at the same moment.
    All methods belong to one event loop.
    """

    def __init__(self, clock: Clock, limits: Callable[[str], Limit | None]) -> None:
        """`limits` is asked by key; None means that the key has no limit (`hold` works on it all the same)."""
        self._clock = clock
        self._limits = limits
        self._windows: dict[str, _Window] = {}
        self._sweep_at = FEW_KEYS
        self._waiting: list[_Waiter] = []
        self._number = 0
        self._due = inf
        """Before this moment nobody who waits can go."""
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = inf
        self._latest = -inf
        self._set_back = 0.0

    async def turn(self, keys: Sequence[str], rank: Rank) -> Turn:
        """Wait until all `keys` (different ones) have room and take one of each.

        Whoever is cancelled while waiting leaves nothing behind. `close` cancels those who wait.
        """
        now = self._now()
        if now < self._due and self._opens(keys) <= now + A_MOMENT:
            return self._take(keys, now)
        self._number += 1
        waiter = _Waiter(rank, self._number, keys, asyncio.get_running_loop().create_future())
        insort(self._waiting, waiter)
        self._look_again(now, min(self._due, self._opens(keys)))
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def take(self, keys: Sequence[str]) -> Turn | None:
        """The same without waiting, and never ahead of anyone who waits and could go: None where there is no room."""
        now = self._now()
        self._look_again(now, self._due)
        return self._take(keys, now) if self._opens(keys) <= now + A_MOMENT else None

    def give_back(self, turn: Turn) -> None:
        """The call of this turn was not made, and will not be: its room is free again."""
        for key in turn.keys:
            times = self._window(key).times
            if turn.moment in times:
                times.remove(turn.moment)
        self._look_again(self._now(), -inf)

    def hold(self, key: str, seconds: float) -> None:
        """The platform asked for a pause under this key (`Retry-After`): nothing goes for so long from now on."""
        window = self._window(key)
        window.held_until = max(window.held_until, self._now() + seconds)

    def delay(self, keys: Sequence[str]) -> float:
        """Seconds until there is room under all keys, not counting what those who wait will take of it."""
        late = self._opens(keys) - self._now()
        return late if late > A_MOMENT else 0.0

    def spare(self, key: str) -> float:
        """How many calls there is room for under this key at this moment: `math.inf` for one without a limit."""
        return self._window(key).spare(self._now())

    async def close(self) -> None:
        """Cancel those who still wait, and the timer. Nothing may be asked of the pace afterwards."""
        for waiter in self._waiting:
            waiter.granted.cancel()
        self._waiting.clear()
        alarm = self._alarm
        self._look_again(self._now(), inf)
        if alarm is not None:
            await asyncio.gather(alarm, return_exceptions=True)

    def _now(self) -> float:
        """The clock's time, but never going back: a clock that is set back would keep every window shut for so long."""
        now = self._clock.now() + self._set_back
        if now < self._latest:
            self._set_back += self._latest - now
            return self._latest
        self._latest = now
        return now

    def _window(self, key: str) -> _Window:
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= self._sweep_at:
                self._sweep()
            limit = self._limits(key)
            window = self._windows[key] = _Window(limit, deque(maxlen=limit.calls if limit else 0))
        return window

    def _sweep(self) -> None:
        """Forget idle keys. As many new keys as a sweep leaves pay for the next one, so that it costs little."""
        now = self._now()
        self._windows = {key: window for key, window in self._windows.items() if not window.idle(now)}
        self._sweep_at = max(FEW_KEYS, 2 * len(self._windows))

    def _opens(self, keys: Sequence[str]) -> float:
        return max((self._window(key).opens() for key in keys), default=-inf)

    def _take(self, keys: Sequence[str], now: float) -> Turn:
        for key in keys:
            self._window(key).times.append(now)
        return Turn(keys, now)

    def _leave(self, waiter: _Waiter) -> None:
        if waiter.granted.done() and not waiter.granted.cancelled():
            self.give_back(waiter.granted.result())
            return
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        self._look_again(self._now(), self._due)

    def _look_again(self, now: float, due: float) -> None:
        """Let go who can go, in order of rank and arrival, and set the timer for the next who will."""
        self._due = due
        if due <= now + A_MOMENT:
            self._serve(now)
        if not self._waiting:
            self._due = inf
        self._set_alarm(now)

    def _serve(self, now: float) -> None:
        still, self._due = [], inf
        for waiter in self._waiting:
            if waiter.granted.done():
                continue
            if self._opens(waiter.keys) <= now + A_MOMENT:
                waiter.granted.set_result(self._take(waiter.keys, now))
            else:
                still.append(waiter)
        self._waiting = still
        self._due = min((self._opens(waiter.keys) for waiter in still), default=inf)

    def _set_alarm(self, now: float) -> None:
        if self._alarm is not None and self._alarm_at <= self._due < inf:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._due < inf:
            self._alarm_at = self._due
            self._alarm = asyncio.create_task(self._ring(self._due - now), name="pace")

    async def _ring(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._alarm = None
        self._look_again(self._now(), self._due)
