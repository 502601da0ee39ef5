"""The site's server: raw HTTP/1.1, so that it can answer what no framework would send.

`site.example.pem` is a key and a certificate for `site.example`, signed by itself: they open nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from tools.addresses import Endpoint

CERTIFICATE = Path(__file__).with_name("site.example.pem")

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    """By their names in lower case."""


@dataclass(slots=True)
class Site:
    endpoint: Endpoint
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)
    connections: int = 0
    _answering: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                asked = _asked(await reader.readuntil(b"\r\n\r\n"))
                self.requests.append(asked)
                await self.pages.get(asked.path, answer("gone", status=404))(writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._answering.discard(task)
            writer.transport.abort() if writer.get_extra_info("sslcontext") else writer.close()

    async def stop(self) -> None:
        answering = list(self._answering)
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        await asyncio.sleep(0)  # the event loop reports closed transports one step later


def _asked(head: bytes) -> Asked:
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Asked(first.split(" ")[1], {name.lower(): value for name, value in headers.items()})


def answer(
    body: str | bytes = "", kind: str = "text/html", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer that is whole. Without a `kind` it does not say what it is."""
    data = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(data))} | ({"Content-Type": kind} if kind else {}) | dict(headers or {})
    head = f"HTTP/1.1 {status} So\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + b"\r\n" + data)
        await writer.drain()
        writer.write_eof() if writer.can_write_eof() else None

    return send


def redirect(location: str, status: int = 302) -> Answer:
    return answer(status=status, headers={"Location": location})


@asynccontextmanager
async def site(*, tls: bool = False) -> AsyncIterator[Site]:
    """On a free port of 127.0.0.1, for as long as the block lasts."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    made = Site(Endpoint(ip_address("127.0.0.1"), 0))
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0, ssl=context)
    made.endpoint = Endpoint(made.endpoint.address, server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        server.close()
        await made.stop()
        await server.wait_closed()
