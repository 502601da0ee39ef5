"""The Responses API as a model: stateless (`store=False`), so that each request carries the whole conversation.

A turn's own output items (reasoning in its encrypted form, messages with their phase, function calls) go back to
the model that wrote them. https://platform.openai.com/docs/api-reference/responses/create and
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from openai import AsyncStream
from openai.types.responses import Response, ResponseStreamEvent

from bot.assistants.types import JSON, Usage
from bot.models import check
from bot.models.concessions import Concessions
from bot.models.failures import broken, reported, translated
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

LEAST_OUTPUT_TOKENS = 16
"""The API refuses a smaller `max_output_tokens`."""
BETWEEN_MESSAGES = "\n\n"
"""A turn may hold several messages (a commentary, then the answer): they read as paragraphs."""


class ResponsesModel:
    """Any server that speaks the Responses API. Closes the client that it is given."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._concessions = Concessions(("include", "prompt_cache_key", "parallel_tool_calls"))

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        with translated(request.model):
            events = await self._open(request)
            turn = _Reading(f"responses:{request.model}")
            async with events:
                async for event in events:
                    for delta in turn.read(event):
                        yield delta
                    if turn.ended:
                        break
        yield turn.ended or _missing_end()

    async def check(self, model: str) -> str:
        return await check.check(self._client, model)

    async def close(self) -> None:
        await self._client.close()

    async def _open(self, request: ModelRequest) -> AsyncStream[ResponseStreamEvent]:
        async def post(body: dict[str, Any]) -> AsyncStream[ResponseStreamEvent]:
            events: AsyncStream[ResponseStreamEvent] = await self._client.responses.create(**body)
            return events

        return await self._concessions.send(request.model, lambda without: _body(request, without), post)


@dataclass(slots=True)
class _Reading:
    """A response as far as it has come in. `ended` is set by its last event."""

    provider: str
    ended: Turn | None = None
    _items: list[JSON] = field(default_factory=list)
    _said_by: int | None = None

    def read(self, event: ResponseStreamEvent) -> Iterator[TextDelta]:
        """The text deltas that `event` brings. Raises `ModelError` for an event that reports an error."""
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta" if event.delta:
                if self._said_by not in (None, event.output_index):
                    yield TextDelta(BETWEEN_MESSAGES)
                self._said_by = event.output_index
                yield TextDelta(event.delta)
            case "response.output_item.done":
                self._items.append(event.item.to_dict())
            case "response.completed" | "response.incomplete":
                self.ended = self._turn(event.response)
            case "response.failed":
                error = event.response.error
                raise reported(error.code if error else None, error.message if error else "")
            case "error":
                raise reported(event.code, event.message or "")

    def _turn(self, response: Response) -> Turn:
        items = [item.to_dict() for item in response.output or ()] or self._items
        refusal = BETWEEN_MESSAGES.join(_texts(items, "refusal"))
        return Turn(
            text=refusal or BETWEEN_MESSAGES.join(_texts(items, "text")),
            calls=[_call(item) for item in items if item.get("type") == "function_call"],
            usage=_usage(response),
            finish=_finish(response),
            items=items,
            provider=self.provider,
            refused=any(part.get("type") == "refusal" for item in items for part in _parts(item)),
        )


def _missing_end() -> Turn:
    raise broken("the stream ended without response.completed")


def _texts(items: Sequence[JSON], key: Literal["text", "refusal"]) -> list[str]:
    """What each message of a turn says, leaving out empty ones."""
    said = ("".join(str(part.get(key) or "") for part in _parts(item)) for item in items)
    return [text for text in said if text]


def _parts(item: JSON) -> Sequence[JSON]:
    return item.get("content") or () if item.get("type") == "message" else ()


def _call(item: JSON) -> Call:
    return Call(str(item.get("call_id")), str(item.get("name")), str(item.get("arguments") or "{}"))


def _finish(response: Response) -> Literal["stop", "length", "content_filter"]:
    if response.status != "incomplete":
        return "stop"
    details = response.incomplete_details
    return "content_filter" if details and details.reason == "content_filter" else "length"


def _usage(response: Response) -> Usage:
    """Zeros for what the server does not count."""
    usage: Mapping[str, Any] = response.usage.to_dict() if response.usage else {}
    prompt, completion = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=usage.get("total_tokens") or prompt + completion,
        cached_tokens=(usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def _body(request: ModelRequest, without: frozenset[str]) -> dict[str, Any]:
    limit = request.max_output_tokens
    body = {
        "model": request.model,
        "instructions": request.instructions or None,
        "input": [item for given in request.items for item in _input(given, f"responses:{request.model}")],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "text": _text_format(request.response_format),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": None if limit is None else max(LEAST_OUTPUT_TOKENS, limit),
        "prompt_cache_key": request.cache_key,
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = _tool_choice(request)
        body["parallel_tool_calls"] = request.parallel_tool_calls
    return {name: value for name, value in body.items() if value is not None and name not in without}


def _tool(tool: FunctionTool) -> JSON:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }


def _tool_choice(request: ModelRequest) -> str | JSON:
    choice = request.tool_choice
    return choice if isinstance(choice, str) else {"type": "function", "name": choice["function"]["name"]}


def _text_format(wanted: str | JSON | None) -> JSON | None:
    """The Assistants `response_format` as `text.format`, where the schema's fields stand beside the type."""
    if wanted is None or isinstance(wanted, str):
        return None
    return {"format": {"type": wanted["type"], **wanted.get("json_schema", {})}}


def _input(item: Item, provider: str) -> Iterator[JSON]:
    match item:
        case UserText():
            yield {"type": "message", "role": "user", "content": item.spoken}
        case AssistantText():
            yield {"type": "message", "role": "assistant", "content": item.text}
        case Call():
            yield {"type": "function_call", "call_id": item.id, "name": item.name, "arguments": item.arguments}
        case CallOutput():
            yield {"type": "function_call_output", "call_id": item.call_id, "output": item.output}
        case OwnItems() if item.provider == provider:
            yield from _own(item.items)
        case OwnItems():
            for neutral in item.neutral:
                yield from _input(neutral, provider)


def _own(items: Sequence[JSON]) -> Iterator[JSON]:
    """A turn's items in the form that the API takes back.

    A reasoning item without its content cannot be looked up (nothing is stored) and is refused, and so are the
    ids of items that followed it: both are left out.
    """
    whole = all(_carries_reasoning(item) for item in items)
    for item in items:
        match item.get("type"):
            case "reasoning" if _carries_reasoning(item):
                yield _only(item, "type", "id", "summary", "content", "encrypted_content")
            case "reasoning":
                continue
            case "message" if whole:
                yield _only(item, "type", "id", "role", "content", "phase", "status")
            case "message":
                said = "".join(str(part.get("text") or part.get("refusal") or "") for part in _parts(item))
                yield _only({**item, "content": said}, "type", "role", "content", "phase")
            case "function_call":
                yield _only(item, "type", *(("id",) if whole else ()), "call_id", "name", "arguments", "namespace")
            case _:
                yield item


def _carries_reasoning(item: JSON) -> bool:
    return item.get("type") != "reasoning" or bool(item.get("encrypted_content") or item.get("content"))


def _only(item: JSON, *keys: str) -> JSON:
    """Those of `keys` that have a value. An empty reasoning summary is one, empty reasoning content is none."""
    kept = {key: item[key] for key in keys if item.get(key) is not None}
    return {key: value for key, value in kept.items() if key != "content" or value}
