"""Which addresses of the web may be asked: public ones only, whoever names them (a model, a person, a page).

What is not plainly public is refused: Parley's own host, its private network and a cloud's metadata service are never
reached. What is checked here is what is connected to; a name is looked up once.

IPv6 addresses are public where they are global unicast (2000::/3) and of none of the special blocks. That leaves out
what carries an IPv4 address inside (mapped, compatible, 6to4, Teredo, NAT64, ISATAP), wherever it leads. Python's
`is_global` takes some of these for public, and blocks that were registered after it was written.
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from yarl import URL

from tools.names import look_up
from tools.registry import ToolError

LONGEST = 2048
"""Characters of a URL."""
PORTS = frozenset({80, 443})
MOST_ADDRESSES = 64
"""Of one name. More of them than that are no answer of an honest name server."""

Address = IPv4Address | IPv6Address

PRIVATE = "I do not open addresses inside private networks."
NO_SUCH_HOST = "There is no public host of that name."
"""Of a private one too: whether a private name exists is nobody's business."""
NO_ADDRESS = "That is no complete web address. Give one like https://example.com/page."
NO_HOST = "The host of that address is neither a plain name nor a plain IP address."

_SPECIAL_V4 = [
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Azure's platform under a public address, which answers to its virtual machines:
        # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        "168.63.129.16/32",
        # IBM Cloud's services under public addresses, which answer inside of it:
        # https://cloud.ibm.com/docs/vpc?topic=vpc-about-custom-routes
        *("161.26.0.0/16", "166.8.0.0/14"),
    )
]
_UNICAST_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = [IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_ISATAP = 0x5EFE
"""What the last 64 bits of such an address begin with, but for two bits: https://www.rfc-editor.org/rfc/rfc5214#section-6.1"""

_UNFIT = re.compile(r"[\x00-\x20\x7f-\x9f\\\s]")
_AUTHORITY = re.compile(r"[^/?#]*//[^/?#]*")
_ODD_PORT = re.compile(r":(?![0-9]*$)[^]:/]*$")
"""At the end of an authority. Python takes signs, underscores and the digits of other scripts for numbers."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_ENDINGS = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"}
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a socket is connected to."""

    address: Address
    port: int


def parse(text: str) -> URL:
    """The URL, where it is one that may be looked up. Raises `ToolError` with the reason where it is not."""
    text = text.strip()
    if len(text) > LONGEST:
        raise ToolError(f"The address is longer than {LONGEST:,} characters.")
    if _UNFIT.search(text):
        raise ToolError("There are spaces, backslashes or control characters in the address. Write them as %20 or so.")
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        raise ToolError(NO_ADDRESS) from None
    if url.scheme and url.scheme not in ("http", "https"):
        raise ToolError("I open addresses with http and https only.")
    if not url.scheme or not url.raw_host:
        raise ToolError(NO_ADDRESS)
    authority = _AUTHORITY.match(text)
    if authority and "@" in authority[0]:
        raise ToolError("I do not open addresses with a user name or a password in them.")
    if authority and _ODD_PORT.search(authority[0]):
        raise ToolError(NO_ADDRESS)
    if port not in PORTS:
        raise ToolError("I open the ports 80 and 443 only.")
    if authority and "[" in authority[0] and ":" not in url.raw_host:
        raise ToolError(NO_HOST)
    return _with_plain_host(url, url.raw_host)


def _with_plain_host(url: URL, host: str) -> URL:
    if ":" in host:
        _literal(host)
        return url
    name = host.removesuffix(".").lower()
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        _literal(host)
        return url
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ToolError(NO_HOST)
    if "." not in name or any(f".{name}".endswith(f".{ending}") for ending in _PRIVATE_ENDINGS):
        raise ToolError(PRIVATE)
    return url.with_host(name)


def _literal(host: str) -> Address:
    """Raises `ToolError` for whatever is not written as RFC 3986 has it: `127.1`, `0x7f.1`, a zone (`fe80::1%eth0`)."""
    try:
        address = ip_address(host)
    except ValueError:
        raise ToolError(NO_HOST) from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ToolError(NO_HOST)
    return address


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet, by its number."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in block for block in _SPECIAL_V4)
    tunnelled = int(address) >> 32 & 0xFCFFFFFF == _ISATAP
    plain = address.scope_id is None and not tunnelled and address in _UNICAST_V6
    return plain and address.is_global and not any(address in block for block in _SPECIAL_V6)


def is_own(address: Address) -> bool:
    """Whether it is an address of this very host, which may well be a public one. Nothing is sent to find that out.

    A connected UDP socket has the address from which the system would send: to itself, the same.
    """
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except (OSError, ValueError):  # there is no way there, so nothing will be connected either
        return False


Resolve = Callable[[str, int], Awaitable[Sequence[tuple[str, int]]]]
"""Addresses and ports to connect to, of a host and a port."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets through what is public. `allowed` are endpoints that are let through all the same: tests have some."""

    resolve: Resolve = look_up
    allowed: Collection[Endpoint] = field(default=frozenset())
    own: Callable[[Address], bool] = is_own

    async def endpoints(self, url: URL) -> list[Endpoint]:
        """What may be connected to for a URL of `parse`. Raises `ToolError` if any is not public."""
        host, port = url.raw_host or "", url.port or 0
        try:
            literal: Address | None = ip_address(host)
        except ValueError:
            literal = None
        if literal is not None:
            return self._checked([Endpoint(literal, port)], PRIVATE)
        found = await self.resolve(host, port)
        return self._checked([_endpoint(*one) for one in found[: MOST_ADDRESSES + 1]], NO_SUCH_HOST)

    def _checked(self, endpoints: list[Endpoint], refusal: str) -> list[Endpoint]:
        if not 0 < len(endpoints) <= MOST_ADDRESSES or not all(map(self.lets, endpoints)):
            raise ToolError(refusal)
        return endpoints

    def lets(self, endpoint: Endpoint) -> bool:
        return endpoint in self.allowed or (is_public(endpoint.address) and not self.own(endpoint.address))


def _endpoint(address: str, port: int) -> Endpoint:
    try:
        return Endpoint(ip_address(address), port)
    except ValueError:
        raise ToolError(NO_SUCH_HOST) from None
