"""Handing: a file that a command comes to, brought to the one who gave it. Slack has no place for files in what only
one person sees, so that it goes into the direct conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from adapters.pace import Rank
from adapters.slack.calls import Calls
from adapters.slack.telling import Telling
from adapters.slack.upload import share, upload
from bot.errors import PlatformError
from bot.ports import Document

PATIENCE = 120.0
"""Seconds for the whole upload."""

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
                await self._bring(user, document)
        except (PlatformError, TimeoutError) as error:
            reason = str(error) or "Slack is too slow. Please try again."
            log.warning("file not sent", problem=reason)
            failed(f"I could not send you the file: {reason}")

    async def _bring(self, user: str, document: Document) -> None:
        """Nothing is there to be seen before the last call. Raises `SlackError`."""
        opened = await self._calls.call("conversations.open", {"users": user}, rank=Rank.FINAL, sure=True)
        id_ = await upload(self._calls, document.name, document.mime, document.content)
        await share(self._calls, [id_], opened["channel"]["id"], comment=HERE)
