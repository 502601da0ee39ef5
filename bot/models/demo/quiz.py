"""The demo model's one quiz, for whoever asks to be quizzed, and what it says to the answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.models.port import FunctionTool

TOOL = "display_quiz"

_WANTED = re.compile(r"\bquiz(?:zes)?\b", re.IGNORECASE)
_MULTIPLE, _FREE = "MULTIPLE_CHOICE", "FREE_RESPONSE"
_QUESTIONS: Sequence[tuple[str, Sequence[str], str]] = (
    ("At which temperature does fresh water freeze?", ("-10 °C", "0 °C", "4 °C"), "0 °C"),
    (
        "Which cloud brings thunderstorms?",
        ("cirrus", "stratus", "cumulonimbus", "altocumulus"),
        "cumulonimbus",
    ),
    ("What do you like about the weather where you live?", (), ""),
)


def wanted(text: str, tools: Sequence[FunctionTool]) -> Mapping[str, Any] | None:
    """The arguments of the call that shows a quiz; None where nobody asks for one, or the tool is not offered."""
    if not _WANTED.search(text) or TOOL not in {tool.name for tool in tools}:
        return None
    questions = [
        {"question_text": question, "question_type": _MULTIPLE if choices else _FREE, "choices": list(choices)}
        for question, choices, _ in _QUESTIONS
    ]
    return {"title": "The weather", "questions": questions}


def feedback(answers: Any) -> str:
    """What is said to the answers, a list in the order of the questions."""
    if not isinstance(answers, list) or len(answers) != len(_QUESTIONS):
        return "Then there will be no quiz."
    told, right, asked = [], 0, 0
    for answer, (question, choices, best) in zip(answers, _QUESTIONS, strict=True):
        if choices:
            asked, right = asked + 1, right + (answer == best)
            told.append(f"- {question} {best}: {'right' if answer == best else f'you said {answer}'}.")
        else:
            told.append(f"- {question} You said: {answer}")
    return "\n".join([f"You got {right} of {asked} right.", "", *told])
