"""Validates request bodies against the published description of the OpenAI API.

`schemas.json` holds the schemas of the two request bodies and all that they refer to, from openai/openai-openapi
2.3.0 (MIT), without descriptions and as JSON Schema 2020-12: `nullable` became a choice with null, `oneOf` with a
discriminator became `anyOf`, and references point to `$defs`. Nothing was pruned.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Body = Literal["CreateResponse", "CreateChatCompletionRequest"]


def problem(body: Any, name: Body) -> tuple[str, str] | None:
    """The place and the description of what is wrong with a request body, or None.

    The description leaves objects open, but the API refuses unknown parameters at the top, and so does this.
    """
    error = best_match(_validator(name).iter_errors(body))
    if error is not None:
        return error.json_path.removeprefix("$."), error.message[:500]
    unknown = sorted(set(body) - _parameters(name))
    return (unknown[0], f"Unknown parameter: '{unknown[0]}'.") if unknown else None


@lru_cache
def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = json.loads(Path(__file__).with_name("schemas.json").read_text("utf-8"))["$defs"]
    return definitions


@lru_cache
def _validator(name: Body) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _definitions()})


@lru_cache
def _parameters(name: str) -> set[str]:
    return _properties({"$ref": f"#/$defs/{name}"})


def _properties(schema: dict[str, Any]) -> set[str]:
    found = set(schema.get("properties", ()))
    if "$ref" in schema:
        found |= _properties(_definitions()[schema["$ref"].removeprefix("#/$defs/")])
    for part in schema.get("allOf", ()):
        found |= _properties(part)
    return found
