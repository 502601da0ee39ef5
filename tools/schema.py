"""The JSON Schema of a tool's parameters, and whether OpenAI's strict mode takes it.

Strict mode knows a subset of JSON Schema: every object names all of its properties as required and forbids others,
and there are no defaults. The keywords that limit a value (`minimum`, `pattern`, …) are taken by OpenAI and refused
by Azure OpenAI, so a schema that has one is not called strict here.
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/structured-outputs
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

Schema = dict[str, Any]

_STRICT_KEYWORDS = frozenset(
    {"$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items"}
    | {"properties", "required", "type"}
)
_SAYS_WHAT_IT_IS = frozenset({"$ref", "anyOf", "const", "enum", "type"})
_NAMED_SCHEMAS = ("properties", "$defs")


def parameters_of(adapter: TypeAdapter[Any]) -> Schema:
    """A JSON Schema object with `properties`, `required` and `additionalProperties: false`; no titles."""
    schema = adapter.json_schema()
    schema.setdefault("required", [])
    return _without_titles(schema)


def is_strict(schema: Schema) -> bool:
    """Whether the schema, with everything in it, conforms to OpenAI's strict mode as it stands."""
    if not schema.keys() <= _STRICT_KEYWORDS or schema.keys().isdisjoint(_SAYS_WHAT_IT_IS):
        return False
    if "$ref" in schema and len(schema) > 1:
        return False
    if schema.get("type") == "object" and not _is_closed(schema):
        return False
    if schema.get("type") == "array" and "items" not in schema:
        return False
    return all(is_strict(inner) for inner in _inside(schema))


def _is_closed(schema: Schema) -> bool:
    properties = schema.get("properties", {})
    return schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)


def _inside(schema: Schema) -> list[Schema]:
    named = [inner for keyword in _NAMED_SCHEMAS for inner in schema.get(keyword, {}).values()]
    items = [schema["items"]] if "items" in schema else []
    return [*named, *items, *schema.get("anyOf", [])]


def _without_titles(schema: Schema) -> Schema:
    """Titles repeat names. A property that is itself called `title` stays."""
    return {keyword: _clean(keyword, value) for keyword, value in schema.items() if keyword != "title"}


def _clean(keyword: str, value: Any) -> Any:
    if keyword in _NAMED_SCHEMAS:
        return {name: _without_titles(inner) for name, inner in value.items()}
    if keyword in ("default", "const", "enum", "examples"):
        return value
    return _each(value, _without_titles)


def _each(value: Any, change: Callable[[Schema], Schema]) -> Any:
    if isinstance(value, dict):
        return change(value)
    if isinstance(value, list):
        return [_each(inner, change) for inner in value]
    return value
