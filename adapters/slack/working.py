"""What tells people that Parley is at work on their question: an agent session, or else the thread's status.

A session that is `processing` has Slack's own Stop button; it stays so until the app says otherwise.
https://docs.slack.dev/ai/agent-sessions and https://docs.slack.dev/reference/methods/assistant.threads.setStatus
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from adapters.pace import Clock, Rank
from adapters.slack.blocks import quiet
from adapters.slack.board import Waiting
from adapters.slack.calls import Calls, SlackError

SESSION, STATUS = "agents.sessions.setStatus", "assistant.threads.setStatus"
THINKING = "is thinking…"

PATIENCE = 2.0
"""Seconds that an answer waits for its status, at most."""

RENEWAL = 90.0
"""Seconds after which a thread's status is shown anew."""

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

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._sessions = True
        self._open: set[tuple[str, str]] = set()
        """The sessions that are `processing`: each may want a call to end it, which must not have to wait."""
        self._renewing: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def usual(self) -> Waiting:
        """What is most likely shown where nobody remembers."""
        return "session" if self._sessions else "status"

    async def begin(self, channel: str, thread: str, user: str, title: str) -> Waiting:
        """Say so at once, if there is room for it; an answer never waits for its status."""
        if self._sessions and self._calls.spare(SESSION) > len(self._open) + 1:
            started = {"status": "processing", "title": quiet(title) or None, "initiator_user_id": user}
            self._open.add((channel, thread))
            if await self._try(SESSION, channel, thread, started):
                return "session"
            self._open.discard((channel, thread))
        if self._calls.room(STATUS, channel) and await self._try(STATUS, channel, thread, {"status": THINKING}):
            self.shown(channel, thread)
            self._renewing[channel, thread] = asyncio.create_task(self._renew(channel, thread), name=f"status {thread}")
            return "status"
        return ""

    def shown(self, channel: str, thread: str) -> None:
        """A message says now what goes on: a thread's status, which goes out by itself, is not renewed any more."""
        if task := self._renewing.pop((channel, thread), None):
            task.cancel()

    def told(self, channel: str, thread: str) -> None:
        """The session was ended together with a stream."""
        self._open.discard((channel, thread))

    async def close(self) -> None:
        tasks = [*self._renewing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _renew(self, channel: str, thread: str) -> None:
        while True:
            await self._clock.sleep(RENEWAL)
            await self._try(STATUS, channel, thread, {"status": THINKING})

    async def end(self, channel: str, thread: str, waiting: Waiting) -> None:
        """Raises `SlackError` where another attempt could help: a status that stays would be a lie."""
        self._open.discard((channel, thread))
        self.shown(channel, thread)
        try:
            if waiting in ("session", "both"):
                await self._say(SESSION, channel, thread, {"status": "active"}, patient=True)
            if waiting in ("status", "both"):
                await self._say(STATUS, channel, thread, {"status": ""}, patient=True)
        except SlackError as error:
            if not error.permanent:
                raise
            log.info("status not cleared", waiting=waiting, error=error.error)
            if waiting in ("session", "both") and error.error in NOT_OFFERED:
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
