"""Fills a tool's parameters from the words of a question, by the JSON Schema that the tool gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.demo.asks import Ask
from bot.models.demo.days import horizon
from bot.models.demo.schema import list_of, mapping, names, resolved
from bot.models.demo.topics import Topic, own_words
from bot.models.demo.words import FILLER, QUOTED, name_words, quotations, stem, stems
from bot.models.port import FunctionTool

_PLACES = "location place city town address country region area timezone zone destination where"
_PLACE_WORDS = frozenset(_PLACES.split())
_ID_WORDS = frozenset({"id", "number", "no", "nr", "ticket"})
_ENTICING = FILLER | {"call", "use", "using", "tool", "run", "execute", "invoke"}
_VAGUE = frozenset({"include", "is", "with", "has", "use", "show", "get", "set"})
_NOT = re.compile(r"\b(?:no|not|without|don't)\b", re.IGNORECASE)
_FAHRENHEIT = re.compile(r"°\s?f\b", re.IGNORECASE)
_CELSIUS = re.compile(r"°\s?c\b", re.IGNORECASE)
_MEANT = {"f": "fahrenheit", "c": "celsius", "imperial": "fahrenheit", "metric": "celsius"}
_NOTHING = object()
"""No value was found, which is not the same as null."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A required parameter that the question does not fill."""

    parameter: str
    is_place: bool


@dataclass(slots=True)
class _Reading:
    """One question on its way into arguments; what was taken for one parameter is gone for the next."""

    ask: Ask
    place: str | None
    places: frozenset[str]
    """The parameters that take the place."""
    quotes: list[str]
    numbers: list[str]
    rest: str


def fill(tool: FunctionTool, ask: Ask, place: str | None, *, force: bool = False) -> dict[str, Any] | Lack:
    """The arguments of one call, or the first parameter that is lacking. With `force` nothing ever is."""
    reading = _read(tool, ask, place)
    required = names(tool.parameters.get("required"))
    arguments: dict[str, Any] = {}
    for name, given in mapping(tool.parameters.get("properties")).items():
        schema, nullable = resolved(mapping(given), tool.parameters)
        value = _value(name, schema, reading, needed=name in required)
        if value is not _NOTHING:
            arguments[name] = value
        elif name in required:
            if not (nullable or force):
                return Lack(name, name in reading.places)
            arguments[name] = None if nullable else _anything(schema, reading)
    return arguments


def takes_place(tool: FunctionTool, ask: Ask) -> bool:
    """Whether one call is for one place, so that several places need several calls."""
    return bool(_place_parameters(tool, ask))


def _read(tool: FunctionTool, ask: Ask, place: str | None) -> _Reading:
    _, timeless = horizon(ask.text)
    outside = QUOTED.sub(" ", timeless if place is None else timeless.replace(place, " "))
    numbers = re.findall(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,15})?(?![\w.]*\d)", outside)
    rest = _trimmed(QUOTED.sub(" ", ask.text), tool)
    return _Reading(ask, place, _place_parameters(tool, ask), quotations(ask.text), numbers, rest)


def _trimmed(text: str, tool: FunctionTool) -> str:
    """`text` without the words at both ends that only called for the tool."""
    calling = {tool.name.lower(), *own_words(tool.name)}
    words = text.split()

    def calls(word: str) -> bool:
        bare = word.strip("?!.,:;()").lower()
        return not bare or bare in _ENTICING or bare in calling or stem(bare) in calling

    while words and calls(words[0]):
        words.pop(0)
    while words and calls(words[-1]):
        words.pop()
    return " ".join(words).strip(" ?!.,:;")


def _value(name: str, schema: Mapping[str, Any], reading: _Reading, *, needed: bool) -> Any:
    """What the question says for one parameter, or `_NOTHING`."""
    if "const" in schema:
        return schema["const"] if needed else _NOTHING
    if choices := list_of(schema.get("enum")):
        return _choice(choices, reading, needed)
    kind = schema.get("type")
    if name in reading.places:
        place: Any = _NOTHING if reading.place is None else reading.place
        return [place] if kind == "array" and place is not _NOTHING else place
    if kind in ("integer", "number"):
        return _number(name, schema, reading, needed)
    if kind == "boolean":
        return _flag(name, reading, needed)
    if kind == "array" and needed:
        items = _value(name, mapping(schema.get("items")), reading, needed=True)
        return _NOTHING if items is _NOTHING else [items]
    if kind == "object" and needed:
        return _NOTHING if names(schema.get("required")) else {}
    return _text(name, reading) if needed and kind in ("string", None) else _NOTHING


def _choice(choices: Sequence[Any], reading: _Reading, needed: bool) -> Any:
    """The choice that the question names first; else, where one is needed, the first there is."""
    for text in (reading.ask.text, reading.ask.hint):
        spelled = _FAHRENHEIT.sub("fahrenheit", _CELSIUS.sub("celsius", text))
        found = [(at, choice) for choice in choices if (at := _mention(str(choice), spelled)) is not None]
        if found:
            return min(found, key=lambda one: one[0])[1]
    return choices[0] if needed else _NOTHING


def _mention(choice: str, text: str) -> int | None:
    words = _MEANT.get(choice.lower(), choice.lower().replace("_", " ")).strip()
    found = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text.lower()) if words else None
    return found.start() if found else None


def _number(name: str, schema: Mapping[str, Any], reading: _Reading, needed: bool) -> Any:
    if "day" in name_words(name):
        return _NOTHING if reading.ask.days is None else _within(max(reading.ask.days, 1), schema)
    text = _beside(name, reading) or (reading.numbers[0] if needed and reading.numbers else None)
    if text is None:
        return _NOTHING
    if text in reading.numbers:
        reading.numbers.remove(text)
    whole = schema.get("type") == "integer" or "." not in text
    return _within(int(float(text)) if whole else float(text), schema)


def _beside(name: str, reading: _Reading) -> str | None:
    """The number next to the parameter's own words: `limit 5`, `5 results`."""
    own = set(name_words(name)) - _VAGUE
    words = stems(reading.ask.text)
    for number in reading.numbers:
        at = words.index(number) if number in words else -1
        if at >= 0 and own & {*words[max(at - 1, 0) : at], *words[at + 1 : at + 2]}:
            return number
    return None


def _within(number: float, schema: Mapping[str, Any]) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(high, int | float):
        number = min(number, high)
    return max(number, low) if isinstance(low, int | float) else number


def _flag(name: str, reading: _Reading, needed: bool) -> Any:
    own = set(name_words(name)) - _VAGUE
    if own & set(stems(reading.ask.text)):
        return _NOT.search(reading.ask.text) is None
    return False if needed else _NOTHING


def _text(name: str, reading: _Reading) -> Any:
    """Quoted text first; for an id the first word with a digit; else what is left of the question, once."""
    if reading.quotes:
        return reading.quotes.pop(0)
    if _ID_WORDS & set(name_words(name)):
        word = next((word for word in reading.rest.split() if any(map(str.isdecimal, word))), None)
        if word:
            reading.rest = reading.rest.replace(word, " ", 1).strip()
            return word.strip("?!.,:;()'")
    rest, reading.rest = reading.rest, ""
    return rest or _NOTHING


def _anything(schema: Mapping[str, Any], reading: _Reading) -> Any:
    """A value of the right type where a call was forced on us."""
    empty: dict[str, Any] = {"array": [], "object": {}, "boolean": False, "null": None}
    kind = schema.get("type")
    if "default" in schema:
        return schema["default"]
    if kind in ("integer", "number"):
        return _within(1, schema)
    return empty[kind] if isinstance(kind, str) and kind in empty else reading.ask.text.strip()


def _place_parameters(tool: FunctionTool, ask: Ask) -> frozenset[str]:
    """Parameters named like a place; else, for the weather and the time, the first text that is required."""
    parameters = mapping(tool.parameters.get("properties"))
    schemas = {name: resolved(mapping(one), tool.parameters)[0] for name, one in parameters.items()}
    texts = {
        name: schema
        for name, schema in schemas.items()
        if "enum" not in schema and schema.get("type") in ("string", "array", None)
    }
    named = [name for name in texts if _PLACE_WORDS & {*name_words(name), *re.split(r"[_-]", name.lower())}]
    required = names(tool.parameters.get("required"))
    first = [name for name in texts if isinstance(ask.subject, Topic) and name in required][:1]
    return frozenset(named or first)
