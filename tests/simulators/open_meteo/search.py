"""`GET /v1/search`: finds places by the beginning of a bare name, and by nothing after it.

One letter finds nothing, two find only what is called just so, three and more what begins so; case and accents do
not count. At most 100 results. Empty fields are left out, `results` too, and the number 0 is empty.
https://open-meteo.com/en/docs/geocoding-api
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulators.open_meteo.gazetteer import COUNTRIES, PLACES, TRANSLATIONS, Entry
from tests.simulators.open_meteo.refusal import Refused

MOST_RESULTS = 100


def search(query: Mapping[str, str], places: Sequence[Entry] = PLACES) -> dict[str, Any]:
    """The body of the answer. Raises `Refused`."""
    if "name" not in query:
        raise Refused("Value of type 'String' required for key 'name'.")
    count, language = _count(query.get("count", "10")), query.get("language", "en")
    ranked = _ranked(query["name"], language, places)[:count]
    found = [_result(entry, language, 1 + places.index(entry)) for entry in ranked]
    return ({"results": found} if found else {}) | {"generationtime_ms": 0.5}


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Refused("Value was not of type 'Int' for key 'count'.")
    if not 1 <= int(text) <= MOST_RESULTS:
        raise Refused(f"Parameter count must be between 1 and {MOST_RESULTS}.")
    return int(text)


def _ranked(name: str, language: str, places: Sequence[Entry]) -> list[Entry]:
    """By likeness of the name and by population, as the geocoder weighs them: a whole name is worth a big city."""
    ranks = [(_likeness(_plain(name), entry, language), entry) for entry in places]
    found = [(likeness + _weight(entry), entry) for likeness, entry in ranks if likeness]
    return [entry for _, entry in sorted(found, key=lambda ranked: -ranked[0])]


def _likeness(asked: str, entry: Entry, language: str) -> float:
    names = map(_plain, (entry.name, *entry.aliases, entry.names.get(language, entry.name)))
    return max(_likeness_of(asked, name) for name in names)


def _likeness_of(asked: str, name: str) -> float:
    if len(asked) < 2 or not name.startswith(asked) or (len(asked) == 2 and name != asked):
        return 0.0
    return 1.5 / (1 + len(name) - len(asked))


def _weight(entry: Entry) -> float:
    return entry.population / (entry.population + 200_000)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()


def _result(entry: Entry, language: str, id_: int) -> dict[str, Any]:
    country = COUNTRIES[entry.country_code]
    fields = {
        "id": id_,
        "name": entry.names.get(language, entry.name),
        "latitude": entry.latitude,
        "longitude": entry.longitude,
        "feature_code": "PPL",
        "country_code": entry.country_code,
        "timezone": entry.timezone,
        "population": entry.population,
        "country": TRANSLATIONS.get((language, country), country),
        "admin1": TRANSLATIONS.get((language, entry.admin1), entry.admin1),
        "admin2": entry.admin2,
    }
    return {name: value for name, value in fields.items() if value}
