"""Locations as people write them become the place that they mean, or a sentence that says what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.simulators.open_meteo import SEARCH
from tests.tool_context import Bench, open_bench
from tools.context import current
from tools.places import MOST_REQUESTS, Place, find
from tools.registry import ToolError


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_bench() as opened:
        yield opened


async def found(bench: Bench, location: str) -> Place:
    current.set(bench.context)
    return await find(location)


async def refusal(bench: Bench, location: str) -> str:
    with pytest.raises(ToolError) as raised:
        await found(bench, location)
    return str(raised.value)


WRITTEN = {
    "San Francisco, CA": "San Francisco, California, United States",
    "san francisco": "San Francisco, California, United States",
    "San Francisco, CA 94103": "San Francisco, California, United States",
    "San Francisco California USA": "San Francisco, California, United States",
    "Springfield, Illinois": "Springfield, Illinois, United States",
    "Springfield, IL": "Springfield, Illinois, United States",
    "Springfield (Vermont)": "Springfield, Vermont, United States",
    "Springfield, Sangamon County": "Springfield, Illinois, United States",
    "Springfield": "Springfield, Missouri, United States",
    "München": "München, Bayern, Deutschland",
    "München, Germany": "München, Bayern, Deutschland",
    "Munich, Deutschland": "Munich, Bavaria, Germany",
    "Warszawa, Poland": "Warszawa, Masovian Voivodeship, Polska",
    "東京": "東京, 東京都, 日本",
    "Paris, Texas": "Paris, Texas, United States",
    "Paris, TX, USA": "Paris, Texas, United States",
    "Paris Texas": "Paris, Texas, United States",
    "Paris, France": "Paris, Île-de-France, France",
    "Paris, Ont.": "Paris, Ontario, Canada",
    "Paris": "Paris, Île-de-France, France",
    "London, UK": "London, England, United Kingdom",
    "London, G.B.": "London, England, United Kingdom",
    "London, ON": "London, Ontario, Canada",
    "London, Canada": "London, Ontario, Canada",
    "Portland OR": "Portland, Oregon, United States",
    "Portland, ME": "Portland, Maine, United States",
    "Portland, Vic, Australia": "Portland, Victoria, Australia",
    "Frankfurt am Main, Germany": "Frankfurt am Main, Hesse, Germany",
    "Frankfurt, Germany": "Frankfurt am Main, Hesse, Germany",
    "Frankfurt (Oder)": "Frankfurt (Oder), Brandenburg, Germany",
    "Washington, D.C.": "Washington, District of Columbia, United States",
    "Washington, D. C.": "Washington, District of Columbia, United States",
    "Washington DC": "Washington, District of Columbia, United States",
    "Cambridge, MA, USA": "Cambridge, Massachusetts, United States",
    "Cambridge, MA USA": "Cambridge, Massachusetts, United States",
    "Cambridge, New Zealand": "Cambridge, Waikato, New Zealand",
    "Birmingham, England": "Birmingham, England, United Kingdom",
    "Birmingham, AL": "Birmingham, Alabama, United States",
    "St. John's, Newfoundland": "St. John's, Newfoundland and Labrador, Canada",
    "St. John’s, NL": "St. John's, Newfoundland and Labrador, Canada",
    "São Paulo, Brasil": "São Paulo, Brazil",
    "Sao Paulo": "São Paulo, Brazil",
    "Perth, WA": "Perth, Western Australia, Australia",
    "Perth, Scotland": "Perth, Scotland, United Kingdom",
    "Athens, Georgia": "Athens, Georgia, United States",
    "Dubai, UAE": "Dubai, United Arab Emirates",
    "New York, NY": "New York, United States",
    "NYC": "New York, United States",
    "Singapore": "Singapore",
    "the Singapore": "Singapore",
    "Tokyo City": "Tokyo, Japan",
    "  mumbai ,  india ": "Mumbai, Maharashtra, India",
}


@pytest.mark.parametrize(("location", "label"), WRITTEN.items())
async def test_a_location_becomes_the_place_that_people_mean(bench: Bench, location: str, label: str) -> None:
    assert (await found(bench, location)).label == label
    assert bench.fake.count(SEARCH) <= MOST_REQUESTS


async def test_a_place_has_its_coordinates_and_its_time_zone(bench: Bench) -> None:
    expected = Place("Paris", "Texas", "United States", 33.66094, -95.55551, "America/Chicago")
    assert await found(bench, "Paris, TX") == expected


async def test_a_coordinate_of_zero_that_the_geocoder_leaves_out_is_zero(bench: Bench) -> None:
    assert (await found(bench, "Greenwich, England")).longitude == 0.0


async def test_a_bare_name_takes_one_request(bench: Bench) -> None:
    await found(bench, "Paris")
    assert [asked.params["name"] for asked in bench.fake.requests] == ["Paris"]


async def test_a_qualified_name_is_looked_for_far_down_the_list(bench: Bench) -> None:
    await found(bench, "Springfield, Minnesota")
    assert [asked.params["count"] for asked in bench.fake.requests] == ["100"]


async def test_qualifiers_that_fit_nothing_name_the_places_that_there_are(bench: Bench) -> None:
    assert await refusal(bench, "Cambridge, Xanadu") == (
        "No 'Cambridge' in 'xanadu' was found. Places of such a name: Cambridge, England, United Kingdom; "
        "Cambridge, Ontario, Canada; Cambridge, Massachusetts, United States; Cambridge, Waikato, New Zealand. "
        "Ask for one of them."
    )


async def test_at_most_five_places_are_named(bench: Bench) -> None:
    assert (await refusal(bench, "Springfield, Narnia")).count("Springfield, ") == 5


async def test_a_name_that_only_begins_the_same_does_not_fit(bench: Bench) -> None:
    assert "No 'London' in 'northern ireland' was found" in await refusal(bench, "London, Northern Ireland")


async def test_an_unknown_place_is_said_to_be_unknown(bench: Bench) -> None:
    expected = "No place called 'Atlantis' was found. Try its English name, or a larger place nearby."
    assert await refusal(bench, "Atlantis") == expected


async def test_a_long_unknown_name_takes_no_more_than_three_requests(bench: Bench) -> None:
    await refusal(bench, "the lost city of Atlantis beyond the sea, Greece")
    assert bench.fake.count(SEARCH) == MOST_REQUESTS


@pytest.mark.parametrize("location", ["", "  ", ", ,", "?!", "x" * 201])
async def test_what_cannot_be_a_name_is_not_asked_for(bench: Bench, location: str) -> None:
    assert (await refusal(bench, location)).startswith("Give the name of a place")
    assert bench.fake.requests == []


async def test_a_place_without_coordinates_is_an_error(bench: Bench) -> None:
    bench.fake.answer_next(200, b'{"results": [{"name": "Nowhere"}]}')
    assert await refusal(bench, "Nowhere") == "Open-Meteo knows Nowhere but not where it is."
