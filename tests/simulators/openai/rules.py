"""What the API refuses beyond its schemas: rules from its documentation and from the errors that it is known for."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.simulators.openai.requests import JSON, Request

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:image/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/=]+)")
_MAGIC = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_REASONING_MODEL = re.compile(r"o\d|gpt-5")


class RefusedError(Exception):
    """The API answers with an error. `expected` where a real server would do so to a blameless client."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        expected: bool = False,
    ) -> None:
        super().__init__(message)
        self.message, self.param, self.code, self.status = message, param, code, status
        self.expected = expected

    @property
    def body(self) -> JSON:
        kind = "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


class Sealed:
    """The reasoning that the simulator gave out encrypted, and the items that depend on it."""

    def __init__(self) -> None:
        self.content: dict[str, str] = {}
        self.needed_by: dict[str, str] = {}


def reasons(model: str) -> bool:
    return _REASONING_MODEL.match(model) is not None


def check_model(request: Request) -> None:
    """Reasoning models refuse sampling parameters, other models refuse to encrypt reasoning that they do not have."""
    if reasons(request.model):
        for name in ("temperature", "top_p"):
            if name in request.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                raise RefusedError(message, param=name, code="unsupported_parameter", expected=True)
    elif "reasoning.encrypted_content" in request.body.get("include", ()):
        raise RefusedError("Encrypted content is not supported with this model.", param="include", expected=True)


def check_tools(request: Request) -> None:
    names = [tool.get("function", tool).get("name", "") for tool in request.body.get("tools", ())]
    for name in names:
        if not _NAME.fullmatch(name):
            raise RefusedError(f"Invalid tool name '{name}'.", param="tools")
    if len(set(names)) != len(names):
        raise RefusedError("Tool names must be unique.", param="tools")
    for tool in request.body.get("tools", ()):
        function = tool.get("function", tool)
        if function.get("strict"):
            _check_strict(function["name"], function.get("parameters") or {})
    if not names and ("tool_choice" in request.body or "parallel_tool_calls" in request.body):
        raise RefusedError("'tool_choice' and 'parallel_tool_calls' are only allowed when 'tools' are specified.")
    choice = request.body.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("function", choice).get("name") not in names:
        raise RefusedError("Tool choice not found in 'tools' parameter.", param="tool_choice")


def _check_strict(name: str, parameters: JSON) -> None:
    """https://platform.openai.com/docs/guides/function-calling#strict-mode"""
    required, properties = set(parameters.get("required", ())), set(parameters.get("properties", ()))
    if parameters.get("additionalProperties") is not False or required != properties:
        raise RefusedError(f"Invalid schema for function '{name}' in strict mode.", code="invalid_function_parameters")


def check_images(request: Request) -> None:
    """https://platform.openai.com/docs/guides/images-vision (image input requirements)"""
    size = 0
    for url in request.images:
        found = _DATA_URL.fullmatch(url)
        data = base64.b64decode(found[2], validate=True) if found else b""
        size += len(data)
        if found is None or not _MAGIC[found[1]].match(data) or len(url) > 20_971_520:
            message = "You uploaded an unsupported image. Please make sure your image is valid."
            raise RefusedError(message, code="invalid_image_format")
    if size > 50_000_000:
        raise RefusedError("Too many bytes of images in one request.", code="image_too_large")


def check_responses(request: Request, sealed: Sealed) -> None:
    items = request.items
    _check_pairs(
        [(str(item["call_id"]), item["type"] == "function_call") for item in items if "call_id" in item],
        lost="No tool call found for function call output with call_id {}.",
        open_="No tool output found for function call {}.",
    )
    present = {item.get("id") for item in items}
    for number, item in enumerate(items):
        if item.get("type") == "reasoning":
            _check_reasoning(item, f"input[{number}]", sealed)
        needed = sealed.needed_by.get(str(item.get("id")))
        if needed and needed not in present:
            message = (
                f"Item '{item['id']}' of type '{item['type']}' was provided without its required 'reasoning' item: "
            )
            raise RefusedError(f"{message}'{needed}'.", param="input")


def _check_reasoning(item: JSON, place: str, sealed: Sealed) -> None:
    if "status" in item:
        raise RefusedError(f"Unknown parameter: '{place}.status'.", param=f"{place}.status", code="unknown_parameter")
    content = item.get("encrypted_content")
    if content is None:
        message = f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false."
        raise RefusedError(message, param="input", status=404)
    if sealed.content.get(item["id"]) != content:
        message = f"The encrypted content for item {item['id']} could not be verified."
        raise RefusedError(message, code="invalid_encrypted_content")


def check_chat(request: Request) -> None:
    """Each message with `tool_calls` is followed at once by a tool message for each of them."""
    messages = request.items
    for number, message in enumerate(messages):
        if calls := message.get("tool_calls"):
            asked = [call["id"] for call in calls]
            answers = messages[number + 1 : number + 1 + len(asked)]
            given = [answer.get("tool_call_id") for answer in answers if answer.get("role") == "tool"]
            if sorted(asked) != sorted(map(str, given)):
                raise RefusedError("An assistant message with 'tool_calls' must be followed by tool messages.")
    _check_pairs(
        _chat_pairs(messages),
        lost="Messages with role 'tool' must be a response to a preceding message with 'tool_calls': {}.",
        open_="No tool message for {}.",
    )


def _chat_pairs(messages: Sequence[JSON]) -> Iterable[tuple[str, bool]]:
    for message in messages:
        for call in message.get("tool_calls") or ():
            yield call["id"], True
        if message.get("role") == "tool":
            yield message["tool_call_id"], False


def _check_pairs(ids: Iterable[tuple[str, bool]], *, lost: str, open_: str) -> None:
    """Every output after its call, every call with one output, no id twice. `ids` are (id, is a call)."""
    waiting: dict[str, Any] = {}
    for id_, is_call in ids:
        if is_call and id_ in waiting:
            raise RefusedError(f"Duplicate call id {id_}.")
        if not is_call and waiting.get(id_) is not True:
            raise RefusedError(lost.format(id_))
        waiting[id_] = is_call
    for id_, is_open in waiting.items():
        if is_open:
            raise RefusedError(open_.format(id_))
