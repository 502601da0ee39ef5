"""Greeting: what Parley says once where it was added to a channel: who it is, and how to call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from adapters.pace import Rank
from adapters.remembered import Recent
from adapters.slack.calls import Calls, SlackError
from adapters.slack.hearing import PLATFORM, Me
from adapters.slack.manifest import COMMAND
from adapters.slack.telling import Telling
from bot.assistants.types import Author
from bot.errors import StoreError
from bot.ports import CommandRequest, Conversation, Intake

REMEMBERED = 500
"""Events, each of which Slack may deliver several times: https://docs.slack.dev/apis/events-api#retries"""

log = structlog.get_logger(__name__)


class Greeting:
    def __init__(self, intake: Intake, calls: Calls, me: Me, telling: Telling, *, follow_threads: bool) -> None:
        self._intake = intake
        self._calls = calls
        self._me = me
        self._telling = telling
        self._text = greeting(f"<@{me.user}>", follow_threads=follow_threads)
        self._met: Recent[str, None] = Recent(REMEMBERED)

    def joined(self, event_id: str, event: Mapping[str, Any]) -> None:
        """Somebody is in a channel now: https://docs.slack.dev/reference/events/member_joined_channel"""
        if event["user"] != self._me.user or event_id in self._met:
            return
        self._met.put(event_id, None)
        self._telling.beside(self._greet(event["channel"], event.get("inviter") or ""), "greeting")

    async def _greet(self, channel: str, inviter: str) -> None:
        where, author = Conversation(PLATFORM, self._me.team, channel, ""), Author(inviter, inviter)
        try:
            if (await self._intake.overview(CommandRequest(where, author, ""))).refused:
                log.info("not greeted where nobody is answered", channel=channel)
                return
            said = {"channel": channel, "text": self._text}
            await self._calls.call("chat.postMessage", said, rank=Rank.SPARE, channel=channel)
        except (SlackError, StoreError) as error:
            log.warning("not greeted", channel=channel, problem=str(error))


def greeting(mention: str, *, follow_threads: bool) -> str:
    """In `mrkdwn`."""
    return (
        f"Hello, I am Parley. {how(mention, follow_threads=follow_threads)} `{COMMAND} help` says what else I can do. "
        "Which tools I may use here is for the admins of this workspace to say."
    )


def how(mention: str, *, follow_threads: bool) -> str:
    """How to call Parley in a channel, in `mrkdwn`."""
    on = "talk on there without a mention" if follow_threads else "mention me there again to talk on"
    return f"Mention {mention} with a question, and I answer in the thread; {on}."
