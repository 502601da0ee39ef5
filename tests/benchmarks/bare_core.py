"""A bare loop to compare the core with: the model, the tools, the model again, shown as it comes. Nothing is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2

from bot.assistants.types import Author
from bot.clock import SystemClock
from bot.models.port import Call, CallOutput, FunctionTool, Item, ModelRequest, TextDelta, Turn, UserText
from bot.toolbox import CallContext
from tests.benchmarks.instant import MODEL, REGISTRY, InstantModel, question
from tests.benchmarks.screen import Screen

TOOLS = [FunctionTool(one.name, one.description, one.parameters) for one in REGISTRY.values()]


@dataclass(frozen=True, slots=True)
class BareLoop:
    model: InstantModel
    screen: Screen
    http: httpx2.AsyncClient

    async def ask_and_wait(self, number: int) -> None:
        """Answer a question: it is shown that somebody works on it, then the whole answer."""
        shown, text = self.screen.expect(number), ""
        shown.accepted = time.perf_counter()
        self.screen.show(number, "…", new=True, last=False)
        async for delta in self._deltas([UserText(question(number), Author("U1", "Alice"))]):
            text += delta
        self.screen.show(number, text, new=False, last=True)

    async def _deltas(self, said: list[Item]) -> AsyncIterator[str]:
        calls = [Call("", "", "")]
        while calls:
            async for event in self.model.stream(ModelRequest(MODEL, "Be brief.", said, TOOLS)):
                match event:
                    case TextDelta(text):
                        yield text
                    case Turn():
                        calls = list(event.calls)
            said += [*calls, *await asyncio.gather(*map(self._call, calls))]

    async def _call(self, one: Call) -> CallOutput:
        context = CallContext(one.id, self.http, SystemClock(), lambda name: "")
        result = await REGISTRY.execute(one.name, one.arguments, context, enabled=REGISTRY)
        return CallOutput(one.id, result.output)
