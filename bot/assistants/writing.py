"""The message that the model is writing: its text as it grows, and the message and step that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from bot.assistants.events import Emit, MessageBegun, TextAppended, TextDiscarded
from bot.assistants.types import (
    Message,
    MessageReason,
    Run,
    RunStatus,
    RunStep,
    StepStatus,
    Usage,
    new_id,
    well_formed,
)
from bot.clock import Clock
from bot.models.port import Turn

REFUSED = "The model declined to answer that."

CUT_SHORT: dict[RunStatus, tuple[MessageReason, StepStatus]] = {
    "failed": ("run_failed", "failed"),
    "cancelled": ("run_cancelled", "cancelled"),
    "expired": ("run_expired", "expired"),
    "incomplete": ("max_tokens", "completed"),
}
"""What becomes of the message, and of its step, when the run does not complete."""


class Writing:
    """Tells what is appended and what no longer holds, as it happens."""

    def __init__(self, run: Run, clock: Clock, emit: Emit) -> None:
        self._run = run
        self._clock = clock
        self._emit = emit
        self._parts: list[str] = []
        self._begun: tuple[Message, RunStep] | None = None
        """The message and its step as they are told at first."""

    def __bool__(self) -> bool:
        return bool(self.text.strip())

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def append(self, text: str) -> None:
        text = well_formed(text)
        if self._begun is None:
            self._begun = self._begin()
            self._emit(MessageBegun(*self._begun))
        self._parts.append(text)
        self._emit(TextAppended(text))

    def discard(self) -> None:
        """The stream broke: what was appended no longer holds."""
        if self._parts:
            self._parts.clear()
            self._begun = None
            self._emit(TextDiscarded())

    def settle(self, turn: Turn) -> None:
        """Hold the text as the whole turn has it, and tell what the stream did not."""
        text = well_formed(turn.text) if turn.text.strip() else ""
        if turn.refused and not text:
            text = REFUSED
        if self.text != text:
            self.discard()
            if text:
                self.append(text)

    def take(self) -> list[str]:
        """The parts, which are gone from here: whoever takes them sees to them, or brings them back."""
        parts, self._parts = self._parts, []
        return parts

    def bring_back(self, parts: list[str]) -> None:
        self._parts = parts

    def completed(self, usage: Usage | None = None) -> tuple[Message, RunStep]:
        """The message, finished, and the step that made it."""
        now = self._clock.now()
        message, step = self._begun or self._begin()
        message = replace(message, text=self.text, status="completed", completed_at=now)
        return message, replace(step, ended=("completed", now), usage=usage)

    def cut_short(
        self, run: Run, usage: Usage | None = None, why: MessageReason | None = None
    ) -> tuple[Message, RunStep]:
        """The message as far as it got when `run` ended. `why` where the run alone does not tell."""
        now, (reason, ended) = self._clock.now(), CUT_SHORT[run.status]
        message, step = self._begun or self._begin()
        message = replace(
            message, text=self.text, status="incomplete", incomplete_at=now, incomplete_reason=why or reason
        )
        return message, replace(step, ended=(ended, now), usage=usage, last_error=run.last_error)

    def _begin(self) -> tuple[Message, RunStep]:
        run, now = self._run, self._clock.now()
        message = Message(
            id=new_id("msg"),
            thread_id=run.thread_id,
            created_at=now,
            role="assistant",
            text="",
            status="in_progress",
            assistant_id=run.assistant_id,
            run_id=run.id,
        )
        return message, new_step(run, "message_creation", now, message_id=message.id)


def new_step(run: Run, type_: Literal["tool_calls", "message_creation"], at: float, **fields: Any) -> RunStep:
    return RunStep(
        id=new_id("step"),
        run_id=run.id,
        thread_id=run.thread_id,
        assistant_id=run.assistant_id,
        created_at=at,
        type=type_,
        **fields,
    )
