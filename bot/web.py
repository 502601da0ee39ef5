"""The one HTTP server: `/healthz`, and the routes that others mount. It ends when its block does.

uvicorn brings the protocol. Its own way to serve takes over the process's signals and polls ten times a second, so
listening and ending are done here.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from bot.assistants.types import JSON
from bot.errors import ParleyError

ANYWHERE = "0.0.0.0"  # noqa: S104 - what platforms route to a process on PORT comes from outside its container
GRACE = 2.0
"""Seconds that requests in flight have at the end."""

LARGEST_BODY = 1_000_000
"""Bytes of a request's body; a larger one is answered with 413. What Slack sends is far smaller."""

Health = Callable[[], JSON]
"""What is served now, as `/healthz` tells it beside `"status": "ok"`. It is public: no names, no numbers."""


@asynccontextmanager
async def serving(
    routes: Sequence[BaseRoute], port: int, *, health: Health, host: str = ANYWHERE, grace: float = GRACE
) -> AsyncIterator[int]:
    """The port that is listened on, for as long as the block lasts; 0 means any free one.

    At the end nothing more is accepted, requests in flight are answered for `grace` seconds, and the rest is
    cancelled. Raises `ParleyError` where the port cannot be had.
    """
    crowd = _Crowd()
    config = uvicorn.Config(
        Starlette(routes=[_healthz(health), *routes], max_body_size=LARGEST_BODY),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # uvicorn renews it by polling
    )
    config.load()
    listening = await _listen(config, crowd, host, port)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await crowd.leave(grace)


def _healthz(health: Health) -> Route:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", **health()})

    return Route("/healthz", answer)


async def _listen(config: uvicorn.Config, crowd: _Crowd, host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(lambda: _Connection(config, crowd), host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ParleyError(f"Port {port} is in use by another program. Set PORT to a free one.") from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ParleyError(f"Port {port} cannot be listened on ({reason}). Set PORT to another one.") from error


class _Crowd(ServerState):
    """Everyone who is connected, and the requests that are being answered."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    async def leave(self, grace: float) -> None:
        for connection in list(self.connections):
            connection.shutdown()  # at once where nothing is asked, else after the answer
        try:
            async with asyncio.timeout(grace):
                await self._gone()
        except TimeoutError:
            await self._turn_out()

    async def _gone(self) -> None:
        while self.connections or self.tasks:
            self.changed.clear()
            if self.tasks:
                await asyncio.wait(self.tasks)
            if self.connections:
                await self.changed.wait()

    async def _turn_out(self) -> None:
        answering = list(self.tasks)
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        for connection in list(self.connections):
            connection.transport.abort()
        while self.connections:
            self.changed.clear()
            await self.changed.wait()


class _Connection(H11Protocol):
    """Tells when it is over."""

    def __init__(self, config: uvicorn.Config, crowd: _Crowd) -> None:
        super().__init__(config, crowd, {})
        self._crowd = crowd

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._crowd.changed.set()
