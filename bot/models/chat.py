"""Chat Completions as a model: for any compatible server, so strict in what is sent and liberal in what is read.

https://platform.openai.com/docs/api-reference/chat/create. Parameters that a server lacks are left out once it says
so; calls without ids, indexes or finish reasons are understood all the same (`bot.models.toolcalls`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from openai import AsyncStream

from bot.assistants.types import JSON, Usage
from bot.models import check
from bot.models.concessions import Concessions
from bot.models.events import opened, received
from bot.models.failures import broken, legible
from bot.models.images import Sight, data_url
from bot.models.port import (
    AssistantText,
    Call,
    CallOutput,
    FunctionTool,
    ModelEvent,
    ModelRequest,
    OwnItems,
    TextDelta,
    Turn,
    UserText,
)
from bot.models.tokens import counted
from bot.models.toolcalls import ToolCalls

OPTIONAL = (
    "stream_options",
    "parallel_tool_calls",
    "prompt_cache_key",
    "max_completion_tokens",
    "reasoning_content",
    "tool_choice",
    "strict",
)
"""What servers are known to lack. `max_completion_tokens` goes out under its old name, `max_tokens`, instead."""


class ChatModel:
    """Any server that speaks Chat Completions. Closes the client that it is given."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._concessions = Concessions(OPTIONAL)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        reading, sight = _Reading(), Sight(request)
        async with aclosing(received(self._open(request.model, sight), request.model)) as chunks:
            async for chunk in chunks:
                for remark in sight.new_remarks():
                    yield remark
                with legible():
                    said = list(reading.read(chunk))
                for text in said:
                    yield TextDelta(text)
        yield reading.turn(f"chat:{request.model}")

    async def check(self, model: str) -> str:
        return await check.check(self._client, model)

    async def close(self) -> None:
        await self._client.close()

    async def _open(self, model: str, sight: Sight) -> AsyncStream[object]:
        async def post(body: dict[str, Any]) -> AsyncStream[object]:
            return await opened(self._client, "/chat/completions", body)

        def build(without: frozenset[str]) -> dict[str, Any]:
            return _body(sight.allowed(without), without)

        return await self._concessions.send(model, build, post, images=sight.any)


@dataclass(slots=True)
class _Reading:
    """An answer as far as it has come in."""

    _text: list[str] = field(default_factory=list)
    _refusal: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: ToolCalls = field(default_factory=ToolCalls)
    _usage: Usage = field(default_factory=Usage)
    _finish: str = ""

    def read(self, chunk: JSON) -> Iterator[str]:
        """The text to show that `chunk` brings, be it answer or refusal."""
        if isinstance(usage := chunk.get("usage"), Mapping):
            self._usage = counted(usage, "prompt_tokens", "completion_tokens")
        for choice in [choice for choice in chunk.get("choices") or () if choice is not None][:1]:
            self._finish = str(choice.get("finish_reason") or "") or self._finish
            delta = choice.get("delta") or choice.get("message") or {}
            self._reasoning.append(_text(delta.get("reasoning_content")))
            self._calls.add(delta)
            for said, spoken in ((self._text, delta.get("content")), (self._refusal, delta.get("refusal"))):
                if text := _text(spoken):
                    said.append(text)
                    yield text

    def turn(self, provider: str) -> Turn:
        """Raises `ModelError` where the stream ended before the server had named a reason to."""
        if self._finish in ("", "error"):
            raise broken(f"the stream ended with finish_reason {self._finish or None}")
        reasoning = "".join(self._reasoning)
        return Turn(
            text="".join(self._refusal or self._text),
            calls=self._calls.whole(),
            usage=self._usage,
            finish=_FINISH.get(self._finish, "stop"),
            items=({"reasoning_content": reasoning},) if reasoning else (),
            provider=provider,
            refused=bool(self._refusal),
        )


_FINISH: Mapping[str, Literal["length", "content_filter"]] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


def _text(content: Any) -> str:
    """A delta's text, which some servers send as a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(part["text"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str))


def _body(request: ModelRequest, without: frozenset[str]) -> dict[str, Any]:
    limit = "max_tokens" if "max_completion_tokens" in without else "max_completion_tokens"
    form = request.response_format
    body = {
        "model": request.model,
        "messages": _messages(request, with_reasoning="reasoning_content" not in without),
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": None if isinstance(form, str) else form,
        "temperature": request.temperature,
        "top_p": request.top_p,
        limit: request.max_output_tokens,
        "prompt_cache_key": request.cache_key,
    }
    if request.tools:
        body["tools"] = [_tool(tool, with_strict="strict" not in without) for tool in request.tools]
        body["tool_choice"] = request.tool_choice
        body["parallel_tool_calls"] = request.parallel_tool_calls
    return {name: value for name, value in body.items() if value is not None and name not in without}


def _tool(tool: FunctionTool, *, with_strict: bool) -> JSON:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": {**function, "strict": True} if tool.strict and with_strict else function}


def _messages(request: ModelRequest, *, with_reasoning: bool) -> list[JSON]:
    """Each turn of the model becomes one message, its text and its calls together, as the API wants them."""
    messages: list[JSON] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    turn: list[AssistantText | Call] = []
    for item in request.items:
        if isinstance(item, Call) or (isinstance(item, AssistantText) and not turn):
            turn.append(item)
            continue
        messages += _assistant(turn)
        turn = []
        match item:
            case UserText():
                messages.append({"role": "user", "content": _content(item) if item.images else item.spoken})
            case CallOutput():
                messages.append({"role": "tool", "tool_call_id": item.call_id, "content": item.marked})
            case AssistantText():
                turn = [item]
            case OwnItems():
                own = item.provider == f"chat:{request.model}" and with_reasoning
                messages += _assistant(item.neutral, item.items if own else ())
    return messages + _assistant(turn)


def _content(said: UserText) -> list[JSON]:
    """https://platform.openai.com/docs/guides/images-vision?api-mode=chat (passing a Base64 encoded image)"""
    images = [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in said.images]
    return [{"type": "text", "text": said.spoken}, *images]


def _assistant(turn: Sequence[AssistantText | Call], reasoning: Sequence[JSON] = ()) -> list[JSON]:
    """No message or one. Servers that reason between calls want their `reasoning_content` back within the run."""
    text = "\n\n".join(said.text for said in turn if isinstance(said, AssistantText))
    calls = [_tool_call(call) for call in turn if isinstance(call, Call)]
    if not text and not calls:
        return []
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = calls
    for item in reasoning:
        message.update(item)
    return [message]


def _tool_call(call: Call) -> JSON:
    """Servers whose chat templates parse the arguments fail on text that is no JSON object: it goes in wrapped."""
    try:
        sound = isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        sound = False
    arguments = call.arguments if sound else json.dumps({"not_json": call.arguments})
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
