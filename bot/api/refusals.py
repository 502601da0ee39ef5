"""What is wrong with a field of a request: its path, and a sentence in the words that the Assistants API had."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from bot.api.errors import ApiError

LONGEST_NAME = 64
"""Characters of a name or value from a request that an error repeats."""


def refusal(problems: Sequence[ErrorDetails], given: Any) -> ApiError:
    """The first problem with `given` as a sentence. An unknown field comes first: the others may follow from it."""
    placed = [(one, _path(one, given)) for one in problems]
    worst, param = min(
        placed, key=lambda one: (one[0]["type"] != "extra_forbidden", -_depth(one[1]), one[0]["type"] in _KINDS)
    )
    message, code = _sentence(worst, param)
    return ApiError(message, param=param or None, code=code)


def supported(said: str, allowed: Iterable[str]) -> str:
    """That a value is none of those that may be there."""
    *others, last = [f"'{name}'" for name in allowed]
    joined = f"{', '.join(others)}{',' if len(others) > 1 else ''} and {last}" if others else last
    return f"Invalid value: '{short(said)}'. Supported values are: {joined}."


def short(said: str) -> str:
    return said if len(said) <= LONGEST_NAME else f"{said[:LONGEST_NAME]}…"


def _path(problem: ErrorDetails, given: Any) -> str:
    """`messages[0].content`. Of what pydantic tells, only what is a place in `given` is part of it: it also names
    the members of unions, by tag or by type.
    """
    path, at = "", given
    for number, part in enumerate(problem["loc"], 1):
        last = number == len(problem["loc"])
        if isinstance(part, int):
            path += f"[{part}]"
            at = at[part] if isinstance(at, list) and part < len(at) else None
        elif isinstance(at, dict) and (part in at or (last and problem["type"] == "missing")):
            path += f".{short(part)}" if path else short(part)
            at = at.get(part)
    return f"{path}.type" if problem["type"].startswith("union_tag_") else path


def _depth(path: str) -> int:
    return len(re.findall(r"[.\[]", path))


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
_LIMITS = {
    "greater_than_equal": ("ge", "below min", ">="),
    "less_than_equal": ("le", "above max", "<="),
    "greater_than": ("gt", "below min", ">"),
}


def _sentence(problem: ErrorDetails, param: str) -> tuple[str, str]:
    kind, about, given = problem["type"], problem.get("ctx", {}), problem["input"]
    if kind == "extra_forbidden":
        return f"Unknown parameter: '{param}'.", "unknown_parameter"
    if kind in ("missing", "union_tag_not_found"):
        return f"Missing required parameter: '{param}'.", "missing_required_parameter"
    if kind in _KINDS:
        return f"Invalid type for '{param}': expected {_KINDS[kind]}, but got {_told(given)} instead.", "invalid_type"
    if kind == "union_tag_invalid" and not isinstance(given["type"], str):
        return f"Invalid type for '{param}': expected a string, but got {_told(given['type'])} instead.", "invalid_type"
    if kind in ("literal_error", "union_tag_invalid"):
        return supported(*_choice(problem)), "invalid_value"
    if kind in ("string_too_long", "string_too_short", "too_long", "too_short"):
        return _length(problem, param)
    if kind in _LIMITS:
        name, side, sign = _LIMITS[kind]
        noun, got = "integer" if isinstance(given, int) else "decimal", short(json.dumps(given))
        wanted = f"{sign} {about[name]:g}" if abs(about[name]) < 10_000 else f"{sign} {about[name]}"
        return (
            f"Invalid '{param}': {noun} {side}imum value. Expected a value {wanted}, but got {got} instead.",
            f"{noun}_{side.replace(' ', '_')}_value",
        )
    if kind == "string_pattern_mismatch":
        return f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern " \
               f"'{about['pattern']}'.", "invalid_value"  # fmt: skip
    if kind == "json_invalid":
        return "The body of the request is nested too deeply, or holds text that is not valid Unicode.", "invalid_json"
    said = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"Invalid '{param}': {said}.", "invalid_value"


def _choice(problem: ErrorDetails) -> tuple[str, Iterator[str]]:
    """What was said, and what may be."""
    about, given = problem.get("ctx", {}), problem["input"]
    if problem["type"] == "union_tag_invalid":
        given = given["type"]
    said = given if isinstance(given, str) else json.dumps(given)
    allowed = str(about.get("expected") or about.get("expected_tags"))
    return said, (one[1] for one in re.finditer(r"'([^']*)'", allowed))


def _length(problem: ErrorDetails, param: str) -> tuple[str, str]:
    about, given = problem.get("ctx", {}), problem["input"]
    long = problem["type"].endswith("long")
    size, bound = ("long", "max") if long else ("short", "min")
    wanted, code = about[f"{bound}_length"], f"{'above' if long else 'below'}_{bound}"
    if isinstance(given, dict):
        many, at = ("many", "most") if long else ("few", "least")
        return (
            f"Invalid '{param}': too {many} properties. Expected an object with at {at} {wanted} properties, "
            f"but got an object with {len(given)} properties instead.",
            f"object_{code}_properties",
        )
    noun = "string" if isinstance(given, str) else "array"
    thing = "property name" if problem["loc"][-1] == "[key]" else noun
    one = f"an {thing}" if thing == "array" else f"a {thing}"
    return (
        f"Invalid '{param}': {thing} too {size}. Expected {one} with {bound}imum length {wanted}, "
        f"but got {one} with length {len(given)} instead.",
        f"{noun}_{code}_length",
    )


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
