"""Socket Mode on loopback: the WebSocket that apps.connections.open names, its greeting, and how it ends.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import contextlib
import json

from aiohttp import WSMsgType, web

from tests.simulators.slack.delivery import Delivery

MOST_CONNECTIONS = 10
"""https://docs.slack.dev/apis/events-api/using-socket-mode#connections"""


class Socket:
    """One connection of the app. `draining`: it gets nothing new."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.draining = False
        self._request, self._socket = request, socket

    async def send(self, frame: str) -> None:
        await self._socket.send_str(frame)

    def drop(self) -> None:
        """Break the connection without a word."""
        self.draining = True
        if self._request.transport:
            self._request.transport.abort()


class SocketMode:
    """All connections of the app: opens them for tickets, tells them to go."""

    def __init__(self, delivery: Delivery, app_id: str) -> None:
        self.connections = 0
        self._delivery, self._app_id = delivery, app_id
        self._sockets: list[Socket] = []
        self._tickets: set[str] = set()

    @property
    def connected(self) -> bool:
        return any(not socket.draining for socket in self._sockets)

    def ticket(self, ticket: str) -> str:
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from its greeting until it is closed. A ticket opens one connection."""
        if request.query.get("ticket") not in self._tickets:
            raise web.HTTPNotFound
        self._tickets.discard(request.query["ticket"])
        response = web.WebSocketResponse()
        await response.prepare(request)
        socket = Socket(request, response)
        if len(self._sockets) >= MOST_CONNECTIONS:
            await socket.send(json.dumps({"type": "disconnect", "reason": "too_many_websockets"}))
            return response
        await socket.send(self._hello())
        self._sockets.append(socket)
        self._delivery.links.append(socket)
        self.connections += 1
        self._delivery.changed()
        pump = asyncio.create_task(self._pump(socket), name="slack simulator pump")
        try:
            async for frame in response:
                if frame.type is WSMsgType.TEXT:
                    self._delivery.received(frame.data)
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            socket.draining = True
            self._sockets.remove(socket)
            self._delivery.left(socket)
        return response

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Announce the end of every connection, for this or another reason (warning, link_disabled): the app opens a
        new one and closes its old one.
        """
        for socket in list(self._sockets):
            frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
            socket.draining = reason != "warning"
            await socket.send(json.dumps(frame))

    def drop(self) -> None:
        """Break every connection."""
        for socket in list(self._sockets):
            socket.drop()

    async def _pump(self, socket: Socket) -> None:
        with contextlib.suppress(ConnectionError):  # what could not be sent goes out over the next connection
            await self._delivery.pump(socket)

    def _hello(self) -> str:
        about = {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060}
        count = len(self._sockets) + 1
        hello = {"type": "hello", "num_connections": count, "debug_info": about}
        return json.dumps(hello | {"connection_info": {"app_id": self._app_id}})
