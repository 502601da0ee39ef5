"""Checks the bodies of requests against Discord's published OpenAPI description.

`schemas.json` holds what the served routes need of https://github.com/discord/discord-api-spec (MIT), version 10 of
2026-07-18: their JSON bodies, without descriptions, polls and activities. Snowflakes may be numbers too, which Discord
takes and discord.py sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.simulators.discord.values import JSON

TOLERATED = {"nsfw", "tts"}
"""What discord.py sends undescribed: `nsfw` of commands is documented elsewhere, `tts` means nothing in edits."""
_LIMITS = {
    "maxLength": ("BASE_TYPE_MAX_LENGTH", "Must be {} or fewer in length."),
    "minLength": ("BASE_TYPE_MIN_LENGTH", "Must be {} or more in length."),
    "maxItems": ("BASE_TYPE_MAX_LENGTH", "Must be {} or fewer in length."),
    "minItems": ("BASE_TYPE_MIN_LENGTH", "Must be {} or more in length."),
    "maximum": ("NUMBER_TYPE_MAX", "Must be less than or equal to {}."),
    "minimum": ("NUMBER_TYPE_MIN", "Must be greater than or equal to {}."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a body, as Discord says it. `limit`: something is too long or too many, of the right type."""

    path: str
    code: str
    message: str
    limit: bool = False


def problem(route: str, body: Any) -> Problem | None:
    """What is wrong with the body of a call, or None. Unknown fields are wrong: Discord overlooks them, and the app
    would not learn that what it meant does not happen.
    """
    if route not in bodies():
        return Problem("_", "BODY_NOT_DESCRIBED", f"{route} takes no body") if body else None
    for error in _validator(route).iter_errors(body):
        return _told(_cause(error))
    for path in _unknown(bodies()[route], body, ""):
        return Problem(path or "_", "FIELD_NOT_DESCRIBED", f"{route} has no field {path}")
    return None


@lru_cache(1)
def _document() -> JSON:
    found: JSON = json.loads((Path(__file__).parent / "schemas.json").read_text())
    return found


def bodies() -> JSON:
    found: JSON = _document()["bodies"]
    return found


@lru_cache
def _validator(route: str) -> Draft202012Validator:
    return Draft202012Validator({"$defs": _document()["$defs"], "allOf": [bodies()[route]]})


def _cause(error: ValidationError) -> ValidationError:
    """The error at the bottom: in a union, that of the variant whose `type` fits."""
    while error.context:
        variants: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            variants.setdefault(inner.schema_path[0], []).append(inner)
        fitting = [errors for errors in variants.values() if not any(_about_type(inner) for inner in errors)]
        error = (fitting or list(variants.values()))[-1][0]
    return error


def _about_type(error: ValidationError) -> bool:
    return list(error.relative_path)[-1:] == ["type"] or (error.validator == "type" and not error.relative_path)


def _told(error: ValidationError) -> Problem:
    path = ".".join(str(part) for part in error.absolute_path)
    if error.validator in _LIMITS:
        code, message = _LIMITS[str(error.validator)]
        return Problem(path or "_", code, message.format(error.validator_value), limit=True)
    return Problem(path or "_", "BASE_TYPE_INVALID", error.message[:300])


def _unknown(schema: JSON, value: Any, path: str) -> Iterator[str]:
    """The paths of fields that no variant of a schema knows."""
    variants = list(_variants(schema))
    if isinstance(value, list):
        items = {"anyOf": [variant["items"] for variant in variants if "items" in variant]}
        for number, inner in enumerate(value):
            yield from _unknown(items, inner, f"{path}.{number}")
    if not isinstance(value, dict) or any(variant.get("additionalProperties") for variant in variants):
        return
    fitting = [variant for variant in variants if "properties" in variant and _fits(variant, value)]
    for name, inner in value.items():
        known = [variant["properties"][name] for variant in fitting if name in variant["properties"]]
        if fitting and not known and name not in TOLERATED:
            yield f"{path}.{name}".lstrip(".")
        elif known:
            yield from _unknown({"anyOf": known}, inner, f"{path}.{name}".lstrip("."))


def _fits(variant: JSON, value: JSON) -> bool:
    """Whether a variant that names its `type` is the one."""
    kinds = variant["properties"].get("type", {}).get("enum")
    return kinds is None or value.get("type") in kinds


def _variants(schema: JSON) -> Iterator[JSON]:
    if "$ref" in schema:
        yield from _variants(_document()["$defs"][schema["$ref"].rpartition("/")[2]])
        return
    yield schema
    for inner in [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
        yield from _variants(inner)
