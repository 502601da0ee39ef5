"""Asking: what a tool call waits for a person to say. It follows from the call itself, and is stored nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.assistants.types import ToolCall


@dataclass(frozen=True, slots=True)
class Question:
    """With `choices` it is answered by one of them, without by words of the person's own."""

    text: str
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """With `questions` the call waits for their answers, one after the other; without, for leave to be run."""

    call: ToolCall
    title: str = ""
    questions: Sequence[Question] = ()

    @property
    def number(self) -> int:
        """The index of the question that is open now."""
        return len(self.call.answers)

    @property
    def question(self) -> Question:
        """The question that is open now."""
        return self.questions[self.number]
