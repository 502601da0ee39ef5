"""What tells people that Parley is at work on their question: an agent session, or else the thread's status.

A session that is `processing` has Slack's own Stop button; it stays so until the app says otherwise.
https://docs.slack.dev/ai/agent-sessions and https://docs.slack.dev/reference/methods/assistant.threads.setStatus
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from adapters.pace import Rank
from adapters.slack.blocks import quiet
from adapters.slack.board import Waiting
from adapters.slack.calls import Calls, SlackError

SESSION, STATUS = "agents.sessions.setStatus", "assistant.threads.setStatus"
THINKING = "is thinking…"

PATIENCE = 2.0
"""Seconds that an answer waits for its status, at most."""

NOT_OFFERED = frozenset({
    "unknown_method",
    "not_allowed_token_type",
    "method_deprecated",
    "feature_not_enabled",
    "not_allowed",
    "no_permission",
    "app_not_agent",
    "missing_scope",
})  # fmt: skip
"""What Slack says of something that this workspace, plan or app does not have: not to be asked for again."""

log = structlog.get_logger(__name__)


class Working:
    """One for the process: it remembers whether sessions are to be had."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._sessions = True

    @property
    def usual(self) -> Waiting:
        """What is most likely shown where nobody remembers."""
        return "session" if self._sessions else "status"

    async def begin(self, channel: str, thread: str, user: str, title: str) -> Waiting:
        """Say so at once, if there is room for it; an answer never waits for its status."""
        if self._sessions and self._calls.room(SESSION, channel):
            started = {"status": "processing", "title": quiet(title) or None, "initiator_user_id": user}
            if await self._try(SESSION, channel, thread, started):
                return "session"
        if self._calls.room(STATUS, channel) and await self._try(STATUS, channel, thread, {"status": THINKING}):
            return "status"
        return ""

    async def end(self, channel: str, thread: str, waiting: Waiting) -> None:
        """Raises `SlackError` where another attempt could help: a status that stays would be a lie."""
        try:
            match waiting:
                case "session":
                    await self._say(SESSION, channel, thread, {"status": "active"}, patient=True)
                case "status":
                    await self._say(STATUS, channel, thread, {"status": ""}, patient=True)
        except SlackError as error:
            if not error.permanent:
                raise
            log.info("status not cleared", waiting=waiting, error=error.error)
            if waiting == "session" and error.error in NOT_OFFERED:
                self._sessions = False
                await self.end(channel, thread, "status")

    async def _try(self, method: str, channel: str, thread: str, arguments: dict[str, Any]) -> bool:
        """False where it is surely not shown."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._say(method, channel, thread, arguments, patient=False)
        except TimeoutError:
            log.info("status not known", method=method)
        except SlackError as error:
            if method == SESSION and error.error in NOT_OFFERED:
                self._sessions = False
            log.info("status not shown", method=method, error=error.error)
            return error.lost
        return True

    async def _say(self, method: str, channel: str, thread: str, arguments: dict[str, Any], *, patient: bool) -> None:
        where = {"channel_id": channel, "thread_ts": thread, **arguments}
        await self._calls.call(method, where, rank=Rank.FINAL, channel=channel, patient=patient, sure=patient)
