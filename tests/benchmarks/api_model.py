"""What the benchmark of the API streams: an answer of fifty pieces, by a model that takes no time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.assistants.types import Usage
from bot.models.port import ModelEvent, ModelRequest, TextDelta, Turn

PIECES = 50
WORDS = [f"word{number} " for number in range(PIECES)]
ANSWER = "".join(WORDS)


class Fifty:
    """A `bot.models.port.Model`."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        for word in WORDS:
            yield TextDelta(word)
        yield Turn(ANSWER, usage=Usage(prompt_tokens=300, completion_tokens=PIECES, total_tokens=300 + PIECES))

    async def check(self, model: str) -> str:
        return f"{model} takes no time."

    async def close(self) -> None:
        """Nothing is held open."""
