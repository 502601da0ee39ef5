"""A model that says the same whatever it is asked; where it is asked for a quiz, it gives one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from bot.assistants.types import new_id
from bot.models.port import Call, ModelEvent, ModelRequest, TextDelta, Turn, UserText
from tests.scripted_model import TOKENS

WELL = "Well."
QUIZ = "A quiz, please!"
QUESTIONS = (
    {"question_text": "Which is it?", "question_type": "MULTIPLE_CHOICE", "choices": ["One", "Two"]},
    {"question_text": "And why?", "question_type": "FREE_RESPONSE", "choices": []},
)


class WellModel:
    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        last = request.items[-1]
        if isinstance(last, UserText) and QUIZ in last.text:
            arguments = json.dumps({"title": "Which", "questions": QUESTIONS})
            yield Turn("", calls=[Call(new_id("call"), "display_quiz", arguments)], usage=TOKENS)
            return
        yield TextDelta(WELL)
        yield Turn(WELL, usage=TOKENS)

    async def check(self, model: str) -> str:
        return f"{model} is well."

    async def close(self) -> None:
        """Nothing is held open."""
