"""What a platform was asked about people and places: each once at a time, and the answer kept for some minutes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from adapters.pace import Clock

KEPT_FOR = 300.0
"""Seconds for which an answer is trusted; a change of someone's rights holds after that."""

MOST = 5_000
"""How many answers are remembered."""

K = TypeVar("K")
T = TypeVar("T")


class Recent(OrderedDict[K, T]):
    """A mapping of the things that were put into it last, at most so many."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: K, value: T) -> None:
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._most:
            self.popitem(last=False)


class Remembered(Generic[T]):
    """Answers by their id, each asked for once however many want it at the same time."""

    def __init__(self, clock: Clock, ask: Callable[[str], Awaitable[T]]) -> None:
        self._clock = clock
        self._ask = ask
        self._answers: Recent[str, tuple[float, T]] = Recent(MOST)
        self._asking: dict[str, asyncio.Task[T]] = {}

    def known(self, id_: str) -> T | None:
        at, answer = self._answers.get(id_, (0.0, None))
        return answer if self._clock.now() - at < KEPT_FOR else None

    def forget(self, id_: str) -> None:
        self._answers.pop(id_, None)

    async def get(self, id_: str) -> T:
        known = self.known(id_)
        if known is not None:
            return known
        if id_ not in self._asking:
            task = self._asking[id_] = asyncio.create_task(self._learn(id_), name=f"look up {id_}")
            task.add_done_callback(lambda done: self._asked(id_, done))
        return await asyncio.shield(self._asking[id_])

    def _asked(self, id_: str, task: asyncio.Task[T]) -> None:
        del self._asking[id_]
        if not task.cancelled():
            task.exception()  # whoever asked has it, too; if nobody is left, nobody needs it

    async def _learn(self, id_: str) -> T:
        answer = await self._ask(id_)
        self._answers.put(id_, (self._clock.now(), answer))
        return answer
