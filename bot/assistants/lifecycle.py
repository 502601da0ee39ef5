"""The run's lifecycle as a table and one function: which status may follow which, and what a change brings with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.assistants.types import RUN_LIFETIME, Run, RunStatus
from bot.errors import IllegalTransition

FOLLOWS: Mapping[RunStatus, frozenset[RunStatus]] = {
    "queued": frozenset({"in_progress", "cancelling", "failed", "expired"}),
    "in_progress": frozenset({"requires_action", "cancelling", "completed", "failed", "incomplete", "expired"}),
    "requires_action": frozenset({"in_progress", "cancelling", "failed", "expired"}),
    "cancelling": frozenset({"cancelled"}),
    "cancelled": frozenset(),
    "failed": frozenset(),
    "completed": frozenset(),
    "incomplete": frozenset(),
    "expired": frozenset(),
}

ACTIVE: frozenset[RunStatus] = frozenset(status for status, following in FOLLOWS.items() if following)
"""The statuses of a run that is not over; a thread has at most one such run."""


def move(run: Run, to: RunStatus, at: float, **changes: Any) -> Run:
    """The run in status `to`, entered at `at`, with further fields changed.

    A terminal run has no `expires_at`, and only a run in `requires_action` has required calls.
    Raises `IllegalTransition`.
    """
    if to not in FOLLOWS[run.status]:
        raise IllegalTransition(run.id, run.status, to)
    if to != "requires_action":
        changes["required_calls"] = ()
    if not FOLLOWS[to]:
        changes["expires_at"] = None
    return replace(run, status=to, transitions=(*run.transitions, (to, at)), **changes)


def new_run(at: float, **fields: Any) -> Run:
    """A queued run, which expires ten minutes after `at`."""
    return Run(status="queued", created_at=at, expires_at=at + RUN_LIFETIME, transitions=(("queued", at),), **fields)
