"""How often one call to a platform is tried, and how long is waited before it is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import PlatformError

PAUSES = 10
"""How often a call begins anew because the platform asked for a pause …"""
PATIENCE = 300.0
"""… and for how many seconds after its first failure."""

BACK_OFF = (0.5, 1.0, 2.0)
"""Seconds before each further attempt at a call that failed."""
LONGEST_BACK_OFF = 10.0
"""Seconds: a failing platform that wants more is not waited for."""


class CallError(PlatformError):
    """A call to a platform that failed. `lost`: it may have taken effect all the same; `limited`: the platform asks for
    a pause of `retry_after` seconds, and did nothing.
    """

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: float | None = None,
        permanent: bool = False,
        lost: bool = False,
        limited: bool = False,
    ) -> None:
        super().__init__(sentence, retry_after=retry_after, permanent=permanent)
        self.lost = lost
        self.limited = limited

    @property
    def harmless(self) -> bool:
        """The call surely had no effect."""
        return not self.lost


@dataclass(slots=True)
class Effort:
    """How often one call was tried, and whether it should be again.

    `patient`: where the platform asks for a pause (which has no effect otherwise) the call begins anew after it, ten
    times and five minutes at most. `sure`: it may be made as often as one likes to the same effect, so that it is
    also tried again where nobody knows whether it had one.
    """

    patient: bool
    sure: bool
    pauses: int = 0
    failures: int = 0
    since: float | None = None

    def pause(self, failure: CallError, now: float) -> float | None:
        """Seconds to wait before the next attempt, none where `Pace` keeps the pause; None to give up."""
        self.since = now if self.since is None else self.since
        if failure.limited:
            self.pauses += 1
            late = now + (failure.retry_after or 0.0) > self.since + PATIENCE
            return None if late or not self.patient or self.pauses > PAUSES else 0.0
        if failure.permanent or not (self.sure or (self.patient and failure.harmless)):
            return None
        self.failures += 1
        if self.failures > len(BACK_OFF) or (failure.retry_after or 0.0) > LONGEST_BACK_OFF:
            return None
        return max(BACK_OFF[self.failures - 1], failure.retry_after or 0.0)
