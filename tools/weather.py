"""The weather of a place, now and in the next days, from Open-Meteo.

Its forecast API gives temperatures in the unit asked for, rain as the greatest probability of the day in percent,
and the sky as a WMO code. Days are those of the place itself (`timezone=auto`).
https://open-meteo.com/en/docs
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat

from tools.open_meteo import FORECAST, Answer, ask
from tools.places import Place, find
from tools.registry import ToolError, tool

Location = Annotated[
    str,
    Field(description="A place by its English name, and its state or country if there may be several: 'Paris, Texas'."),
]
Unit = Annotated[Literal["Celsius", "Fahrenheit"], Field(description="The unit of temperatures.")]
Days = Annotated[int, Field(ge=1, le=16, description="How many days, beginning with today at the place.")]

# https://open-meteo.com/en/docs#weather_variable_documentation (WMO weather interpretation codes)
CONDITIONS = {
    0: "clear sky",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "depositing rime fog",
    51: "light drizzle",
    53: "moderate drizzle",
    55: "dense drizzle",
    56: "light freezing drizzle",
    57: "dense freezing drizzle",
    61: "slight rain",
    63: "moderate rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "heavy freezing rain",
    71: "slight snowfall",
    73: "moderate snowfall",
    75: "heavy snowfall",
    77: "snow grains",
    80: "slight rain showers",
    81: "moderate rain showers",
    82: "violent rain showers",
    85: "slight snow showers",
    86: "heavy snow showers",
    95: "thunderstorm",
    96: "thunderstorm with slight hail",
    99: "thunderstorm with heavy hail",
}


class _Current(BaseModel):
    temperature_2m: FiniteFloat


class _Now(BaseModel):
    current: _Current


class _Rain(BaseModel):
    precipitation_probability_max: Annotated[list[FiniteFloat], Field(min_length=1)]


class _Today(BaseModel):
    daily: _Rain


class _Days(BaseModel):
    """One list a variable, one element a day. The last days of a long forecast may lack values."""

    time: list[str]
    weather_code: list[int | None]
    temperature_2m_min: list[FiniteFloat | None]
    temperature_2m_max: list[FiniteFloat | None]
    precipitation_probability_max: list[FiniteFloat | None]


class _Forecast(BaseModel):
    daily: _Days


@tool
async def get_current_temperature(location: Location, unit: Unit = "Celsius") -> dict[str, Any]:
    """The air temperature at a place right now. The answer names the place that was taken."""
    place = await find(location)
    answer = await _ask(place, _Now, current="temperature_2m", temperature_unit=unit.lower(), forecast_days="1")
    return {"location": place.label, "temperature": _tenths(answer.current.temperature_2m), "unit": unit}


@tool
async def get_rain_probability(location: Location) -> dict[str, Any]:
    """The greatest probability of rain at a place today, in percent. The answer names the place that was taken."""
    place = await find(location)
    answer = await _ask(place, _Today, daily="precipitation_probability_max", forecast_days="1")
    return {
        "location": place.label,
        "rain_probability": _whole(answer.daily.precipitation_probability_max[0]),
        "unit": "percent",
    }


@tool
async def get_forecast(location: Location, days: Days = 3, unit: Unit = "Celsius") -> dict[str, Any]:
    """The weather at a place day by day: sky, lowest and highest temperature, rain probability in percent.

    Today comes first. The answer names the place that was taken; a null is a value that is not forecast yet.
    """
    place = await find(location)
    answer = await _ask(
        place,
        _Forecast,
        daily="weather_code,temperature_2m_min,temperature_2m_max,precipitation_probability_max",
        temperature_unit=unit.lower(),
        forecast_days=str(days),
    )
    return {"location": place.label, "unit": unit, "days": _by_day(answer.daily, days)}


async def _ask(place: Place, answer: type[Answer], **variables: str) -> Answer:
    where = {"latitude": str(place.latitude), "longitude": str(place.longitude), "timezone": "auto"}
    return await ask(FORECAST, where | variables, answer)


def _by_day(forecast: _Days, days: int) -> list[dict[str, Any]]:
    columns = (
        forecast.time,
        forecast.weather_code,
        forecast.temperature_2m_min,
        forecast.temperature_2m_max,
        forecast.precipitation_probability_max,
    )
    without_values = all(high is None for high in forecast.temperature_2m_max)
    if without_values or any(len(column) != days for column in columns):
        raise ToolError("Open-Meteo's forecast is incomplete. Try again later.")
    return [_day(*row) for row in zip(*columns, strict=True)]


def _day(date: str, code: int | None, low: float | None, high: float | None, rain: float | None) -> dict[str, Any]:
    return {
        "date": date,
        "condition": None if code is None else CONDITIONS.get(code, f"WMO code {code}"),
        "min": None if low is None else _tenths(low),
        "max": None if high is None else _tenths(high),
        "rain_probability": None if rain is None else _whole(rain),
    }


def _tenths(value: float) -> float:
    return round(value, 1) + 0.0  # adding zero makes -0.0 a plain 0.0


def _whole(percent: float) -> int:
    return round(percent)
