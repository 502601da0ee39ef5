"""The few errors of the core. Their text is for the one who reads it."""

from __future__ import annotations


class ParleyError(Exception):
    """Something went wrong that one sentence can explain."""


class StoreError(ParleyError):
    """The database could not be opened, read or written."""


class NotFound(ParleyError):
    """`No run found with id 'run_…'.`"""

    def __init__(self, noun: str, id_: str) -> None:
        super().__init__(f"No {noun} found with id '{id_}'.")
        self.noun = noun
        self.id = id_


class IllegalTransition(ParleyError):
    """A run was asked to go where it cannot go from its status."""

    def __init__(self, run_id: str, status: str, wanted: str) -> None:
        super().__init__(f"Run '{run_id}' is {status} and cannot become {wanted}.")
        self.run_id = run_id
        self.status = status
        self.wanted = wanted


class Superseded(ParleyError):
    """The run was moved on by someone else (stopped, expired) while this write was on its way; nothing was written."""


class BadToolOutputs(ParleyError):
    """Tool outputs that do not match the calls which the run waits for. Nothing was changed."""


class Refused(ParleyError):
    """The operator's `ALLOW` and `DENY` keep this person or channel out, or the person brings too many messages."""


class PlatformError(ParleyError):
    """A platform refused or failed a call. `retry_after` in seconds; `permanent` where trying again is pointless."""

    def __init__(self, sentence: str, *, retry_after: float | None = None, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.permanent = permanent

    @property
    def harmless(self) -> bool:
        """It surely changed nothing there: nothing has to be looked up before the next attempt."""
        return False
