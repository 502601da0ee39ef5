"""Tells the outputs of tools in plain English: known keys as sentences, any other JSON as a readable list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.models.demo.thread import Made

LONGEST = 4000
"""Characters of one result that are told."""

_UNITS = {"celsius": "°C", "c": "°C", "°c": "°C", "fahrenheit": "°F", "f": "°F", "°f": "°F", "kelvin": "K"}
_PLACE_KEYS = ("location", "place", "city", "name")
_TEMPERATURE_KEYS = ("temperature", "current_temperature", "temp")
_RAIN_KEYS = ("rain_probability", "precipitation_probability", "chance_of_rain", "probability")
_DAYS_KEYS = ("days", "forecast", "daily")
_WARMER = re.compile(r"\b(?:warmer|hotter|warmest|hottest)\b", re.IGNORECASE)
_COLDER = re.compile(r"\b(?:colder|cooler|coldest|coolest)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Told:
    """A sentence, and the keys of the output that it tells."""

    text: str
    keys: frozenset[str]


def tell(made: Made, place_before: str = "") -> str:
    """What the output of one call says. A place that was named just before is `there`."""
    name = made.call.name
    if made.output is None:
        return f"{name} has given no output."
    value = _parsed(made.output)
    if isinstance(value, Mapping) and (error := _error(value)):
        return f"I could not look that up with {name}{_of_what(made)}: {_ended(error)}"
    text = _object(name, value, place_before) if isinstance(value, Mapping) else _other(name, value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def place_of(made: Made) -> str:
    """The place that an output speaks of, or nothing."""
    value = _parsed(made.output or "")
    return _place(value) if isinstance(value, Mapping) else ""


def compare(question: str, made: Sequence[Made]) -> str:
    """Which place is warmer or colder, where the question compares; nothing where the outputs do not allow it."""
    warmer, colder = _WARMER.search(question), _COLDER.search(question)
    found = [
        value for one in made if isinstance(value := _parsed(one.output or ""), Mapping) and _temperature(value, "")
    ]
    degrees = {_place(value): _float(_first(value, _TEMPERATURE_KEYS)) for value in found}
    if not (warmer or colder) or len(degrees) < 2 or "" in degrees or len({_unit(value) for value in found}) > 1:
        return ""
    choose = max if warmer else min
    best = choose(degrees, key=lambda place: degrees[place])
    if list(degrees.values()).count(degrees[best]) > 1:
        return "It is equally warm there." if len(degrees) == 2 else ""
    ending = "er" if len(degrees) == 2 else "est"
    return f"It is {'' if ending == 'er' else 'the '}{'warm' if warmer else 'cold'}{ending} in {best}."


def _object(name: str, value: Mapping[str, Any], place_before: str) -> str:
    place = _place(value)
    tellers: tuple[Callable[[Mapping[str, Any], str], _Told | None], ...] = (_temperature, _rain, _days, _time)
    told: list[_Told] = []
    for teller in tellers:
        named = "there" if place and place == place_before else f"in {place}" if place else ""
        if one := teller(value, named):
            told.append(one)
            place_before = place
    if not told:
        return f"{name} gave:\n{_lines(value)}" if value else f"{name} gave an empty answer."
    known = frozenset().union(*(one.keys for one in told))
    more = {key: rest for key, rest in value.items() if key not in known and rest not in (None, "", [], {})}
    also = [f"Also: {'; '.join(f'{_words(key)}: {_short(rest)}' for key, rest in more.items())}."] if more else []
    return " ".join([*(one.text for one in told), *also])


def _temperature(value: Mapping[str, Any], where: str) -> _Told | None:
    degrees = _first(value, _TEMPERATURE_KEYS)
    if not _is_number(degrees):
        return None
    text = " ".join(filter(None, ("It is", _figure(degrees), _unit(value), where)))
    return _Told(f"{text}.", frozenset({*_TEMPERATURE_KEYS, *_PLACE_KEYS, "unit"}))


def _rain(value: Mapping[str, Any], where: str) -> _Told | None:
    chance = _first(value, _RAIN_KEYS)
    if not _is_number(chance):
        return None
    if isinstance(chance, float) and chance <= 1 and value.get("unit") not in ("percent", "%"):
        chance = round(chance * 100)
    text = " ".join(filter(None, ("The chance of rain", where, "today is", f"{_figure(chance)} %.")))
    return _Told(text, frozenset({*_RAIN_KEYS, *_PLACE_KEYS, "unit"}))


def _days(value: Mapping[str, Any], where: str) -> _Told | None:
    days = _first(value, _DAYS_KEYS)
    if not (isinstance(days, list) and days and all(isinstance(day, Mapping) and "date" in day for day in days)):
        return None
    lines = [f"- {_day(day, _unit(value))}" for day in days]
    head = f"The forecast {where}".replace(" in ", " for ", 1).strip()
    return _Told("\n".join([f"{head}:", *lines]), frozenset({*_DAYS_KEYS, *_PLACE_KEYS, "unit"}))


def _day(day: Mapping[str, Any], unit: str) -> str:
    low, high, chance = day.get("min"), day.get("max"), _first(day, _RAIN_KEYS)
    both = _is_number(low) and _is_number(high)
    told = [
        _short(day["condition"]) if day.get("condition") is not None else "",
        f"{_figure(low)} to {_figure(high)} {unit}".strip() if both else "",
        f"chance of rain {_figure(chance)} %" if _is_number(chance) else "",
    ]
    known = {"date", "condition", *_RAIN_KEYS, *(("min", "max") if both else ())}
    more = [f"{_words(key)} {_short(rest)}" for key, rest in day.items() if key not in known and rest is not None]
    return f"{_date(day['date'])}: {', '.join(filter(None, [*told, *more])) or 'nothing known yet'}"


def _time(value: Mapping[str, Any], where: str) -> _Told | None:
    given = _first(value, ("time", "local_time", "datetime"))
    zone = str(value.get("timezone") or "")
    if not isinstance(given, str) or not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
        text = f"It is {moment:%H:%M} on {_date(moment.date().isoformat())}"
    except ValueError:
        text = f"The time is {given}"
    place = f"{where} ({zone})" if where and zone else where or (f"in {zone}" if zone else "")
    keys = frozenset({"time", "local_time", "datetime", "timezone", "weekday", *_PLACE_KEYS})
    return _Told(f"{text} {place}".rstrip() + ".", keys)


def _other(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{name} gave:\n" + "\n".join(f"- {_short(one)}" for one in value) if value else f"{name} found nothing."
    text = _short(value).strip()
    return text or f"{name} gave an empty answer."


def _lines(value: Mapping[str, Any]) -> str:
    return "\n".join(f"- {_words(key)}: {_short(one)}" for key, one in value.items())


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
    return value if isinstance(value, str) else _figure(value)


def _parsed(output: str) -> Any:
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return output


def _error(value: Mapping[str, Any]) -> str:
    error = value.get("error")
    if isinstance(error, Mapping):
        error = error.get("message") or _short(error)
    if "error" in value and error == "":
        return "it did not say why"
    return _short(error) if error else ""


def _of_what(made: Made) -> str:
    place = next((made.arguments[key] for key in made.arguments if key in (*_PLACE_KEYS, "place_or_timezone")), None)
    return f" for {place}" if isinstance(place, str) and len(place) < 100 else ""


def _place(value: Mapping[str, Any]) -> str:
    found = _first(value, _PLACE_KEYS)
    return found if isinstance(found, str) else ""


def _unit(value: Mapping[str, Any]) -> str:
    unit = value.get("unit")
    return _UNITS.get(unit.lower(), unit) if isinstance(unit, str) else ""


def _first(value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if value.get(key) is not None), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0


def _figure(value: Any) -> str:
    return str(value).removesuffix(".0")


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
