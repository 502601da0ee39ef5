"""Validates what the API answers against the published description of the Assistants API.

`api/schemas.json` holds the schemas of the answers of the endpoints for assistants, threads, files and vector stores,
by method and path, and of the events of a stream, by name, with all that they refer to. They are from
openai/openai-openapi 2.3.0 (MIT), without descriptions and as JSON Schema 2020-12: `nullable` became a choice with
null, `oneOf` with a discriminator became `anyOf`, and references point to `$defs`. Nothing was pruned; what the
description has wrong, and where Parley does otherwise on purpose, is in `NULLABLE`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx2
import openai
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from bot.certificates import certificates

NULLABLE: Mapping[str, str] = {
    "VectorStoreObject.expires_after": "the API gave null for a store that does not expire, and the SDK has it so",
    **{
        f"{name}.{side}": "there is no id in a list that is empty, where the API gave null"
        for name in (
            "ListAssistantsResponse", "ListFilesResponse", "ListMessagesResponse", "ListRunStepsResponse",
            "ListRunsResponse", "ListVectorStoreFilesResponse", "ListVectorStoresResponse",
        )
        for side in ("first_id", "last_id")
    },
}  # fmt: skip
"""Properties that may be null besides what is published for them, and why."""


def problem(answer: Any, name: str) -> str:
    """Where an answer is not as the schema of that name has it, and why; or nothing."""
    error = best_match(_validator(name).iter_errors(answer))
    return f"{name} {error.json_path}: {error.message[:500]}" if error is not None else ""


def problem_of_answer(method: str, path: str, answer: Any) -> str:
    """The same for the answer of an endpoint, by its path under `/v1`."""
    for shape, name in table("responses").items():
        wanted, pattern = shape.split(" ")
        if wanted == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return problem(answer, name)
    return f"{method} {path} is not published"


def problem_of_event(name: str, data: str) -> str:
    """The same for an event of a stream."""
    if name == "done":
        return "" if data == "[DONE]" else f"done: {data}"
    schema = table("events").get(name)
    return problem(json.loads(data), schema) if schema else f"the event {name} is not published"


def events(text: str) -> Iterator[tuple[str, str]]:
    """The names and data of a stream."""
    for block in text.split("\n\n"):
        if block and not block.startswith(":"):
            name, data = block.split("\n")
            yield name.removeprefix("event: "), data.removeprefix("data: ")


class Checking(httpx2.AsyncHTTPTransport):
    """Checks what comes through it, and each event of a stream as it comes; not what files hold."""

    def __init__(self) -> None:
        super().__init__(verify=certificates())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        kind = response.headers.get("content-type", "")
        path = re.sub("^/(openai/v1|openai|v1)/", "/", request.url.path)
        if kind.startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Heard(response.stream)
        elif kind == "application/json" and not re.fullmatch("/files/[^/]+/content", path):
            answer = json.loads(await response.aread())
            refused = not response.is_success
            wrong = problem(answer, "ErrorResponse") if refused else problem_of_answer(request.method, path, answer)
            assert not wrong, wrong
        return response


class _Heard(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> Any:
        rest = ""
        async for chunk in self._stream:
            *whole, rest = (rest + chunk.decode()).split("\n\n")
            for name, data in events("\n\n".join(whole)):
                wrong = problem_of_event(name, data)
                assert not wrong, wrong
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def checked_client(**options: Any) -> openai.AsyncOpenAI:
    """A client of the SDK for which every answer is checked."""
    return openai.AsyncOpenAI(max_retries=0, http_client=httpx2.AsyncClient(transport=Checking()), **options)


@lru_cache
def _published() -> dict[str, Any]:
    published: dict[str, Any] = json.loads((Path(__file__).parent / "api" / "schemas.json").read_text("utf-8"))
    for place in NULLABLE:
        name, field = place.split(".")
        properties = published["$defs"][name]["properties"]
        properties[field] = {"anyOf": [properties[field], {"type": "null"}]}
    return published


def table(name: str) -> dict[str, str]:
    """`responses`, by method and path, or `events`, by name: the names of their schemas."""
    found: dict[str, str] = _published()[name]
    return found


@lru_cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _published()["$defs"]})
