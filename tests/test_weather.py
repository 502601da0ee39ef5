"""The weather tools against a fake Open-Meteo, over real sockets: values, units, faults, shared requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.simulators.open_meteo import FORECAST, SEARCH
from tests.tool_context import Bench, open_bench
from tools.weather import CONDITIONS

TOOLS = ("get_current_temperature", "get_rain_probability", "get_forecast")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_bench() as opened:
        yield opened


async def test_the_temperature_is_exact_to_a_tenth_and_names_its_place(bench: Bench) -> None:
    bench.fake.weather("San Francisco", temperature=18.34)
    assert await bench.ask("get_current_temperature", location="San Francisco, CA") == {
        "location": "San Francisco, California, United States",
        "temperature": 18.3,
        "unit": "Celsius",
    }


async def test_the_temperature_comes_in_fahrenheit_where_asked_for(bench: Bench) -> None:
    bench.fake.weather("San Francisco", temperature=18.34)
    answer = await bench.ask("get_current_temperature", location="San Francisco", unit="Fahrenheit")
    assert (answer["temperature"], answer["unit"]) == (65.0, "Fahrenheit")


async def test_just_below_zero_is_no_negative_zero(bench: Bench) -> None:
    bench.fake.weather("Tokyo", temperature=-0.04)
    result = await bench.run("get_current_temperature", location="Tokyo")
    assert '"temperature":0.0' in result.output


async def test_the_weather_is_that_of_the_place_which_is_named(bench: Bench) -> None:
    bench.fake.weather("Paris, Texas", temperature=35.0)
    bench.fake.weather("Paris, Île-de-France", temperature=20.0)
    texas, france = [await bench.ask("get_current_temperature", location=name) for name in ("Paris, TX", "Paris")]
    assert (texas["temperature"], france["temperature"]) == (35.0, 20.0)


async def test_the_rain_probability_is_the_greatest_of_today_in_percent(bench: Bench) -> None:
    bench.fake.weather("London, England", rain=40)
    assert await bench.ask("get_rain_probability", location="London, UK") == {
        "location": "London, England, United Kingdom",
        "rain_probability": 40,
        "unit": "percent",
    }


async def test_a_forecast_goes_day_by_day_from_today(bench: Bench) -> None:
    bench.fake.weather("Munich", low=9.96, high=21.0, code=61, rain=85)
    assert await bench.ask("get_forecast", location="Munich", days=2) == {
        "location": "Munich, Bavaria, Germany",
        "unit": "Celsius",
        "days": [
            {"date": "2026-06-15", "condition": "slight rain", "min": 10.0, "max": 21.0, "rain_probability": 85},
            {"date": "2026-06-16", "condition": "slight rain", "min": 11.0, "max": 22.0, "rain_probability": 95},
        ],
    }


async def test_a_forecast_begins_with_the_day_that_it_is_at_the_place(bench: Bench) -> None:
    answer = await bench.ask("get_forecast", location="Cambridge, New Zealand", days=1)
    assert [day["date"] for day in answer["days"]] == ["2026-06-16"]


@pytest.mark.parametrize(("days", "count"), [({}, 3), ({"days": 16}, 16)])
async def test_a_forecast_has_three_days_or_as_many_as_asked_for(
    bench: Bench, days: dict[str, int], count: int
) -> None:
    assert len((await bench.ask("get_forecast", location="Tokyo", **days))["days"]) == count


async def test_a_forecast_comes_in_fahrenheit_where_asked_for(bench: Bench) -> None:
    bench.fake.weather("Tokyo", low=0.0, high=10.0)
    answer = await bench.ask("get_forecast", location="Tokyo", days=1, unit="Fahrenheit")
    assert (answer["unit"], answer["days"][0]["min"], answer["days"][0]["max"]) == ("Fahrenheit", 32.0, 50.0)


async def test_a_value_that_is_not_forecast_yet_is_null(bench: Bench) -> None:
    bench.fake.weather("Tokyo", rain=None, code=None)
    [day] = (await bench.ask("get_forecast", location="Tokyo", days=1))["days"]
    assert (day["condition"], day["rain_probability"]) == (None, None)


async def test_a_frosty_forecast_of_zero_degrees_is_no_missing_one(bench: Bench) -> None:
    bench.fake.weather("Tokyo", low=-3.0, high=0.0)
    [day] = (await bench.ask("get_forecast", location="Tokyo", days=1))["days"]
    assert day["max"] == 0.0


async def test_a_code_that_is_not_known_is_given_as_it_is(bench: Bench) -> None:
    assert 42 not in CONDITIONS
    bench.fake.weather("Tokyo", code=42)
    [day] = (await bench.ask("get_forecast", location="Tokyo", days=1))["days"]
    assert day["condition"] == "WMO code 42"


@pytest.mark.parametrize("days", [0, 17])
async def test_more_days_than_open_meteo_has_are_refused_without_asking_it(bench: Bench, days: int) -> None:
    assert "days: Input should be" in await bench.error("get_forecast", location="Tokyo", days=days)
    assert bench.fake.requests == []


async def test_a_base_url_may_have_a_path_and_a_slash_at_its_end(bench: Bench) -> None:
    settings = {"OPEN_METEO_URL": f"{bench.fake.url}/", "OPEN_METEO_GEOCODING_URL": f"{bench.fake.url}/proxy/"}
    moved = replace(bench, context=replace(bench.context, settings=settings))
    assert await moved.error("get_rain_probability", location="Tokyo") == "Open-Meteo refused the request (HTTP 404)."
    straight = replace(bench, context=replace(bench.context, settings=dict.fromkeys(settings, f"{bench.fake.url}/")))
    assert (await straight.ask("get_rain_probability", location="Tokyo"))["location"] == "Tokyo, Japan"


@pytest.mark.parametrize("name", TOOLS)
async def test_an_unknown_place_becomes_an_error_output(bench: Bench, name: str) -> None:
    assert (await bench.error(name, location="Atlantis")).startswith("No place called 'Atlantis' was found.")


@pytest.mark.parametrize("path", [SEARCH, FORECAST])
@pytest.mark.parametrize("name", TOOLS)
async def test_a_refusal_is_passed_on_with_its_reason(bench: Bench, name: str, path: str) -> None:
    bench.fake.refuse_next(400, "Latitude must be in range of -90 to 90°. Given: 99.0.", path=path)
    expected = "Open-Meteo refused the request (HTTP 400): Latitude must be in range of -90 to 90°. Given: 99.0."
    assert await bench.error(name, location="Tokyo") == expected


@pytest.mark.parametrize("path", [SEARCH, FORECAST])
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (400, "Open-Meteo refused the request (HTTP 400)."),
        (302, "Open-Meteo refused the request (HTTP 302)."),
        (429, "Open-Meteo takes no more requests for now (HTTP 429). Try again later."),
        (500, "Open-Meteo is out of order (HTTP 500). Try again later."),
        (503, "Open-Meteo is out of order (HTTP 503). Try again later."),
    ],
)
async def test_an_http_error_becomes_a_sentence(bench: Bench, path: str, status: int, sentence: str) -> None:
    bench.fake.answer_next(status, b"<html>", path=path)
    assert await bench.error("get_current_temperature", location="Tokyo") == sentence


BROKEN = [b"", b"<html>", b"null", b"[]", b'{"results": [{}]}', b'{"results": null}', b'{"results": [{"name": null}]}']


@pytest.mark.parametrize("body", BROKEN)
async def test_a_broken_geocoding_answer_becomes_a_sentence(bench: Bench, body: bytes) -> None:
    bench.fake.answer_next(200, body, path=SEARCH)
    expected = "Open-Meteo's answer could not be understood. Try again later."
    assert await bench.error("get_current_temperature", location="Tokyo") == expected


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"current": {}, "daily": {}}'])
async def test_a_broken_forecast_becomes_a_sentence(bench: Bench, name: str, body: bytes) -> None:
    bench.fake.answer_next(200, body, path=FORECAST)
    expected = "Open-Meteo's answer could not be understood. Try again later."
    assert await bench.error(name, location="Tokyo") == expected


async def test_a_missing_temperature_becomes_a_sentence(bench: Bench) -> None:
    bench.fake.weather("Tokyo", temperature=None)
    expected = "Open-Meteo's answer could not be understood. Try again later."
    assert await bench.error("get_current_temperature", location="Tokyo") == expected


async def test_a_missing_rain_probability_becomes_a_sentence(bench: Bench) -> None:
    bench.fake.weather("Tokyo", rain=None)
    expected = "Open-Meteo's answer could not be understood. Try again later."
    assert await bench.error("get_rain_probability", location="Tokyo") == expected


async def test_a_forecast_without_temperatures_becomes_a_sentence(bench: Bench) -> None:
    bench.fake.weather("Tokyo", high=None)
    expected = "Open-Meteo's forecast is incomplete. Try again later."
    assert await bench.error("get_forecast", location="Tokyo") == expected


async def test_a_forecast_of_fewer_days_than_asked_for_becomes_a_sentence(bench: Bench) -> None:
    names = ("weather_code", "temperature_2m_min", "temperature_2m_max", "precipitation_probability_max")
    body = {"daily": {"time": ["2026-06-15"]} | {name: [1] for name in names}}
    bench.fake.answer_next(200, json.dumps(body).encode(), path=FORECAST)
    expected = "Open-Meteo's forecast is incomplete. Try again later."
    assert await bench.error("get_forecast", location="Tokyo", days=2) == expected


@pytest.mark.parametrize("path", [SEARCH, FORECAST])
async def test_a_connection_that_is_cut_becomes_a_sentence(bench: Bench, path: str) -> None:
    bench.fake.cut_next(path=path)
    expected = "Open-Meteo could not be reached. Try again later."
    assert await bench.error("get_current_temperature", location="Tokyo") == expected


@pytest.mark.parametrize("path", [SEARCH, FORECAST])
async def test_an_answer_that_does_not_come_becomes_a_sentence(path: str) -> None:
    async with open_bench(timeout=0.1) as bench:
        bench.fake.hold(path)
        expected = "Open-Meteo did not answer in time. Try again later."
        assert await bench.error("get_current_temperature", location="Tokyo") == expected


async def test_identical_requests_in_flight_are_shared(bench: Bench) -> None:
    gate = bench.fake.hold(SEARCH)
    calls = [asyncio.create_task(bench.ask("get_current_temperature", location="Tokyo")) for _ in range(5)]
    await gate.reached(1)
    gate.open()
    answers = await asyncio.gather(*calls)
    assert answers == [answers[0]] * 5
    assert (bench.fake.count(SEARCH), bench.fake.count(FORECAST)) == (1, 1)


async def test_requests_for_different_places_are_in_flight_at_once(bench: Bench) -> None:
    gate = bench.fake.hold(SEARCH)
    names = ("Tokyo", "Paris", "Dubai")
    calls = [asyncio.create_task(bench.ask("get_current_temperature", location=name)) for name in names]
    await gate.reached(3)
    gate.open()
    assert [answer["location"].split(",")[0] for answer in await asyncio.gather(*calls)] == list(names)


async def test_an_answer_is_asked_for_anew_once_it_came(bench: Bench) -> None:
    bench.fake.weather("Tokyo", temperature=20.0)
    await bench.ask("get_current_temperature", location="Tokyo")
    bench.fake.weather("Tokyo", temperature=21.0)
    assert (await bench.ask("get_current_temperature", location="Tokyo"))["temperature"] == 21.0


async def test_a_cancelled_call_leaves_the_shared_request_to_the_others(bench: Bench) -> None:
    gate = bench.fake.hold(FORECAST)
    leaver, stayer = (asyncio.create_task(bench.ask("get_rain_probability", location="Tokyo")) for _ in range(2))
    await gate.reached(1)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    gate.open()
    assert (await stayer)["location"] == "Tokyo, Japan"
    assert (bench.fake.count(FORECAST), gate.left) == (1, 0)


async def test_the_last_cancelled_call_hangs_up_on_open_meteo(bench: Bench) -> None:
    gate = bench.fake.hold(FORECAST)
    call = asyncio.create_task(bench.ask("get_rain_probability", location="Tokyo"))
    await gate.reached(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await gate.abandoned(1)
    assert (gate.waiting, gate.left) == (0, 1)
