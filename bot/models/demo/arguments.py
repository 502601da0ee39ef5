"""Fills a tool's parameters from the words of a question, by the JSON Schema that the tool gives."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.demo.asks import Ask
from bot.models.demo.days import horizon
from bot.models.demo.topics import Topic, own_words
from bot.models.demo.words import FILLER, QUOTED, name_words, quotations, stem, stems
from bot.models.port import FunctionTool

_PLACES = "location place city town address country region area timezone zone destination where"
_PLACE_WORDS = frozenset(_PLACES.split())
_ID_WORDS = frozenset({"id", "number", "no", "nr", "ticket"})
_ENTICING = FILLER | {"call", "use", "using", "tool", "run", "execute", "invoke"}
_QUESTIONS = frozenset({"query", "question", "search"})
"""Parameters that take a question in its own words, where it says nothing else."""
_LANGUAGE = re.compile(r"\Apy(?:thon)?\d?\s*\n")
_VAGUE = frozenset({"include", "is", "with", "has", "use", "show", "get", "set"})
_NOT = re.compile(r"\b(?:no|not|without|don't)\b", re.IGNORECASE)
_NOTHING = object()
"""No value was found, which is not the same as null."""

_EMPTY: Mapping[str, Any] = {"array": [], "object": {}, "boolean": False, "null": None}


@dataclass(frozen=True, slots=True)
class Lack:
    """A required parameter that the question does not fill."""

    parameter: str
    is_place: bool
    is_python: bool = False


@dataclass(slots=True)
class _Reading:
    """One question on its way into arguments; what was taken for one parameter is gone for the next."""

    ask: Ask
    quotes: list[str]
    numbers: list[str]
    rest: str
    python: bool
    """The tool runs Python, which it takes as its `code`."""


def fill(tool: FunctionTool, ask: Ask, place: str | None, *, force: bool = False) -> dict[str, Any] | Lack:
    """The arguments of one call, or the first parameter that is lacking. With `force` nothing ever is."""
    reading = _read(tool, ask, place)
    required, places = _required(tool), _place_parameters(tool, ask)
    arguments: dict[str, Any] = {}
    for name, (schema, nullable) in _schemas(tool).items():
        value = place or _NOTHING if name in places else _value(name, schema, reading, needed=name in required)
        if value is not _NOTHING:
            arguments[name] = [value] if name in places and schema.get("type") == "array" else value
        elif name in required:
            if not (nullable or force):
                return Lack(name, name in places, reading.python and name == "code")
            arguments[name] = None if nullable else _anything(schema, ask.text.strip())
    return arguments


def takes_place(tool: FunctionTool, ask: Ask) -> bool:
    """Whether one call is for one place, so that several places need several calls."""
    return bool(_place_parameters(tool, ask))


def unit_choices(tool: FunctionTool) -> list[str]:
    """The units that the tool lets choose from."""
    return [str(choice) for choice in _list(_schemas(tool).get("unit", ({}, False))[0].get("enum"))]


def _read(tool: FunctionTool, ask: Ask, place: str | None) -> _Reading:
    _, timeless = horizon(ask.text)
    outside = QUOTED.sub(" ", timeless.replace(place, " ") if place else timeless)
    numbers = re.findall(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,15})?(?![\w.]*\d)", outside)
    python = "python" in tool.description.lower()
    return _Reading(ask, quotations(ask.text), numbers, _trimmed(QUOTED.sub(" ", ask.text), tool), python)


def _trimmed(text: str, tool: FunctionTool) -> str:
    """`text` without the words at both ends that only called for the tool."""
    calling = {tool.name.lower(), *own_words(tool.name), *_ENTICING, ""}
    words = text.split()
    bare = [word.strip("?!.,:;()").lower() for word in words]
    kept = [at for at, word in enumerate(bare) if not {word, stem(word)} & calling]
    return " ".join(words[kept[0] : kept[-1] + 1]).strip(" ?!.,:;") if kept else ""


def _value(name: str, schema: Mapping[str, Any], reading: _Reading, *, needed: bool) -> Any:
    """What the question says for one parameter, or `_NOTHING`."""
    if choices := _list(schema.get("enum")) or [schema[key] for key in schema if key == "const"]:
        return _choice(choices, reading.ask, needed)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _number(name, schema, reading, needed)
    if kind == "boolean" and (set(name_words(name)) - _VAGUE) & set(stems(reading.ask.text)):
        return _NOT.search(reading.ask.text) is None
    if kind == "boolean" and needed:
        return False
    if kind == "array" and needed:
        item = _value(name, _mapping(schema.get("items")), reading, needed=True)
        return _NOTHING if item is _NOTHING else [item]
    if kind == "object" and needed and not schema.get("required"):
        return {}
    return _text(name, reading) if needed and kind in ("string", None) else _NOTHING


def _choice(choices: Sequence[Any], ask: Ask, needed: bool) -> Any:
    """The choice that the question names first; else, where one is needed, the first there is."""
    for text in (ask.text.lower(), ask.hint.lower()):
        spelled = re.sub(r"°\s?c\b", "celsius", re.sub(r"°\s?f\b", "fahrenheit", text))
        words = {one: re.escape(str(one).lower().replace("_", " ").strip()) for one in map(str, choices)}
        found = {one: at.start() for one, word in words.items() if (at := re.search(rf"(?<!\w){word}(?!\w)", spelled))}
        if found:
            return min(choices, key=lambda one: found.get(str(one), len(spelled)))
    return choices[0] if needed else _NOTHING


def _number(name: str, schema: Mapping[str, Any], reading: _Reading, needed: bool) -> Any:
    if "day" in name_words(name):
        return _NOTHING if reading.ask.days is None else _within(max(reading.ask.days, 1), schema)
    text = _beside(name, reading) or (reading.numbers[0] if needed and reading.numbers else None)
    if text is None:
        return _NOTHING
    reading.numbers.remove(text)
    number = float(text)
    return _within(int(number) if schema.get("type") == "integer" or number.is_integer() else number, schema)


def _beside(name: str, reading: _Reading) -> str | None:
    """The number next to the parameter's own words: `limit 5`, `5 results`."""
    own = set(name_words(name)) - _VAGUE
    words = ["", *stems(reading.ask.text), ""]
    around = zip(words, words[1:], words[2:], strict=False)
    return next((one for before, one, after in around if one in reading.numbers and own & {before, after}), None)


def _within(number: float, schema: Mapping[str, Any]) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(high, int | float):
        number = min(number, high)
    return max(number, low) if isinstance(low, int | float) else number


def _text(name: str, reading: _Reading) -> Any:
    """Quoted text first; for an id the first word with a digit; else what is left of the question, once."""
    if reading.python and name == "code":
        return next(filter(_is_python, (_LANGUAGE.sub("", text) for text in (*reading.quotes, reading.rest))), _NOTHING)
    if reading.quotes:
        return reading.quotes.pop(0)
    if _ID_WORDS & set(name_words(name)):
        word = next((word for word in reading.rest.split() if any(map(str.isdecimal, word))), None)
        if word:
            reading.rest = reading.rest.replace(word, " ", 1).strip()
            return word.strip("?!.,:;()'")
    rest, reading.rest = reading.rest, ""
    return rest or (reading.ask.text.strip(" ?!.") if name in _QUESTIONS else "") or _NOTHING


def _is_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that are none
            compile(text, "<code>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return text != ""


def _anything(schema: Mapping[str, Any], text: str) -> Any:
    """A value of the right type where a call was forced on us."""
    kind = schema.get("type")
    if "default" in schema:
        return schema["default"]
    return _within(1, schema) if kind in ("integer", "number") else _EMPTY.get(str(kind), text)


def _place_parameters(tool: FunctionTool, ask: Ask) -> frozenset[str]:
    """Parameters named like a place; else, for the weather and the time, the first text that is required."""
    texts = [
        name
        for name, (schema, _) in _schemas(tool).items()
        if "enum" not in schema and schema.get("type") in ("string", "array", None)
    ]
    named = [name for name in texts if _PLACE_WORDS & set(name_words(name))]
    first = [name for name in texts if isinstance(ask.subject, Topic) and name in _required(tool)][:1]
    return frozenset(named or first)


def _required(tool: FunctionTool) -> list[str]:
    return [name for name in _list(tool.parameters.get("required")) if isinstance(name, str)]


def _schemas(tool: FunctionTool) -> dict[str, tuple[Mapping[str, Any], bool]]:
    """Each parameter's schema behind references and alternatives, and whether null is allowed."""
    properties = _mapping(tool.parameters.get("properties"))
    return {name: _resolved(_mapping(schema), tool.parameters) for name, schema in properties.items()}


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    nullable = False
    for _ in range(8):  # references may go in circles
        kinds = [{**schema, "type": kind} for kind in _list(schema.get("type"))]
        unions = [_mapping(one) for key in ("anyOf", "oneOf", "allOf") for one in _list(schema.get(key))]
        if "$ref" in schema:
            found: Any = root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = _mapping(found).get(step)
            schema = _mapping(found)
        elif options := unions or kinds:
            given = [one for one in options if one.get("type") != "null"]
            nullable = nullable or len(given) < len(options)
            schema = next(iter(given), {})
    return schema, nullable


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
