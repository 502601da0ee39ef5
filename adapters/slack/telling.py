"""Telling: what one person is shown beside the work, after Slack has its acknowledgement. What is done is done: that it
could not be told does not undo it, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

import aiohttp
import structlog
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.asides import Asides
from adapters.pace import Rank
from adapters.slack import blocks
from adapters.slack.calls import Calls, SlackError

PATIENCE = 30.0
"""Seconds for which a sentence is tried; later nobody knows any more what it answers."""

LONGEST = 3_900
"""Characters of one private message. Slack advises 4,000, breaks a longer one where it likes, and cuts one of more than
40,000: https://docs.slack.dev/changelog/2018-truncating-really-long-messages, which is also about `chat.postEphemeral`
and response URLs."""

USES = 5
"""Messages that a response URL takes: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""

FAILED = "That did not work just now. Please try again."
"""Where the store fails: Slack delivers nothing again but events."""

log = structlog.get_logger(__name__)


class Telling:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._asides = Asides()

    def whisper(self, channel: str, thread: str, user: str, text: str) -> None:
        """Tell one person something: https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        arguments = {"channel": channel, "user": user, "thread_ts": thread or None}
        self.beside(self._whisper(arguments, text), "whisper")

    def respond(self, url: str, text: str) -> None:
        """Tell the one who gave a command something more, by the response URL of it, which holds for half an hour."""
        self.beside(self._respond(url, text), "respond")

    def beside(self, work: Coroutine[None, None, None], name: str) -> None:
        """Begin something that nobody waits for."""
        self._asides.begin(work, name)

    async def close(self) -> None:
        await self._asides.close()

    async def _whisper(self, arguments: Mapping[str, Any], text: str) -> None:
        try:
            for part in parts(text):
                async with asyncio.timeout(PATIENCE):
                    whole = {**arguments, "text": part}
                    await self._calls.call("chat.postEphemeral", whole, rank=Rank.FINAL, sure=True)
        except (SlackError, TimeoutError) as error:
            log.warning("not shown", method="chat.postEphemeral", problem=str(error) or "Slack is slow")

    async def _respond(self, url: str, text: str) -> None:
        client = AsyncWebhookClient(url, session=self._calls.session, retry_handlers=[])
        try:
            for part in parts(text, most=USES):
                async with asyncio.timeout(PATIENCE):
                    sent = await client.send(text=part, response_type="ephemeral")
                if sent.status_code != 200:
                    log.warning("not shown", method="response_url", problem=f"HTTP {sent.status_code}")
                    return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("not shown", method="response_url", problem=type(error).__name__)


def fits(text: str) -> bool:
    """Plain text that one private message holds."""
    return len(blocks.escaped(text)) <= LONGEST


def parts(text: str, *, most: int = 0) -> list[str]:
    """Plain text as `mrkdwn`, cut between lines into messages: each of at most `LONGEST` characters or, where that
    would make more than `most` of them, longer ones."""
    longest = LONGEST
    found = [*_cut(text, longest)]
    while most and len(found) > most:
        longest = longest * 5 // 4
        found = [*_cut(text, longest)]
    return found


def _cut(text: str, longest: int) -> Iterator[str]:
    part = ""
    for line in _lines(text, longest):
        if part and len(part) + 1 + len(line) > longest:
            yield part
            part = line
        else:
            part = f"{part}\n{line}" if part else line
    if part.strip():
        yield part


def _lines(text: str, longest: int) -> Iterator[str]:
    """Each line, escaped; one that no message holds in pieces. An escaped character has at most five."""
    for line in text.split("\n"):
        if len(blocks.escaped(line)) <= longest:
            yield blocks.escaped(line)
        else:
            step = longest // 5
            yield from (blocks.escaped(line[at : at + step]) for at in range(0, len(line), step))
