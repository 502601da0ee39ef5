"""Telling: what one person is shown beside the work, after Slack has its acknowledgement. What is done is done: that it
could not be told does not undo it, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from adapters.asides import Asides
from adapters.pace import Rank
from adapters.slack import blocks
from adapters.slack.calls import Calls, SlackError

PATIENCE = 30.0
"""Seconds for which a sentence is tried; later nobody knows any more what it answers."""

log = structlog.get_logger(__name__)


class Telling:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._asides = Asides()

    def whisper(self, channel: str, thread: str, user: str, text: str) -> None:
        """Tell one person something: https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        arguments = {"channel": channel, "user": user, "thread_ts": thread or None, "text": blocks.escaped(text)}
        self._begin("chat.postEphemeral", arguments)

    def home(self, user: str, view: Mapping[str, Any]) -> None:
        """Show the Home tab: https://docs.slack.dev/reference/methods/views.publish"""
        self._begin("views.publish", {"user_id": user, "view": view})

    async def close(self) -> None:
        await self._asides.close()

    def _begin(self, method: str, arguments: Mapping[str, Any]) -> None:
        self._asides.begin(self._tell(method, arguments), f"tell by {method}")

    async def _tell(self, method: str, arguments: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._calls.call(method, arguments, rank=Rank.FINAL, sure=True)
        except (SlackError, TimeoutError) as error:
            log.warning("not shown", method=method, problem=str(error) or "Slack is slow")
