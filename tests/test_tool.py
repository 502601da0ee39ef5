"""A typed async function becomes a tool: its schema, whether that is strict, and what cannot become one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

from tools.registry import Tool, load, tool


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: float
    title: str


@tool
async def echo(
    text: Annotated[str, Field(description="What to say.")],
    volume: Annotated[int, Field(ge=1, le=3)] = 1,
    mood: Literal["calm", "loud"] = "calm",
) -> str:
    """Says it again."""
    return f"{text} {volume} {mood}"


@tool
async def locate(points: list[Point], *, near: Point | None) -> int:
    """Counts points."""
    return len(points)


@tool
async def whoami() -> str:
    """The id of the call."""
    return "me"


def test_a_typed_function_becomes_a_described_schema() -> None:
    assert (echo.name, echo.description, echo.timeout) == ("echo", "Says it again.", 15.0)
    assert echo.parameters == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "What to say."},
            "volume": {"type": "integer", "minimum": 1, "maximum": 3, "default": 1},
            "mood": {"type": "string", "enum": ["calm", "loud"], "default": "calm"},
        },
        "required": ["text"],
        "additionalProperties": False,
    }


def test_nested_models_keep_their_definitions_and_a_property_called_title() -> None:
    point = locate.parameters["$defs"]["Point"]
    assert point["properties"] == {"x": {"type": "number"}, "title": {"type": "string"}}
    assert locate.parameters["properties"]["points"] == {"type": "array", "items": {"$ref": "#/$defs/Point"}}


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    expected = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert whoami.parameters == expected


@pytest.mark.parametrize("one", [echo, locate, whoami, *load().values()], ids=lambda one: one.name)
def test_every_schema_is_valid_json_schema(one: Tool) -> None:
    Draft202012Validator.check_schema(one.parameters)
    assert one.parameters["additionalProperties"] is False


def made_of(annotation: object) -> Tool:
    async def made(value: Any) -> str:
        """Takes a value."""
        return str(value)

    made.__annotations__ = {"value": annotation, "return": str}
    return tool(made)


class Open(BaseModel):
    x: int


class Defaulted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: int = 1


@pytest.mark.parametrize("annotation", [str, int | None, list[Point], Literal["a"], Point, bool])
def test_a_schema_that_conforms_is_strict(annotation: object) -> None:
    assert made_of(annotation).strict


@pytest.mark.parametrize(
    "annotation",
    [
        Open,
        Defaulted,
        Any,
        dict[str, int],
        list[Any],
        tuple[int, str],
        Annotated[int, Field(ge=1)],
        Annotated[str, Field(pattern="a")],
        Annotated[Point, Field(description="a reference with something beside it")],
    ],
)
def test_a_schema_that_does_not_conform_is_not_strict(annotation: object) -> None:
    assert not made_of(annotation).strict


def test_a_default_keeps_a_schema_from_being_strict() -> None:
    assert (locate.strict, echo.strict) == (True, False)


def not_async(text: str) -> str:
    """Doc."""
    return text


async def undocumented(text: str) -> str:
    return text


async def untyped(text) -> str:  # type: ignore[no-untyped-def]
    """Doc."""
    return str(text)


async def unanswered(text: str):  # type: ignore[no-untyped-def]
    """Doc."""


async def many(*texts: str) -> str:
    """Doc."""
    return "".join(texts)


async def named(**texts: str) -> str:
    """Doc."""
    return "".join(texts)


async def placed(text: str, /) -> str:
    """Doc."""
    return text


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (not_async, "has to be an async function"),
        (undocumented, "needs a docstring"),
        (untyped, "needs an annotation of its parameter text"),
        (unanswered, "needs an annotation of what it returns"),
        (many, "cannot take \\*texts"),
        (named, "cannot take \\*\\*texts"),
        (placed, "cannot take text by position only"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused_with_the_reason(function: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        tool(function)


def test_a_time_out_has_to_be_positive() -> None:
    with pytest.raises(TypeError, match="more than 0 seconds"):
        tool(timeout=0)(echo.function)


def test_a_time_out_can_be_set() -> None:
    assert tool(timeout=60)(echo.function).timeout == 60
