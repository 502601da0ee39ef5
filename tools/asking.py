"""What a tool can ask a person. Such a tool makes a `Form` of its arguments; the answers are its output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """With `choices` it is answered by one of them, without by words of the person's own."""

    text: str
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """Questions for one person, asked one after the other."""

    title: str
    questions: Sequence[Question]
