"""A model that takes no time: one or two tools, then an answer of forty words; and the questions that it is asked."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.assistants.types import Usage
from bot.models.port import Call, CallOutput, ModelEvent, ModelRequest, TextDelta, Turn, UserText
from tests.parley import forecast, tide
from tools.registry import Registry

MODEL = "instant"
WORDS = 40
REGISTRY = Registry([forecast, tide])

_FILLER = "with a light wind from the west, good visibility, and nothing in the sky that asks for an umbrella today"
_USAGE = Usage(prompt_tokens=300, completion_tokens=60, total_tokens=360)
_NUMBER = re.compile(r"\(question (\d+)\)")


def question(number: int) -> str:
    return f"(question {number}) How is Oslo, {'and how high is the sea' if _tools(number) > 1 else 'please'}?"


def answer(number: int) -> str:
    """What the model says when the tools have said what they should."""
    outputs = ["Snow in Oslo.", "High in Oslo."][: _tools(number)]
    words = f"Answer {number}: {' '.join(outputs)} That is all there is to know,".split()
    return " ".join([*words, *(_FILLER.split() * 2)[: WORDS - len(words)]])


def _tools(number: int) -> int:
    return 1 + number % 2


@dataclass
class Gate:
    """Holds answers in their middle. `arrived` of them are there."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: int = 0
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        self.arrived += 1
        self._came.set()
        await self.opened.wait()

    async def until(self, arrived: int) -> None:
        while self.arrived < arrived:
            self._came.clear()
            await self._came.wait()


@dataclass
class InstantModel:
    """A `bot.models.port.Model`."""

    gate: Gate | None = None

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        number = next(_number(item) for item in reversed(request.items) if isinstance(item, UserText))
        last = request.items[-1]
        if not isinstance(last, CallOutput):
            names = ["forecast", "tide"][: _tools(number)]
            calls = [Call(f"call-{name}", name, json.dumps({"place": "Oslo"})) for name in names]
            yield Turn("", calls=calls, usage=_USAGE, provider=MODEL)
            return
        outputs = [item.output for item in request.items[-_tools(number) :] if isinstance(item, CallOutput)]
        text = answer(number) if " ".join(outputs) in answer(number) else f"The tools said {outputs}."
        words = re.findall(r"\S+\s*", text)
        for word in words[: WORDS // 2]:
            yield TextDelta(word)
        if self.gate is not None:
            await self.gate.wait()
        for word in words[WORDS // 2 :]:
            yield TextDelta(word)
        yield Turn(text, usage=_USAGE, provider=MODEL)

    async def check(self, model: str) -> str:
        return f"{model} takes no time."

    async def close(self) -> None:
        """Nothing is held open."""


def _number(item: UserText) -> int:
    found = _NUMBER.search(item.text)
    return int(found.group(1)) if found else 0
