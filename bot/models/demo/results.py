"""Tells the outputs of tools in plain English: known keys as sentences, any other JSON as a readable list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bot.models.demo import quiz
from bot.models.demo.plan import Made, parsed

LONGEST = 4000
"""Characters of one result that are told."""

_UNITS = {"celsius": "°C", "fahrenheit": "°F", "kelvin": "K"}
_PLACES = ("location", "place", "city", "name")
_KNOWN = frozenset({*_PLACES, "unit", "temperature", "rain_probability", "days", "time", "timezone", "weekday"})
_COMPARISONS = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), key, best, called)
    for words, key, best, called in (
        ("(?:warm|hott)(?:er|est)", "temperature", max, "warm"),
        ("(?:cold|cool|chilli)(?:er|est)", "temperature", min, "cold"),
        ("(?:wett|raini)(?:er|est)|(?:more|most) (?:likely|rain)", "rain_probability", max, "wett"),
        ("dri(?:er|est)|(?:less|least) (?:likely|rain)", "rain_probability", min, "dri"),
    )
)


def tell(made: Made, place_before: str = "") -> str:
    """What the output of one call says. A place that was named just before is `there`."""
    name = made.call.name
    if made.output is None:
        return f"{name} has given no output."
    value = parsed(made.output)
    if name == quiz.TOOL and not made.output.startswith('{"error"'):
        return quiz.feedback(value)
    if isinstance(value, Mapping) and (error := _error(value)):
        place = made.arguments.get("location") or made.arguments.get("place_or_timezone")
        what = f"{name} for {place}" if isinstance(place, str) and len(place) < 100 else name
        return f"I could not look that up with {what}: {_ended(error)}"
    text = _object(name, value, place_before) if isinstance(value, Mapping) else _other(name, value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def place_of(made: Made) -> str:
    """The place that an output speaks of, or nothing."""
    value = parsed(made.output or "")
    return _place(value) if isinstance(value, Mapping) else ""


def compare(question: str, made: Sequence[Made]) -> str:
    """Which place wins where the question compares; nothing where the outputs do not allow it."""
    values = [value for one in made if isinstance(value := parsed(one.output or ""), Mapping)]
    for pattern, key, best, called in _COMPARISONS:
        found = [value for value in values if _is_number(value.get(key))]
        figures = {_place(value): float(value[key]) for value in found}
        if not pattern.search(question) or len(figures) < 2 or "" in figures or len(set(map(_unit, found))) > 1:
            continue
        top = best(figures.values())
        winners = [place for place, figure in figures.items() if figure == top]
        if len(winners) > 1:
            return "It is the same there." if len(winners) == len(figures) else f"{' and '.join(winners)} are level."
        if len(figures) == 2:
            return f"It is {called}er in {winners[0]}."
        return f"{winners[0]} is the {called}est of these."
    return ""


def _object(name: str, value: Mapping[str, Any], place_before: str) -> str:
    place, told = _place(value), list[str]()
    for teller in (_temperature, _rain, _days, _time):
        where = "there" if place and place == place_before else f"in {place}" if place else ""
        if text := teller(value, where):
            told.append(text)
            place_before = place
    if not told:
        lines = [f"- {_words(key)}: {_short(one)}" for key, one in value.items()]
        return "\n".join([f"{name} gave:", *lines]) if value else f"{name} gave an empty answer."
    more = {key: rest for key, rest in value.items() if key not in _KNOWN and rest not in (None, "", [], {})}
    also = [f"Also: {'; '.join(f'{_words(key)}: {_short(rest)}' for key, rest in more.items())}."] if more else []
    return " ".join([*told, *also])


def _temperature(value: Mapping[str, Any], where: str) -> str:
    if not _is_number(degrees := value.get("temperature")):
        return ""
    return " ".join(filter(None, ("It is", _short(degrees), _unit(value), where))) + "."


def _rain(value: Mapping[str, Any], where: str) -> str:
    if not _is_number(chance := value.get("rain_probability")):
        return ""
    return " ".join(filter(None, ("The chance of rain", where, "today is", f"{_short(chance)} %.")))


def _days(value: Mapping[str, Any], where: str) -> str:
    days = value.get("days")
    if not (isinstance(days, list) and days and all(isinstance(day, Mapping) and "date" in day for day in days)):
        return ""
    head = f"The forecast {where}".replace(" in ", " for ", 1).strip()
    return "\n".join([f"{head}:", *(f"- {_day(day, _unit(value))}" for day in days)])


def _day(day: Mapping[str, Any], unit: str) -> str:
    low, high, chance = day.get("min"), day.get("max"), day.get("rain_probability")
    told = [
        _short(day["condition"]) if day.get("condition") is not None else "",
        f"{_short(low)} to {_short(high)} {unit}".strip() if _is_number(low) and _is_number(high) else "",
        f"chance of rain {_short(chance)} %" if _is_number(chance) else "",
    ]
    return f"{_date(day['date'])}: {', '.join(filter(None, told)) or 'nothing known yet'}"


def _time(value: Mapping[str, Any], where: str) -> str:
    given, zone = value.get("time"), value.get("timezone")
    if not isinstance(given, str):
        return ""
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return ""
    place = f"{where} ({zone})" if where and zone else where or (f"in {zone}" if zone else "")
    return f"It is {moment:%H:%M} on {_date(moment.date().isoformat())} {place}".rstrip() + "."


def _other(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{name} gave:\n" + "\n".join(f"- {_short(one)}" for one in value) if value else f"{name} found nothing."
    return _short(value).strip() or f"{name} gave an empty answer."


def _short(value: Any) -> str:
    """A value on one line, without the signs of JSON."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(key)} {_short(one)}" for key, one in value.items()) or "nothing"
    if isinstance(value, list):
        return "; ".join(map(_short, value)) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else str(value).removesuffix(".0")


def _error(value: Mapping[str, Any]) -> str:
    error = value.get("error")
    if isinstance(error, Mapping):
        error = error.get("message") or error
    return "it did not say why" if error == "" else _short(error) if error else ""


def _place(value: Mapping[str, Any]) -> str:
    return next((found for key in _PLACES if isinstance(found := value.get(key), str) and found), "")


def _unit(value: Mapping[str, Any]) -> str:
    unit = value.get("unit")
    return _UNITS.get(unit.lower(), unit) if isinstance(unit, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _date(text: Any) -> str:
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        return _short(text)
    return f"{day:%A} {day.day} {day:%B}"


def _words(key: Any) -> str:
    return str(key).replace("_", " ")


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
