"""Waits until nothing is on its way any more in the event loop, but for what was there from the start."""

from __future__ import annotations

import asyncio
from typing import Any

LONGEST = 3.0
"""Seconds for which work is waited for."""
LONG_LIVED = frozenset({"RequestHandler.start", "WebSocketReader", "Lifespan.main"})
"""Tasks that may begin at any time and last: those of connections to the simulators."""


class Stillness:
    """Knows the tasks that were there when it was made."""

    def __init__(self) -> None:
        self._always = {*asyncio.all_tasks()}

    async def comes(self) -> list[str]:
        """Wait for it. The names of the tasks that are still there after a while."""
        try:
            async with asyncio.timeout(LONGEST):
                while on_its_way := self._on_its_way():
                    await asyncio.wait(on_its_way)
        except TimeoutError:
            return sorted(f"{task.get_name()} {_name(task.get_coro())} {_places(task)}" for task in self._on_its_way())
        return []

    def _on_its_way(self) -> list[asyncio.Task[Any]]:
        here = asyncio.current_task()
        return [
            task
            for task in asyncio.all_tasks()
            if task is not here and task not in self._always and _name(task.get_coro()) not in LONG_LIVED
        ]


def _places(task: asyncio.Task[Any]) -> str:
    """Where it waits, the innermost place last."""
    work: Any = task.get_coro()
    found = []
    while frame := getattr(work, "cr_frame", None):
        found.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        work = getattr(work, "cr_await", None)
    return " > ".join(found)


def _name(work: Any) -> str:
    return str(getattr(work, "__qualname__", work))
