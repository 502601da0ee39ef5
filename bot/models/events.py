"""The events of a stream as plain JSON: what a server sent, whatever the client's own types make of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from typing import Any

import openai
from openai import AsyncStream

from bot.assistants.types import JSON
from bot.models.failures import legible, translated


async def received(opening: Awaitable[AsyncStream[Any]], model: str) -> AsyncGenerator[JSON, None]:
    """Each event of the stream that `opening` opens. Raises `ModelError`; leaving it closes the stream."""
    with translated(model):
        async with await opening as events:
            async for event in events:
                yield _plain(event)


def _plain(event: openai.BaseModel) -> JSON:
    with legible():
        return event.to_dict(warnings=False)
