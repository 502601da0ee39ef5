"""What a test does to the requests to come: hold them at a gate, answer something else, cut the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PATIENCE = 60.0
"""Seconds until a test that waits for something which never comes fails; long enough for a machine that is busy."""


class CutOff(ConnectionError):
    """Raised within an answer: the server then closes the connection before the body is whole."""


class Cut(Response):
    """Promises more than it sends, and breaks off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"results": [', "more_body": True})
        raise CutOff


@dataclass(slots=True)
class Fault:
    """Answers the next request to `path` (any, where it is empty) with what `response` makes."""

    path: str
    response: Callable[[], Response]


class Gate:
    """Holds the requests to a path until it is opened; says how many wait, and how many clients hung up meanwhile."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.waiting = 0
        self.left = 0
        self._open = asyncio.Event()
        self._changed = asyncio.Condition()

    def open(self) -> None:
        self._open.set()

    async def reached(self, waiting: int) -> None:
        """Returns once so many requests wait. Raises `TimeoutError` where they never do."""
        await self._until(lambda: self.waiting >= waiting)

    async def abandoned(self, left: int) -> None:
        """Returns once so many clients hung up. Raises `TimeoutError` where they never do."""
        await self._until(lambda: self.left >= left)

    async def hold(self, request: Request) -> None:
        await self._count(waiting=1)
        opened = asyncio.create_task(self._open.wait(), name="gate opened")
        gone = asyncio.create_task(_hung_up(request), name="client hung up")
        try:
            await asyncio.wait({opened, gone}, return_when=asyncio.FIRST_COMPLETED)
            await self._count(waiting=-1, left=int(not opened.done()))
        finally:
            opened.cancel()
            gone.cancel()

    async def _count(self, waiting: int = 0, left: int = 0) -> None:
        async with self._changed:
            self.waiting += waiting
            self.left += left
            self._changed.notify_all()

    async def _until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(true)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
