"""What the engine asks of the store: named operations, each of them one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.assistants.history import Past
from bot.assistants.types import Message, Run, RunStatus, RunStep, ToolCall


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a run, decided while nobody else can write."""

    run: Run
    outputs: Sequence[ToolCall] = ()
    allowed: Sequence[str] = ()
    """The ids of calls that wait for nobody outside any more: they are run here."""


class Journal(Protocol):
    """Writes are whole or not at all, and go on to their end when the caller is cancelled.

    But for `decide` they raise `Superseded`, and write nothing, where the run is no longer ours to drive, or no
    longer in the status `was`. All raise `StoreError` where the database fails.
    """

    async def run(self, run_id: str) -> Run:
        """The run as it is now. Raises `NotFound`, and `Superseded` where another process drives it."""
        ...

    async def steps(self, run_id: str) -> Sequence[RunStep]:
        """The run's steps, oldest first."""
        ...

    async def past(self, run: Run, *, fresh: bool) -> Past:
        """The newest `WINDOW_MESSAGES` messages of the run's thread that a model may read, with files and steps.

        `fresh`: the run has no steps yet.
        """
        ...

    async def start_run(self, run: Run) -> None:
        """`queued` became `in_progress`."""
        ...

    async def record_turn(self, run: Run, was: RunStatus, steps: Sequence[RunStep], message: Message | None) -> None:
        """The steps (and message) of a turn that calls tools; the run is written where its status changed."""
        ...

    async def record_outputs(self, run: Run, calls: Sequence[ToolCall]) -> None:
        """Outputs that are known now. An output once recorded stays as it is."""
        ...

    async def end_run(self, run: Run, was: RunStatus, step: RunStep | None, message: Message | None) -> None:
        """The terminal run, with its last message and step; steps that are still open end as the run does."""
        ...

    async def decide(self, run_id: str, decision: Callable[[Run], Change]) -> Run:
        """Read the run, decide and write in one transaction, whoever drives it.

        Raises `NotFound` and what `decision` raises.
        """
        ...
