"""Serves a Starlette app (any ASGI app) on loopback inside the running event loop, for as long as a block lasts.

Nothing of the process is touched: no signal handlers, no logging configuration, no threads. uvicorn's own
`Server.serve` polls every 0.1 s to stop; the parts that it is made of are driven directly here, so that a test
pays no such wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serve(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """The base URL, `http://127.0.0.1:<port>` without a slash at its end. Port 0 means any free one.

    At the end of the block requests that are still being answered are cancelled and connections closed.
    Raises `OSError` where the port is taken.
    """
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_config=None, log_level="critical", access_log=False, http="h11")
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    with _listening(port) as listener:
        await server.startup(sockets=[listener])
        await server.on_tick(0)  # fills in the default headers (Date, Server)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await _stop(server)


def _listening(port: int) -> socket.socket:
    """Named as TCP, since asyncio sends small pieces at once (`TCP_NODELAY`) on such sockets only: 40 ms a request."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


async def _stop(server: uvicorn.Server) -> None:
    state = server.server_state
    for listening in server.servers:
        listening.close()
    for connection in list(state.connections):
        connection.shutdown()
    answering = list(state.tasks)
    for task in answering:
        task.cancel()
    await asyncio.gather(*answering, return_exceptions=True)
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)  # the event loop reports closed transports one step later
    for listening in server.servers:
        await listening.wait_closed()
