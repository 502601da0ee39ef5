"""What the bare loops of all platforms have in common: the SDK's stream, the same tools with the same requests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from bot.clock import SystemClock
from bot.toolbox import CallContext
from tests.benchmarks.conversation import MODEL
from tools.registry import Registry
from tools.weather import get_current_temperature, get_rain_probability

registry = Registry([get_current_temperature, get_rain_probability])
TOOLS: Any = [
    {
        "type": "function",
        "name": one.name,
        "description": one.description,
        "parameters": one.parameters,
        "strict": False,
    }
    for one in registry.values()
]


@dataclass(frozen=True, slots=True)
class Loop:
    model: openai.AsyncOpenAI
    http: httpx2.AsyncClient

    async def deltas(self, said: list[Any]) -> AsyncIterator[str]:
        """The answer to what was said, piece by piece; the tools that it took are put into `said`."""
        calls: list[Any] = [None]
        while calls:
            calls = []
            async for heard in await self.model.responses.create(model=MODEL, input=said, tools=TOOLS, stream=True):
                if heard.type == "response.output_text.delta":
                    yield heard.delta
                elif heard.type == "response.output_item.done" and heard.item.type == "function_call":
                    calls.append(heard.item)
            said += [one.model_dump(exclude_none=True) for one in calls]
            said += await asyncio.gather(*map(self._call, calls))

    async def _call(self, one: Any) -> Any:
        context = CallContext(one.call_id, self.http, SystemClock(), lambda name: os.environ.get(name, ""))
        result = await registry.execute(one.name, one.arguments, context, enabled=registry)
        return {"type": "function_call_output", "call_id": one.call_id, "output": result.output}
