"""How many answers may be streamed at once: so many that each stream that begins can also be ended without a wait."""

from __future__ import annotations

from collections import deque

from adapters.pace import Clock, Pace

START, STOP = "chat.startStream", "chat.stopStream"

LIFE = 600.0
"""Seconds after which a stream needs no stop any more: Slack ends each about five minutes after its start,
https://github.com/slackapi/python-slack-sdk/issues/1859. Whoever forgot to say so does not use the budget up."""


class StreamBudget:
    """Counts open streams: each will want one of the few calls of `chat.stopStream` that Slack takes in a minute.

    https://docs.slack.dev/reference/methods/chat.stopStream; how many were called lately is known to `Pace`.
    """

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._open: deque[float] = deque()
        """When each of them began."""

    def start(self) -> bool:
        """Whether a stream may begin now. If so the turn of its `chat.startStream` is taken: call it as `paced`.

        To be followed by one `over`.
        """
        now = self._clock.now()
        while self._open and self._open[0] + LIFE <= now:
            self._open.popleft()
        if len(self._open) >= self._pace.spare(STOP) or self._pace.take([START]) is None:
            return False
        self._open.append(now)
        return True

    def over(self) -> None:
        """A stream was ended, ended by itself, never began or is given up: it wants no further stop."""
        if self._open:
            self._open.popleft()
