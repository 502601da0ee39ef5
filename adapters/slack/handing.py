"""Handing: a file that a command comes to, brought to the one who gave it. Slack has no place for files in what only
one person sees, so that it goes into the direct conversation.

https://docs.slack.dev/messaging/working-with-files#uploading_files
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import structlog

from adapters.pace import Rank
from adapters.slack.calls import Calls
from adapters.slack.telling import Telling
from bot.errors import PlatformError
from bot.ports import Document

PATIENCE = 120.0
"""Seconds for the whole upload."""
TIMEOUT = aiohttp.ClientTimeout(total=60)
"""Seconds for its bytes."""

SENDING = "I am sending you the file in a direct message."
HERE = "Here is the file that you asked for. Only you and I see it."

log = structlog.get_logger(__name__)


class Handing:
    def __init__(self, calls: Calls, telling: Telling) -> None:
        self._calls = calls
        self._telling = telling

    def hand(self, user: str, document: Document, failed: Callable[[str], None]) -> None:
        """Begin to send a file; `failed` is told in a sentence where it does not arrive."""
        self._telling.beside(self._hand(user, document, failed), f"send {document.name}")

    async def _hand(self, user: str, document: Document, failed: Callable[[str], None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._upload(user, document)
        except (PlatformError, TimeoutError) as error:
            reason = str(error) or "Slack is too slow. Please try again."
            log.warning("file not sent", problem=reason)
            failed(f"I could not send you the file: {reason}")

    async def _upload(self, user: str, document: Document) -> None:
        """Nothing is there to be seen before the last call. Raises `PlatformError`."""
        opened = await self._calls.call("conversations.open", {"users": user}, rank=Rank.FINAL, sure=True)
        about = {"filename": document.name, "length": len(document.content)}
        place = await self._calls.call("files.getUploadURLExternal", about, rank=Rank.FINAL, sure=True)
        await self._send(place["upload_url"], document)
        channel = opened["channel"]["id"]
        shared = {
            "files": [{"id": place["file_id"], "title": document.name}],
            "channel_id": channel,
            "initial_comment": HERE,
        }
        await self._calls.call("files.completeUploadExternal", shared, rank=Rank.FINAL, channel=channel)

    async def _send(self, url: str, document: Document) -> None:
        """https://docs.slack.dev/reference/methods/files.getUploadURLExternal: the bytes as they are; the address
        itself says who may send them."""
        headers = {"Content-Type": document.mime}
        try:
            async with self._calls.session.post(url, data=document.content, headers=headers, timeout=TIMEOUT) as sent:
                if sent.status != 200:
                    raise PlatformError(f"Slack did not take it (HTTP {sent.status}). Please try again.")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PlatformError("The connection to Slack was lost. Please try again.") from error
