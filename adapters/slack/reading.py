"""Reads threads: what was said before Parley was called in, and what of its own a thread shows already.

https://docs.slack.dev/reference/methods/conversations.replies: oldest first, in pages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.pace import Rank
from adapters.slack.calls import Calls, SlackError
from adapters.slack.hearing import Me
from adapters.slack.pen import ANSWER, QUESTION

PAGE = 200
PAGES = 10
"""Pages of a thread that are read, at most."""

Message = Mapping[str, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ours:
    """A message of ours. `part` is None for one that a stream began and that was never ended."""

    ts: str
    part: int | None


async def thread(calls: Calls, channel: str, root: str, *, after: str = "") -> AsyncIterator[Message]:
    """The messages of a thread after a moment, which is left out, oldest first: those of ten pages, which are 2,000.

    Raises `SlackError`.
    """
    arguments: dict[str, Any] = {"channel": channel, "ts": root, "limit": PAGE, "include_all_metadata": True}
    if after:
        arguments["oldest"] = after
    for _ in range(PAGES):
        answer = await calls.call("conversations.replies", arguments, rank=Rank.FINAL, channel=channel, sure=True)
        for message in answer.get("messages") or ():
            if after < message["ts"]:  # the root comes in any case
                yield message
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
        arguments["cursor"] = cursor


async def ours(calls: Calls, me: Me, channel: str, root: str, run_id: str, after: str) -> Sequence[Ours]:
    """What a thread shows of the run's reply, oldest first.

    A stream's message has no metadata until its end. Such a message after the run's question may be its own, or that of
    a later run whose answer is not delivered either. Nothing where Slack does not show the thread at all.
    Raises `SlackError`.
    """
    found = []
    try:
        async for message in thread(calls, channel, root, after=after):
            if message.get("user") != me.user and message.get("bot_id") != me.bot:
                continue
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if message.get("files"):  # a message of its own, which cannot have metadata: see `Sharing`
                continue
            if not metadata.get("event_type"):
                found.append(Ours(message["ts"], None))
            elif metadata["event_type"] == ANSWER and payload.get("run") == run_id:
                found.append(Ours(message["ts"], int(payload.get("part", 0))))
    except SlackError as error:
        if not error.permanent:
            raise
        log.warning("thread not read, what it shows of an answer is not known", error=error.error)
    return found


async def question(calls: Calls, me: Me, channel: str, run_id: str, after: str, root: str = "") -> str:
    """The `ts` of the question that the run has posted, in the thread of `root` or else as one of its own.

    Empty where it has not, or Slack does not show it. Raises `SlackError`.
    """
    try:
        if root:
            messages = [message async for message in thread(calls, channel, root, after=after)]
        else:
            arguments = {"channel": channel, "oldest": after, "limit": PAGE, "include_all_metadata": True}
            answer = await calls.call("conversations.history", arguments, rank=Rank.FINAL, channel=channel, sure=True)
            messages = answer.get("messages") or []
    except SlackError as error:
        if not error.permanent:
            raise
        log.warning("channel not read, whether a question was posted is not known", error=error.error)
        return ""
    return next((str(message["ts"]) for message in messages if _asks(message, me, run_id)), "")


def _asks(message: Message, me: Me, run_id: str) -> bool:
    metadata = message.get("metadata") or {}
    asked = (metadata.get("event_payload") or {}).get("run")
    return message.get("bot_id") == me.bot and metadata.get("event_type") == QUESTION and asked == run_id
