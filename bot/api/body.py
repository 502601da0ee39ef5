"""Request bodies: JSON objects of a known form, or an error that names the field and what it may be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from bot.api.errors import ApiError
from bot.assistants.types import well_formed


class Body(BaseModel):
    """Fields that are not known are refused, and nothing is taken for something else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def given(self) -> dict[str, Any]:
        """What the request holds, also where that is null."""
        return self.model_dump(exclude_unset=True)


def _metadata(value: dict[str, str]) -> dict[str, str]:
    return {well_formed(key): well_formed(said) for key, said in value.items()}


MetadataKey = Annotated[str, StringConstraints(max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16), AfterValidator(_metadata)]
"""https://platform.openai.com/docs/api-reference/assistants/object (metadata)"""
Text = Annotated[str, AfterValidator(well_formed)]

Form = TypeVar("Form", bound=Body)


def parsed(data: bytes, form: type[Form]) -> Form:
    """Raises `ApiError`."""
    try:
        value = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        raise ApiError("We could not parse the JSON body of your request. It must be valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise ApiError("The body of the request must be a JSON object.")
    return checked(value, form)


def checked(value: Mapping[str, Any], form: type[Form]) -> Form:
    """Raises `ApiError`. Checked as JSON, in which a list may stand for a tuple, but no text for a number."""
    try:
        return form.model_validate_json(json.dumps(value))
    except ValidationError as error:
        raise refusal(error.errors(include_url=False)) from None
    except ValueError:
        raise ApiError("The body of the request holds text that is not valid Unicode.") from None


def refusal(problems: Sequence[ErrorDetails]) -> ApiError:
    """The first problem as a sentence. An unknown field comes first: the others may follow from it."""
    worst = min(problems, key=lambda one: (one["type"] != "extra_forbidden", -len(one["loc"])))
    param = _path(worst["loc"])
    message, code = _sentence(worst, param)
    return ApiError(message, param=param or None, code=code)


def _path(where: Sequence[int | str]) -> str:
    """`messages[0].content`. Names that pydantic gives to the members of unions are no part of it."""
    path = ""
    for part in where:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier() and part not in _UNIONS:
            path += f".{part}" if path else part
    return path


_UNIONS = frozenset({"str", "int", "float", "list", "dict", "bool", "none"})
_KINDS = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "finite_number": "a finite number",
}


def _sentence(problem: ErrorDetails, param: str) -> tuple[str, str]:
    kind, about, given = problem["type"], problem.get("ctx", {}), problem["input"]
    if kind == "extra_forbidden":
        return f"Unknown parameter: '{param}'.", "unknown_parameter"
    if kind == "missing":
        return f"Missing required parameter: '{param}'.", "missing_required_parameter"
    if kind in _KINDS:
        return f"Invalid type for '{param}': expected {_KINDS[kind]}, but got {_told(given)} instead.", "invalid_type"
    if kind in ("literal_error", "union_tag_invalid"):
        allowed = str(about.get("expected") or about.get("expected_tags"))
        said = given if isinstance(given, str) else json.dumps(given)[:64]
        if kind == "union_tag_invalid":
            said = str(about.get("tag"))
        return f"Invalid value: '{said[:64]}'. Supported values are: {allowed}.", "invalid_value"
    if kind == "union_tag_not_found":
        return f"Missing required parameter: '{param}.type'.", "missing_required_parameter"
    limits = {
        "string_too_long": ("max_length", "string too long. Expected a string with maximum length"),
        "string_too_short": ("min_length", "string too short. Expected a string with minimum length"),
        "too_long": ("max_length", "too many entries. Expected at most"),
        "too_short": ("min_length", "too few entries. Expected at least"),
        "greater_than_equal": ("ge", "below the minimum value. Expected a value >="),
        "less_than_equal": ("le", "above the maximum value. Expected a value <="),
        "greater_than": ("gt", "too small. Expected a value >"),
        "string_pattern_mismatch": ("pattern", "string does not match the pattern"),
    }
    if kind in limits:
        name, words = limits[kind]
        return f"Invalid '{param}': {words} {about[name]}.", "invalid_value"
    said = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"Invalid '{param}': {said}.", "invalid_value"


def _told(value: Any) -> str:
    kinds = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return "null" if value is None else kinds.get(type(value), "something else")
