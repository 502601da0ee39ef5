"""A brain that plays the weather conversation: it asks both weather tools at once and repeats what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.simulators.openai.requests import JSON, Request
from tests.simulators.openai.script import Turn

TOOLS = ("get_current_temperature", "get_rain_probability")
DEFAULT_PLACE = "San Francisco, CA"

_WEATHER = re.compile(r"weather|temperature|rain|umbrella|forecast|cold|warm|hot", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:in|for|at) ((?:[A-Z][\w'’-]*[ ,]*)+)")


def weather_brain(request: Request) -> Turn:
    """Calls the weather tools that it is offered for a question on the weather, then says what they answered."""
    if request.outputs:
        return Turn(text=" ".join(request.outputs))
    offered = [name for name in TOOLS if name in request.tools]
    if not (offered and _WEATHER.search(request.question)):
        return Turn(text="I can tell you about the weather. Which place do you mean?")
    place = _place(request.question)
    return Turn(calls=[(name, _arguments(request.tools[name], place)) for name in offered])


def _place(question: str) -> str:
    found = _PLACE.search(question)
    return found.group(1).strip(" ,") if found else DEFAULT_PLACE


def _arguments(schema: JSON, place: str) -> dict[str, Any]:
    """A value for each required parameter: the first choice, or the place."""
    properties = schema.get("properties", {})
    return {name: _value(properties.get(name, {}), schema, place) for name in schema.get("required", ())}


def _value(parameter: JSON, schema: JSON, place: str) -> Any:
    if "$ref" in parameter:
        named: Mapping[str, Any] = schema.get("$defs", {})
        parameter = named.get(parameter["$ref"].rsplit("/", 1)[-1], {})
    if parameter.get("enum"):
        return parameter["enum"][0]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(str(parameter.get("type")), place)
