"""Fetching: the bytes of a file that somebody attached, within a limit."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import aiohttp

from bot.errors import PlatformError

TIMEOUT = aiohttp.ClientTimeout(total=60)
"""Seconds for a file."""

PAUSE = 5.0
"""Seconds to wait where the platform asks for a pause, and does not say how long."""


def is_at(url: str, home: str, known: re.Pattern[str]) -> bool:
    """Whether an address is one of the platform's own, or of the server that stands in for it (`home`)."""
    wanted = urlsplit(home)
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme, parts.netloc) == (wanted.scheme, wanted.netloc) or bool(known.fullmatch(url))


async def body(got: aiohttp.ClientResponse, limit: int, platform: str) -> bytes:
    """At most `limit` bytes of a response. Raises `PlatformError`."""
    if got.status in (408, 429):
        pause = got.headers.get("Retry-After", "").strip()
        seconds = max(1.0, float(pause)) if pause.isdecimal() else PAUSE
        raise PlatformError(f"{platform} answered {got.status} for the file.", retry_after=seconds)
    if got.status != 200:
        raise PlatformError(f"{platform} answered {got.status} for the file.", permanent=400 <= got.status < 500)
    if (got.content_length or 0) > limit:
        raise PlatformError(f"The file is larger than {limit} bytes.", permanent=True)
    data = bytearray()
    async for piece in got.content.iter_chunked(65_536):
        data += piece
        if len(data) > limit:
            raise PlatformError(f"The file is larger than {limit} bytes.", permanent=True)
    return bytes(data)
