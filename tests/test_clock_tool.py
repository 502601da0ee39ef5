"""The time somewhere, asked for by place, by time zone or by offset. It is Monday noon in UTC."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.tool_context import Bench, open_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_bench() as opened:
        yield opened


@pytest.mark.parametrize(
    ("asked", "zone", "time"),
    [
        ("Europe/Berlin", "Europe/Berlin", "2026-06-15T14:00:00+02:00"),
        ("europe/berlin", "Europe/Berlin", "2026-06-15T14:00:00+02:00"),
        ("America/New York", "America/New_York", "2026-06-15T08:00:00-04:00"),
        ("UTC", "UTC", "2026-06-15T12:00:00+00:00"),
        ("utc", "UTC", "2026-06-15T12:00:00+00:00"),
        ("UTC+2", "UTC+02:00", "2026-06-15T14:00:00+02:00"),
        ("GMT -3:30", "UTC-03:30", "2026-06-15T08:30:00-03:30"),
        ("+0545", "UTC+05:45", "2026-06-15T17:45:00+05:45"),
        ("UTC−11", "UTC-11:00", "2026-06-15T01:00:00-11:00"),
    ],
)
async def test_a_time_zone_or_offset_needs_no_place(bench: Bench, asked: str, zone: str, time: str) -> None:
    expected = {"timezone": zone, "time": time, "weekday": "Monday"}
    assert await bench.ask("get_current_time", place_or_timezone=asked) == expected
    assert bench.fake.requests == []


async def test_a_place_has_the_time_of_its_zone(bench: Bench) -> None:
    assert await bench.ask("get_current_time", place_or_timezone="Cambridge, New Zealand") == {
        "location": "Cambridge, Waikato, New Zealand",
        "timezone": "Pacific/Auckland",
        "time": "2026-06-16T00:00:00+12:00",
        "weekday": "Tuesday",
    }


async def test_an_offset_that_no_clock_has_is_an_error(bench: Bench) -> None:
    error = await bench.error("get_current_time", place_or_timezone="UTC+25")
    assert error == "There is no time zone UTC+25: offsets go up to 14 hours."


async def test_an_unknown_place_is_an_error(bench: Bench) -> None:
    error = await bench.error("get_current_time", place_or_timezone="Atlantis")
    assert error.startswith("No place called 'Atlantis' was found.")


@pytest.mark.parametrize("zone", [b"", b', "timezone": "Mars/Olympus"', b', "timezone": "../secret"'])
async def test_a_place_whose_zone_is_not_known_is_an_error(bench: Bench, zone: bytes) -> None:
    bench.fake.answer_next(200, b'{"results": [{"name": "Camp", "latitude": 1, "longitude": 2' + zone + b"}]}")
    error = await bench.error("get_current_time", place_or_timezone="Camp")
    assert error == "The time zone of Camp is not known. Ask with one like 'Europe/Berlin'."
