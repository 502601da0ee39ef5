"""Reads a tool's JSON Schema, whatever its shape: references, alternatives, and parts that are missing or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The schema behind references and alternatives, and whether null is allowed."""
    nullable = False
    for _ in range(8):
        kinds = list_of(schema.get("type"))
        options = [one for key in ("anyOf", "oneOf", "allOf") for one in map(mapping, list_of(schema.get(key)))]
        nullable = nullable or "null" in kinds or any(one.get("type") == "null" for one in options)
        if "$ref" in schema:
            schema = _definition(str(schema["$ref"]), root)
        elif options:
            schema = next((one for one in options if one.get("type") != "null"), {})
        elif kinds:
            return {**schema, "type": next((kind for kind in kinds if kind != "null"), "string")}, nullable
        else:
            break
    return schema, nullable


def _definition(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = mapping(found).get(step)
    return mapping(found)


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def names(value: Any) -> list[str]:
    return [name for name in list_of(value) if isinstance(name, str)]
