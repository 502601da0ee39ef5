"""What the tests of the models share: a model connected to the simulator, a request, and one call heard to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from bot.models.connect import Endpoint, connect
from bot.models.port import FunctionTool, Item, Model, ModelRequest, TextDelta, Turn, UserText
from tests.simulators.openai import OpenAISimulator
from tests.simulators.serve import serve

BERN = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
TOOLS = tuple(
    FunctionTool(name, f"Tells the {name}.", {**BERN, "additionalProperties": False})
    for name in ("temperature", "rain")
)


@asynccontextmanager
async def connected(simulator: OpenAISimulator, api: Literal["responses", "chat"]) -> AsyncIterator[Model]:
    """A model on `simulator`, which must have been called as scripted by the end of the block."""
    async with serve(simulator.app) as url:
        model = connect(Endpoint(api=api, api_key=simulator.key, base_url=f"{url}/v1"))
        try:
            yield model
        finally:
            await model.close()
    simulator.assert_done()


def asking(*items: Item, **fields: Any) -> ModelRequest:
    fields = {"model": "gpt-5.5", "instructions": "Be brief.", **fields}
    return ModelRequest(items=items or (UserText("Is it cold in Bern?"),), **fields)


async def hear(model: Model, request: ModelRequest) -> tuple[list[str], Turn]:
    """The text deltas and the turn of one call."""
    deltas: list[str] = []
    turn: Turn | None = None
    async for event in model.stream(request):
        assert turn is None, "events after the turn"
        if isinstance(event, TextDelta):
            deltas.append(event.text)
        elif isinstance(event, Turn):
            turn = event
    assert turn is not None
    return deltas, turn
