"""The one HTTP server: `/healthz`, and the routes that others mount. It ends when its block does.

It is open to the internet: how long a request may take to come in is limited, and how many may be connected.

uvicorn brings the protocol. Its own way to serve takes over the process's signals and polls ten times a second, so
listening and ending are done here.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from bot.assistants.types import JSON
from bot.errors import ParleyError

ANYWHERE = "0.0.0.0"  # noqa: S104 - what platforms route to a process on PORT comes from outside its container
GRACE = 1.0
"""Seconds that requests in flight have at the end."""

HEAD_TIME, BODY_TIME = 10.0, 30.0
"""Seconds in which a request's head has to be there, and then its body; else the connection is closed."""

MOST = 1_000
"""Connections at once. A further one is told 503 and closed: it costs nothing."""

FULL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

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
    cancelled and told 503, so that it comes again. Raises `ParleyError` where the port cannot be had.
    """
    crowd = _Crowd()
    config = uvicorn.Config(
        _answering(Starlette(routes=[_healthz(health), *routes], max_body_size=LARGEST_BODY)),
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


def _answering(app: ASGIApp) -> ASGIApp:
    """The app, where a client that has gone and the end of the server are no errors of a request's."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noting)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # by `_Crowd`, and by nobody else
            if not begun:
                await PlainTextResponse("", 503, {"connection": "close"})(scope, receive, send)

    return answer


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
    """Tells when it is over, which it is when a request takes too long to come in."""

    def __init__(self, config: uvicorn.Config, crowd: _Crowd) -> None:
        super().__init__(config, crowd, {})
        self._crowd = crowd
        self._awaited: tuple[object, object] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.write(FULL)
            transport.close()
        else:
            self._watch()

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def _watch(self) -> None:
        """Give what is awaited now its time. More of the same gets no more time."""
        awaited = (self.conn.their_state, self.cycle)
        if awaited == self._awaited:
            return
        self._awaited = awaited
        self._unwatch()
        seconds = {h11.IDLE: HEAD_TIME, h11.SEND_BODY: BODY_TIME}.get(self.conn.their_state)
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)
        self._crowd.changed.set()
