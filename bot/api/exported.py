"""A file of objects as the Assistants API returned them: what of it is an assistant, a thread or a message.

It holds lists under `assistants`, `threads` and `messages`; or it is a list, or JSON lines, of objects that tell by
`object` what they are. Wherever there may be a list, there may be one as the API wraps it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from bot.assistants.types import well_formed_items
from bot.errors import ParleyError
from bot.view import printable

ASSISTANT, THREAD, MESSAGE = "assistant", "thread", "thread.message"
LINE_END = ": "
SECTIONS = {"assistants": ASSISTANT, "threads": THREAD, "messages": MESSAGE}


class NotImportable(ParleyError):
    """What is wrong with the file, and where."""

    def __init__(self, place: str, sentence: str) -> None:
        where = place.removesuffix(LINE_END)
        super().__init__(printable(f"{where}: {sentence}" if where else sentence))


class Exported(NamedTuple):
    place: str
    """`threads[2].messages[0]`; of JSON lines `line 3: `."""
    kind: str
    value: Mapping[str, Any]


def objects(data: bytes) -> Iterator[Exported]:
    """Every object of a file. Raises `NotImportable`."""
    try:
        for place, value in _values(data):
            yield from _walk(place, well_formed_items([value])[0], None)
    except RecursionError:
        raise NotImportable("", "The file is nested too deeply.") from None


# -- JSON, or JSON lines -------------------------------------------------------------------------------------------


def _values(data: bytes) -> Iterator[tuple[str, Any]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = data[: error.start].count(b"\n") + 1
        raise NotImportable(f"line {broken}", "The file is not in UTF-8.") from None
    if not text.strip():
        raise NotImportable("", "The file is empty.")
    try:
        whole = _parsed(text)
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not _is_object(lines[0][1]):
            raise _not_json(error) from None
        for number, line in lines:
            yield f"line {number}{LINE_END}", _line(number, line)
    else:
        yield "", whole


def _line(number: int, line: str) -> Any:
    try:
        return _parsed(line)
    except ValueError as error:
        raise _not_json(error, number) from None


def _parsed(text: str) -> Any:
    return json.loads(text, parse_constant=_no_number, parse_float=_finite)


def _no_number(said: str) -> NoReturn:
    raise ValueError(f"{said} is no number")


def _finite(said: str) -> float:
    number = float(said)
    if not math.isfinite(number):
        raise ValueError(f"{said[:32]} is too large a number")
    return number


def _is_object(line: str) -> bool:
    try:
        return isinstance(_parsed(line), dict)
    except ValueError:
        return False


def _not_json(error: ValueError, line: int | None = None) -> NotImportable:
    if isinstance(error, json.JSONDecodeError):
        place = f"line {line or error.lineno}, column {error.colno}"
        return NotImportable(place, f"This is not JSON ({error.msg}).")
    return NotImportable(f"line {line}" if line else "", f"This is not JSON ({error}).")


# -- what is in it -------------------------------------------------------------------------------------------------


def _walk(place: str, value: Any, kind: str | None) -> Iterator[Exported]:
    """The objects in a value; all of one `kind`, where that is known."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _walk(f"{place}[{number}]", one, kind)
    elif not isinstance(value, dict):
        raise NotImportable(place, "There should be an object here.")
    elif value.get("object") == "list":
        yield from _walk(_under(place, "data"), value.get("data"), kind)
    elif kind or "object" in value:
        yield from _one(place, value, kind)
    else:
        yield from _sections(place, value)


def _one(place: str, value: dict[str, Any], kind: str | None) -> Iterator[Exported]:
    is_a = value.get("object", kind)
    if not isinstance(is_a, str) or (kind and is_a != kind):
        wanted = f"“{kind}”" if kind else "a word"
        raise NotImportable(_under(place, "object"), f"This should be {wanted}, but is {json.dumps(is_a)[:64]}.")
    yield Exported(place, is_a, value)
    said = value.get("messages") if is_a == THREAD else None
    for one in _walk(_under(place, "messages"), said, MESSAGE) if said is not None else ():
        if one.value.get("thread_id", value.get("id")) != value.get("id"):
            raise NotImportable(_under(one.place, "thread_id"), "This is not the thread that the message stands in.")
        yield one._replace(value={**one.value, "thread_id": value.get("id")})


def _sections(place: str, value: dict[str, Any]) -> Iterator[Exported]:
    if not value.keys() & SECTIONS.keys():
        raise NotImportable(
            place, "There is neither an “object”, which tells what this is, nor “assistants”, “threads” or “messages”."
        )
    for name, kind in SECTIONS.items():
        if value.get(name) is not None:
            yield from _walk(_under(place, name), value[name], kind)


def _under(place: str, name: str) -> str:
    return f"{place}.{name}" if place and not place.endswith(LINE_END) else f"{place}{name}"
