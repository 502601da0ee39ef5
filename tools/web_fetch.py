"""Downloads a text from the web, from public addresses only.

Each request has a connector of its own, which connects to nothing but the endpoints that `Guard` has let through: no
second look-up, no proxy, no connection that is kept. Every socket, also one to an address that needs no look-up, goes
through `_Connector.made`. The host's name stays in the request and in the check of the certificate.
https://docs.aiohttp.org/en/stable/client_reference.html#tcpconnector
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tools.addresses import Endpoint, Guard, parse
from tools.charset import decode
from tools.registry import ToolError

if TYPE_CHECKING:
    from aiohttp.client import ClientTimeout
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

SECONDS = 10.0
MOST_BYTES = 5_000_000
"""Of a page, unpacked. The rest is not read."""
MOST_REDIRECTS = 5

HEADERS = {
    "User-Agent": "Parley (an assistant that reads a page for a person)",
    "Accept": "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, application/xml;q=0.8",
    "Accept-Encoding": "gzip, deflate",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}")
_TEXTS = frozenset({"application/xhtml+xml", "application/json", "application/xml"})
UNREACHED = "The page could not be reached. Try again later, or another address."
BROKEN = "The page broke off, or came in a form that I cannot unpack."


@dataclass(frozen=True, slots=True)
class Fetched:
    """A text of the web. `url` is where it was found after all redirects, `kind` its type in lower case."""

    url: str
    kind: str
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches within so many `seconds`, redirects included. `trusted` are the certificates, if not the usual ones."""

    guard: Guard = field(default_factory=Guard)
    seconds: float = SECONDS
    trusted: ssl.SSLContext | None = None

    async def fetch(self, address: str) -> Fetched:
        """The text at an address. Raises `ToolError` with a sentence where there is none, or where it is not public."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self._follow(parse(address))
        except TimeoutError:
            raise ToolError(f"The page did not answer within {self.seconds:g} seconds.") from None
        except aiohttp.ClientConnectorCertificateError:
            raise ToolError("The certificate of the host is not valid for it, so I do not read the page.") from None
        except aiohttp.ClientPayloadError:
            raise ToolError(BROKEN) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise ToolError(UNREACHED) from None

    async def _follow(self, url: URL) -> Fetched:
        endpoints = await self.guard.endpoints(url)
        for _ in range(MOST_REDIRECTS + 1):
            found = await self._ask(url, endpoints)
            if isinstance(found, Fetched):
                return found
            url, endpoints = await self._led(url, found)
        raise ToolError(f"The page leads from address to address, more than {MOST_REDIRECTS} times.")

    async def _led(self, url: URL, location: str) -> tuple[URL, list[Endpoint]]:
        """Where a redirect leads, checked like an address of anybody's."""
        try:
            target = _target(url, location)
            return target, await self.guard.endpoints(target)
        except ToolError as refusal:
            raise ToolError(f"The page leads to another address. {refusal}") from None

    async def _ask(self, url: URL, endpoints: Sequence[Endpoint]) -> Fetched | str:
        """The text, or the location that a redirect names."""
        async with (
            aiohttp.ClientSession(
                connector=_Connector(endpoints, self.trusted or _usual()),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=False,
                headers=HEADERS,
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            try:
                if response.status in _REDIRECTS:
                    return response.headers.get("Location", "")
                return await _read(url, response)
            finally:
                response.close()


def _target(url: URL, location: str) -> URL:
    try:
        joined = str(url.join(URL(location))) if location else ""
    except ValueError:
        joined = ""
    target = parse(joined)
    if url.scheme == "https" and target.scheme != "https":
        raise ToolError("It is one with http, and I do not go there from https.")
    return target


async def _read(url: URL, response: aiohttp.ClientResponse) -> Fetched:
    if response.status != 200:
        raise ToolError(f"The page answered {response.status}.")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", "gzip", "deflate"):
        raise ToolError(BROKEN)
    kind = _kind(response.headers.get("Content-Type", ""))
    body, cut = bytearray(), False
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            cut = True
            break
    return Fetched(str(url), kind, decode(bytes(body[:MOST_BYTES]), response.charset), cut)


def _kind(header: str) -> str:
    kind = header.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind):
        raise ToolError("The address does not say what it holds, so I do not read it.")
    if kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+xml", "+json")):
        return kind
    raise ToolError(f"The address holds {kind}. I read web pages and other texts, JSON and XML.")


class _Resolver(AbstractResolver):
    """Answers with what was looked up before, whatever is asked."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(one.address),
                port=one.port,
                family=socket.AF_INET if one.address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for one in self._endpoints
        ]

    async def close(self) -> None:
        """Nothing is open."""


class _Connector(aiohttp.TCPConnector):
    """Connects to these endpoints and to nothing else."""

    def __init__(self, endpoints: Sequence[Endpoint], trusted: ssl.SSLContext) -> None:
        super().__init__(
            ssl=trusted,
            resolver=_Resolver(endpoints),
            use_dns_cache=False,
            force_close=True,
            socket_factory=self.made,
        )
        self._vetted = frozenset(endpoints)

    def made(self, target: tuple[Any, ...]) -> socket.socket:
        """The socket for an address, before it is connected to it."""
        family, kind, protocol, _, where = target
        self._check(where)
        return socket.socket(family, kind, protocol)

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """The connection, to the very endpoint; looked at once more before anything of the request is sent."""
        connection = await super().connect(req, traces, timeout)
        peer = connection.transport.get_extra_info("peername") if connection.transport else None
        try:
            self._check(peer or ())
        except OSError:
            connection.close()
            raise
        return connection

    def _check(self, where: Sequence[Any]) -> None:
        with suppress(ValueError, IndexError):
            if Endpoint(ip_address(where[0]), where[1]) in self._vetted:
                return
        raise PermissionError("not an endpoint that was let through")


@cache
def _usual() -> ssl.SSLContext:
    context: ssl.SSLContext = httpx2.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context
