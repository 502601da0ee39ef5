"""`GET /v1/forecast`: the weather at a point, current and daily, in the unit and for the days asked for.

The point is that of the nearest place of the gazetteer, as the real service takes the nearest cell of its grid.
https://open-meteo.com/en/docs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.simulators.open_meteo.gazetteer import PLACES, Entry
from tests.simulators.open_meteo.refusal import Refused

MOST_DAYS, USUAL_DAYS = 16, 7
UNITS = {"celsius": "°C", "fahrenheit": "°F"}
CURRENT = ("temperature_2m",)
DAILY = ("weather_code", "temperature_2m_min", "temperature_2m_max", "precipitation_probability_max")


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of a place: degrees Celsius, a WMO code, rain in percent. `None` is a value the service lacks.

    Each day after today is a degree warmer, and rain is ten points likelier up to 100.
    """

    temperature: float | None
    low: float | None
    high: float | None
    code: int | None
    rain: int | None


def usual_weather(entry: Entry) -> Weather:
    """What a place has until a test says otherwise: the colder the farther from the equator."""
    mild = round(30 - abs(entry.latitude) / 2, 1)
    return Weather(temperature=mild, low=mild - 5, high=mild + 5, code=2, rain=round(abs(entry.longitude)) % 101)


def nearest(latitude: float, longitude: float, places: Sequence[Entry] = PLACES) -> Entry:
    return min(places, key=lambda entry: (entry.latitude - latitude) ** 2 + (entry.longitude - longitude) ** 2)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that passed the documented checks."""

    entry: Entry
    latitude: float
    longitude: float
    zone: ZoneInfo
    unit: str
    days: int
    current: tuple[str, ...]
    daily: tuple[str, ...]


def read(query: Mapping[str, str], places: Sequence[Entry] = PLACES) -> Asked:
    """Raises `Refused`."""
    latitude, longitude = _degrees(query, "latitude", 90), _degrees(query, "longitude", 180)
    entry, daily = nearest(latitude, longitude, places), _variables(query, "daily", DAILY)
    if daily and "timezone" not in query:
        raise Refused("Timezone is required")
    zone, unit, current = _zone(query, entry), _unit(query), _variables(query, "current", CURRENT)
    return Asked(entry, latitude, longitude, zone, unit, _days(query), current, daily)


def _degrees(query: Mapping[str, str], name: str, most: int) -> float:
    if name not in query:
        raise Refused("Parameter 'latitude' and 'longitude' must have the same number of elements")
    try:
        value = float(query[name])
    except ValueError:
        raise Refused(f"Data corrupted at path ''. Cannot convert '{query[name]}' to Float.") from None
    if not -most <= value <= most:
        raise Refused(f"{name.capitalize()} must be in range of -{most} to {most}°. Given: {value}.")
    return value


def _variables(query: Mapping[str, str], section: str, known: tuple[str, ...]) -> tuple[str, ...]:
    asked = tuple(query[section].split(",")) if section in query else ()
    for name in asked:
        if name not in known:
            raise Refused(f"Cannot initialize WeatherVariable from invalid String value {name} for key {section}")
    return asked


def _zone(query: Mapping[str, str], entry: Entry) -> ZoneInfo:
    name = query.get("timezone", "GMT")
    try:
        return ZoneInfo(entry.timezone if name == "auto" else name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused("Invalid timezone") from None


def _unit(query: Mapping[str, str]) -> str:
    unit = query.get("temperature_unit", "celsius")
    if unit not in UNITS:
        raise Refused(f"Cannot initialize TemperatureUnit from invalid String value {unit} for key temperature_unit")
    return unit


def _days(query: Mapping[str, str]) -> int:
    text = query.get("forecast_days", str(USUAL_DAYS))
    if not text.isdigit() or int(text) > MOST_DAYS:
        raise Refused(f"Forecast days is invalid. Allowed range 0 to {MOST_DAYS}. Given {text}.")
    return int(text)


def forecast(asked: Asked, weather: Weather, now: float) -> dict[str, Any]:
    """The body of the answer. `now` is in Unix seconds."""
    moment = datetime.fromtimestamp(now, asked.zone)
    offset = moment.utcoffset() or timedelta()
    body: dict[str, Any] = {
        "latitude": round(asked.latitude, 2),
        "longitude": round(asked.longitude, 2),
        "generationtime_ms": 0.1,
        "utc_offset_seconds": int(offset.total_seconds()),
        "timezone": asked.zone.key,
        "timezone_abbreviation": moment.tzname(),
        "elevation": 10.0,
    }
    if asked.current:
        body |= _current(asked, weather, moment)
    if asked.daily:
        body |= _daily(asked, weather, moment)
    return body


def _current(asked: Asked, weather: Weather, moment: datetime) -> dict[str, Any]:
    quarter = moment.replace(minute=moment.minute // 15 * 15, tzinfo=None)
    return {
        "current_units": {"time": "iso8601", "interval": "seconds", "temperature_2m": UNITS[asked.unit]},
        "current": {
            "time": quarter.isoformat(timespec="minutes"),
            "interval": 900,
            "temperature_2m": _degrees_in(asked.unit, weather.temperature),
        },
    }


def _daily(asked: Asked, weather: Weather, moment: datetime) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {
        "weather_code": [weather.code] * asked.days,
        "temperature_2m_min": [_degrees_in(asked.unit, weather.low, day) for day in range(asked.days)],
        "temperature_2m_max": [_degrees_in(asked.unit, weather.high, day) for day in range(asked.days)],
        "precipitation_probability_max": [_rain(weather.rain, day) for day in range(asked.days)],
    }
    units = {"weather_code": "wmo code", "precipitation_probability_max": "%"}
    dates = [(moment + timedelta(days=day)).date().isoformat() for day in range(asked.days)]
    return {
        "daily_units": {"time": "iso8601"} | {name: units.get(name, UNITS[asked.unit]) for name in asked.daily},
        "daily": {"time": dates} | {name: columns[name] for name in asked.daily},
    }


def _degrees_in(unit: str, celsius: float | None, warmer: int = 0) -> float | None:
    if celsius is None:
        return None
    degrees = celsius + warmer
    return round(degrees * 9 / 5 + 32 if unit == "fahrenheit" else degrees, 1)


def _rain(today: int | None, day: int) -> int | None:
    return None if today is None else min(100, today + 10 * day)
