"""The events of a stream as plain JSON: what a server sent, whatever the client's own types would make of it.

The client's typed methods build a model of each event, several times the work of everything else that a delta costs.
Its `post` with `object` as the type hands over what it has parsed, with all that is the client's besides: errors,
timeouts, Azure's addresses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import Any

import openai
from openai import AsyncStream

from bot.assistants.types import JSON
from bot.models.connect import CONNECT_TIMEOUT, READ_TIMEOUT
from bot.models.failures import legible, translated


async def opened(client: openai.AsyncOpenAI, path: str, body: Mapping[str, Any]) -> AsyncStream[object]:
    """A stream of events that the server sends for `body`, which asks for one. Raises `TimeoutError`, too: aiohttp's
    own times do not count while the body is on its way.
    """
    async with asyncio.timeout(CONNECT_TIMEOUT + READ_TIMEOUT):
        return await client.post(path, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object])


async def received(opening: Awaitable[AsyncStream[object]], model: str) -> AsyncGenerator[JSON, None]:
    """Each event of the stream that `opening` opens. Raises `ModelError`; leaving it closes the stream."""
    with translated(model):
        async with await opening as events:
            async for event in events:
                yield _mapping(event)


def _mapping(event: object) -> JSON:
    with legible():
        if not isinstance(event, dict):
            raise TypeError(type(event).__name__)
        return event
