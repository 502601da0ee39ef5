"""Fetches the files of messages from Discord, whose addresses are good for a day only.

https://docs.discord.com/developers/reference#signed-attachment-cdn-urls
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp
import structlog

from adapters.discord.calls import Calls, Route
from adapters.discord.routes import MESSAGE
from adapters.fetching import TIMEOUT, body, is_at
from adapters.pace import Rank
from bot.assistants.types import well_formed
from bot.errors import PlatformError

ADDRESS = re.compile(r"https://(?:cdn\.discordapp\.com|media\.discordapp\.net)/\S*", re.ASCII)
"""Where Discord keeps files, beside the server that `DISCORD_API_URL` names."""

log = structlog.get_logger(__name__)


def described(files: Iterable[Mapping[str, Any]], channel: str = "", message: str = "") -> list[dict[str, Any]]:
    """Discord's attachments as the core knows them. Without a `message` a file cannot be asked for again.

    https://docs.discord.com/developers/resources/message#attachment-object
    """
    return [
        {
            "name": well_formed(str(file["filename"])),
            "mime": str(file.get("content_type") or "").partition(";")[0],
            "size": file["size"],
            "id": str(file["id"]),
            "url": str(file["url"]),
            "channel": channel,
            "message": message,
        }
        for file in files
    ]


class Files:
    def __init__(self, calls: Calls, api_url: str) -> None:
        """Made inside a running event loop; `close` ends it."""
        self._calls = calls
        self._api_url = api_url
        self._session = aiohttp.ClientSession(timeout=TIMEOUT)

    async def download(self, attachment: Mapping[str, Any], limit: int) -> bytes:
        """At most `limit` bytes. Raises `PlatformError`."""
        try:
            return await self._fetched(str(attachment["url"]), limit)
        except PlatformError as error:
            if not error.permanent or not attachment.get("message"):
                raise
            log.info("file not there, asking where it is now", problem=str(error))
        return await self._fetched(await self._address(attachment), limit)

    async def close(self) -> None:
        await self._session.close()

    async def _fetched(self, url: str, limit: int) -> bytes:
        if not is_at(url, self._api_url, ADDRESS):
            raise PlatformError("The file is kept outside of Discord.", permanent=True)
        try:
            async with self._session.get(url, allow_redirects=False) as got:
                return await body(got, limit, "Discord")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlatformError("Discord did not send the file.") from error

    async def _address(self, attachment: Mapping[str, Any]) -> str:
        """Where the file is now. Raises `PlatformError`."""
        route = Route("GET", MESSAGE, channel_id=attachment["channel"], message_id=attachment["message"])
        message = await self._calls.call(route, rank=Rank.LOOKUP, sure=True)
        for one in message.get("attachments") or ():
            if str(one["id"]) == str(attachment["id"]):
                return str(one["url"])
        raise PlatformError("The file is not there any more.", permanent=True)
