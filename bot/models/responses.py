"""The Responses API as a model: stateless (`store=False`), so that each request carries the whole conversation.

A turn's own output items (reasoning in its encrypted form, messages with their phase, function calls) go back to
the model that wrote them. https://platform.openai.com/docs/api-reference/responses/create and
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from openai import AsyncStream

from bot.assistants.types import JSON, new_id
from bot.models import check
from bot.models.concessions import Concessions
from bot.models.events import opened, received
from bot.models.failures import broken, legible, reported
from bot.models.images import Sight, data_url
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
from bot.models.tokens import counted
from bot.models.toolcalls import written

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
        reading, sight = _Reading(request.model), Sight(request)
        async with aclosing(received(self._open(request.model, sight), request.model)) as events:
            async for event in events:
                for remark in sight.new_remarks():
                    yield remark
                with legible():
                    said = list(reading.read(event))
                for text in said:
                    yield TextDelta(text)
                if reading.ended:
                    break
        yield reading.ended or _missing_end()

    async def check(self, model: str) -> str:
        return await check.check(self._client, model)

    async def close(self) -> None:
        await self._client.close()

    async def _open(self, model: str, sight: Sight) -> AsyncStream[object]:
        async def post(body: dict[str, Any]) -> AsyncStream[object]:
            return await opened(self._client, "/responses", body)

        def build(without: frozenset[str]) -> dict[str, Any]:
            return _body(sight.allowed(without), without)

        return await self._concessions.send(model, build, post, images=sight.any)


@dataclass(slots=True)
class _Reading:
    """A response as far as it has come in. `ended` is set by its last event."""

    model: str
    ended: Turn | None = None
    _items: list[JSON] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)
    _said_by: int | None = None
    _refused: bool = False

    def read(self, event: JSON) -> Iterator[str]:
        """The text to show that `event` brings. Raises `ModelError` for an event that reports an error."""
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta" as kind if event.get("delta"):
                self._refused = self._refused or kind == "response.refusal.delta"
                yield from self._heard(str(event["delta"]), event.get("output_index"))
            case "response.output_item.done":
                self._items += _sound(event.get("item"))
            case "response.completed" | "response.incomplete":
                self.ended = self._turn(event["response"])
            case "response.failed":
                raise reported(event["response"].get("error"), self.model)
            case "error":
                raise reported({"code": event.get("code"), "message": event.get("message")}, self.model)

    def _heard(self, delta: str, output_index: int | None) -> Iterator[str]:
        between = [BETWEEN_MESSAGES] if self._said_by not in (None, output_index) else []
        self._said_by = output_index
        self._said += (pieces := [*between, delta])
        yield from pieces

    def _turn(self, response: JSON) -> Turn:
        items = [sound for item in response.get("output") or () for sound in _sound(item)] or self._items
        usage = response.get("usage")
        texts = _texts(items, "refusal") or _texts(items, "text")
        return Turn(
            text=BETWEEN_MESSAGES.join(texts) or "".join(self._said),
            calls=[_call(item) for item in items if item.get("type") == "function_call"],
            usage=counted(usage if isinstance(usage, Mapping) else {}, "input_tokens", "output_tokens"),
            finish=_finish(response),
            items=items,
            provider=f"responses:{self.model}",
            refused=self._refused or any(part.get("type") == "refusal" for item in items for part in _parts(item)),
        )


def _missing_end() -> Turn:
    raise broken("the stream ended without response.completed")


def _sound(item: Any) -> Iterator[JSON]:
    """An output item in the API's own form, in which it can go back; none where it cannot be one.

    Some servers send a message's content as a text, a call's arguments as an object, or no id for a call.
    """
    if not isinstance(item, Mapping):
        return
    match item.get("type"):
        case "message":
            content = item.get("content") or ()
            parts = (
                [{"type": "output_text", "text": content, "annotations": []}] if isinstance(content, str) else content
            )
            yield {**item, "content": [part for part in parts if isinstance(part, Mapping)]}
        case "function_call" if item.get("name"):
            id_ = str(item.get("call_id") or item.get("id") or new_id("call"))
            yield {**item, "call_id": id_, "arguments": written(item.get("arguments")) or "{}"}
        case "function_call":
            return
        case _:
            yield item


def _texts(items: Sequence[JSON], key: Literal["text", "refusal"]) -> list[str]:
    """What each message of a turn says, leaving out empty ones."""
    said = ("".join(str(part.get(key) or "") for part in _parts(item)) for item in items)
    return [text for text in said if text]


def _parts(item: JSON) -> Sequence[JSON]:
    return item.get("content") or () if item.get("type") == "message" else ()


def _call(item: JSON) -> Call:
    return Call(item["call_id"], str(item["name"]), item["arguments"])


def _finish(response: JSON) -> Literal["stop", "length", "content_filter"]:
    if response.get("status") != "incomplete":
        return "stop"
    details = response.get("incomplete_details") or {}
    return "content_filter" if details.get("reason") == "content_filter" else "length"


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
            yield {"type": "message", "role": "user", "content": _content(item) if item.images else item.spoken}
        case AssistantText():
            yield {"type": "message", "role": "assistant", "content": item.text}
        case Call():
            yield {"type": "function_call", "call_id": item.id, "name": item.name, "arguments": item.arguments}
        case CallOutput():
            yield {"type": "function_call_output", "call_id": item.call_id, "output": item.marked}
        case OwnItems() if item.provider == provider:
            yield from _own(item.items)
        case OwnItems():
            for neutral in item.neutral:
                yield from _input(neutral, provider)


def _content(said: UserText) -> list[JSON]:
    """https://platform.openai.com/docs/guides/images-vision (passing a Base64 encoded image)"""
    images = [{"type": "input_image", "image_url": data_url(image), "detail": "auto"} for image in said.images]
    return [{"type": "input_text", "text": said.spoken}, *images]


def _own(items: Sequence[JSON]) -> Iterator[JSON]:
    """A turn's items in the form that the API takes back.

    A reasoning item without its content cannot be looked up (nothing is stored) and is refused, and so are the
    ids of items that followed it: both are left out. A message without an id goes back as plain text.
    """
    whole = all(_carries_reasoning(item) for item in items)
    for item in items:
        match item.get("type"):
            case "reasoning" if _carries_reasoning(item):
                yield _only(item, "type", "id", "summary", "content", "encrypted_content")
            case "reasoning":
                continue
            case "message" if whole and item.get("id"):
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
