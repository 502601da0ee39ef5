"""Shares identical requests while they are in flight: who asks for what is already being asked waits for that answer.

Nothing is kept once the answer, or the error, is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Shared(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class Flight(Generic[T]):
    def __init__(self) -> None:
        self._shared: dict[Hashable, _Shared[T]] = {}

    def __len__(self) -> int:
        """How many requests are in flight."""
        return len(self._shared)

    async def join(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer of the request under `key`, which `start` begins unless it is in flight already.

        An error of the request is raised to everyone who waits. A waiter that is cancelled leaves the request to
        the others; the last one to leave cancels it.
        """
        shared = self._shared.get(key)
        if shared is None or shared.task.done():
            shared = self._depart(key, start)
        shared.waiters += 1
        try:
            await asyncio.wait({shared.task})
        finally:
            shared.waiters -= 1
            if not shared.waiters and not shared.task.done():
                await self._abort(key, shared)
        return shared.task.result()

    def _depart(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> _Shared[T]:
        shared = self._shared[key] = _Shared(asyncio.create_task(start(), name="shared request"))
        shared.task.add_done_callback(lambda _: self._arrive(key, shared))
        return shared

    def _arrive(self, key: Hashable, shared: _Shared[T]) -> None:
        self._forget(key, shared)
        if not shared.task.cancelled():
            shared.task.exception()  # asked for, since nobody may be left to hear of it

    async def _abort(self, key: Hashable, shared: _Shared[T]) -> None:
        """Out of the table first: whoever asks from now on needs a request of their own."""
        self._forget(key, shared)
        shared.task.cancel()
        await asyncio.wait({shared.task})

    def _forget(self, key: Hashable, shared: _Shared[T]) -> None:
        if self._shared.get(key) is shared:
            del self._shared[key]
