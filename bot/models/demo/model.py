"""The demo model: answers a request by rules, through the same port as a real model."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from bot.assistants.types import Usage, new_id
from bot.models.demo.answer import answer, in_format
from bot.models.demo.plan import Part, Wanted, forced, plan
from bot.models.demo.thread import Thread, read_thread
from bot.models.port import (
    AssistantText,
    Call,
    CallOutput,
    FunctionTool,
    Item,
    ModelEvent,
    ModelRequest,
    OwnItems,
    TextDelta,
    Turn,
    UserText,
)

PROVIDER = "demo"
CHARACTERS_PER_TOKEN = 4


class DemoModel:
    """Answers without a key or a network. `pace` is seconds between streamed words; with 0 it never sleeps."""

    def __init__(self, pace: float = 0.02, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._pace = pace
        self._sleep = sleep

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        turn = respond(request)
        for word in re.findall(r"\s*\S+\s*\Z|\s*\S+|\s+", turn.text):
            yield TextDelta(word)
            if self._pace > 0:
                await self._sleep(self._pace)
        yield turn

    async def check(self, model: str) -> str:
        return (
            "The demo model answers: no key is set. OPENAI_API_KEY connects a real model, "
            "OPENAI_BASE_URL a local server."
        )

    async def close(self) -> None:
        """There is nothing to close."""


def respond(request: ModelRequest) -> Turn:
    """The turn for a request: the same for the same request, apart from the ids of calls."""
    thread = read_thread(request.items)
    parts = plan(thread, request.tools)
    calls = [_call(wanted) for wanted in _due(request, thread, parts)]
    text = "" if calls else in_format(answer(parts, thread.made), request.response_format)
    return _within(request, text, calls)


def _due(request: ModelRequest, thread: Thread, parts: Sequence[Part]) -> list[Wanted]:
    """The calls to make in this turn; none where everything is there, or where no call is allowed."""
    if request.tool_choice == "none":
        return []
    done = {made.key for made in thread.made}
    wanted = {step.key: step for part in parts for step in part.steps if isinstance(step, Wanted)}
    named = _named(request)
    open_ = [step for key, step in wanted.items() if key not in done and named in (None, step.tool)]
    if not open_ and not thread.made and (tool := _forced_tool(request, named)):
        open_ = [forced(thread, tool)]
    return open_ if request.parallel_tool_calls else open_[:1]


def _named(request: ModelRequest) -> str | None:
    """The function that `tool_choice` names."""
    if not isinstance(request.tool_choice, Mapping):
        return None
    function = request.tool_choice.get("function")
    name = function.get("name") if isinstance(function, Mapping) else request.tool_choice.get("name")
    return name if isinstance(name, str) else None


def _forced_tool(request: ModelRequest, named: str | None) -> FunctionTool | None:
    if named is not None:
        return next((tool for tool in request.tools if tool.name == named), None)
    return next(iter(request.tools), None) if request.tool_choice == "required" else None


def _call(wanted: Wanted) -> Call:
    return Call(new_id("call"), wanted.tool, json.dumps(wanted.arguments, ensure_ascii=False))


def _within(request: ModelRequest, text: str, calls: Sequence[Call]) -> Turn:
    """The turn, cut where it is longer than `max_output_tokens`; calls are not cut but left out."""
    most = request.max_output_tokens
    written = text + "".join(call.name + call.arguments for call in calls)
    whole = most is None or _tokens(written) <= most
    if not whole:
        text, calls = text[: max(most or 0, 0) * CHARACTERS_PER_TOKEN], ()
        written = text
    prompt, completion = _tokens(_prompt(request)), _tokens(written)
    usage = Usage(prompt, completion, prompt + completion)
    return Turn(text, tuple(calls), usage, "stop" if whole else "length", (), PROVIDER)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _prompt(request: ModelRequest) -> str:
    tools = (f"{tool.name}{tool.description}{json.dumps(tool.parameters, default=str)}" for tool in request.tools)
    return "".join([request.instructions, *tools, *map(_text, request.items)])


def _text(item: Item | AssistantText | Call) -> str:
    match item:
        case UserText():
            return item.spoken
        case AssistantText(text):
            return text
        case Call(_, name, arguments):
            return name + arguments
        case CallOutput(_, output):
            return output
        case OwnItems(_, _, neutral):
            return "".join(map(_text, neutral))
