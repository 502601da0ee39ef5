"""A model that says what the test wrote down, in that order, and refuses to be asked more often."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.assistants.types import Usage, new_id
from bot.models.port import Call, CallOutput, ModelError, ModelEvent, ModelRequest, TextDelta, Turn, UserText

TOKENS = Usage(prompt_tokens=10, completion_tokens=5, total_tokens=15, cached_tokens=4, reasoning_tokens=2)


@dataclass(slots=True)
class Gate:
    """A place where the model waits. `reached` is set when it does; `open` lets it go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self.opened.set()

    async def wait(self) -> None:
        self.reached.set()
        await self.opened.wait()


Act = str | Gate | ModelError | Turn


class ScriptedModel:
    def __init__(self) -> None:
        self.requests: list[ModelRequest] = []
        self._script: deque[Sequence[Act]] = deque()

    # -- the script -----------------------------------------------------------------------------------------

    def say(self, *deltas: str, finish: Literal["stop", "length", "content_filter"] = "stop", **fields: Any) -> None:
        """A turn that is text only."""
        self.act(*deltas, Turn("".join(deltas), usage=TOKENS, finish=finish, **fields))

    def call(self, *calls: tuple[str, dict[str, Any]] | Call, text: str = "", **fields: Any) -> list[str]:
        """A turn that calls tools; returns the calls' ids."""
        made = [
            call if isinstance(call, Call) else Call(new_id("call"), call[0], json.dumps(call[1])) for call in calls
        ]
        self.act(*([text] if text else []), Turn(text, calls=made, usage=TOKENS, provider="script", **fields))
        return [call.id for call in made]

    def hold(self, *before: str) -> Gate:
        """A turn that begins with `before` and then stops at the gate; write the rest of it with `act`."""
        gate = Gate()
        self._script.append([*before, gate, Turn("".join(before) or "…", usage=TOKENS)])
        return gate

    def act(self, *acts: Act) -> None:
        """One model call, step by step: deltas, gates, and a turn or an error at its end."""
        self._script.append(acts)

    def assert_done(self) -> None:
        assert not self._script, f"the model was not asked for {list(self._script)}"

    # -- the model ------------------------------------------------------------------------------------------

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.requests.append(request)
        assert self._script, f"the model was asked once too often: {request.items}"
        for act in self._script.popleft():
            match act:
                case str():
                    yield TextDelta(act)
                case Gate():
                    await act.wait()
                case ModelError():
                    raise act
                case Turn():
                    yield act

    async def check(self, model: str) -> str:
        return f"{model} is scripted."

    async def close(self) -> None:
        """Nothing is held open."""

    # -- what it was asked ----------------------------------------------------------------------------------

    def heard(self, number: int = -1) -> list[str]:
        """The texts of the people in a request."""
        return [item.text for item in self.requests[number].items if isinstance(item, UserText)]

    def outputs(self, number: int = -1) -> list[str]:
        """The tool outputs in a request."""
        return [item.output for item in self.requests[number].items if isinstance(item, CallOutput)]
