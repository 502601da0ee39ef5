"""Finds the place that people mean by "San Francisco, CA", "Paris, Texas" or "München".

Open-Meteo's geocoder wants the bare name, so the qualifiers after it are split off, and the places of that name are
judged by them. Names are as the geocoder gives them, in English or in the language of the name that was asked for.
https://open-meteo.com/en/docs/geocoding-api
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pydantic import BaseModel

from tools.languages import language_in, languages_of
from tools.open_meteo import SEARCH, ask
from tools.regions import Region, fold, meanings
from tools.registry import ToolError

MOST_REQUESTS = 3
LONGEST_LOCATION = 200
MOST_NAMED = 5

_MANY, _FEW = "100", "10"  # 100 is the most that the geocoder gives; a qualified name may be far down the list
_LEADING = re.compile(r"^(the|city of|downtown|central|greater|near)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the map. Coordinates are WGS 84 degrees; `timezone` is an IANA name, where the geocoder has one."""

    name: str
    admin1: str
    country: str
    latitude: float
    longitude: float
    timezone: str | None

    @property
    def label(self) -> str:
        """`San Francisco, California, United States`; `Singapore`."""
        parts = [part for part in (self.name, self.admin1, self.country) if part]
        return ", ".join(part for at, part in enumerate(parts) if part not in parts[:at][-1:])


class _Found(BaseModel):
    """The geocoder leaves out what is empty, and the number 0 counts as empty."""

    name: str
    latitude: float = 0.0
    longitude: float = 0.0
    timezone: str | None = None
    country: str | None = None
    country_code: str | None = None
    admin1: str | None = None
    admin2: str | None = None
    admin3: str | None = None
    admin4: str | None = None

    def place(self) -> Place:
        if not self.model_fields_set & {"latitude", "longitude"}:
            raise ToolError(f"Open-Meteo knows {self.name} but not where it is.")
        country = self.country or self.country_code or ""
        return Place(self.name, self.admin1 or "", country, self.latitude, self.longitude, self.timezone or None)


class _Answer(BaseModel):
    results: list[_Found] = []


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request: a bare name, what the place has to fit (folded), and the language of the name."""

    name: str
    qualifiers: tuple[str, ...]
    language: str
    guessed: bool = False
    """The qualifiers were split off without a comma, and may belong to the name after all."""


async def find(location: str) -> Place:
    """The place meant by `location`, with at most three requests.

    Raises `ToolError` where nothing is found, or nothing that fits the qualifiers; it then names what there is.
    """
    first, *others = _attempts(location)
    seen: list[_Found] = []
    for attempt in islice([first, *others], MOST_REQUESTS):
        if attempt.guessed and seen:
            break
        found = await _search(attempt)
        if fitting := _best(found, attempt):
            return fitting.place()
        seen = seen or found
    raise ToolError(_not_found(first, seen))


async def _search(attempt: _Attempt) -> list[_Found]:
    count = _MANY if attempt.qualifiers else _FEW
    params = {"name": attempt.name, "count": count, "language": attempt.language, "format": "json"}
    return (await ask(SEARCH, params, _Answer)).results


def _attempts(location: str) -> Iterator[_Attempt]:
    """What to ask, the likeliest first. Raises `ToolError` for a location that cannot be asked for at all."""
    parts = [" ".join(part.replace("’", "'").split()) for part in re.split(r"[,;，、()]", location)]
    name, *rest = [part for part in parts if part] or [""]
    if not fold(name) or len(location) > LONGEST_LOCATION:
        raise ToolError("Give the name of a place, such as 'Paris' or 'Springfield, Illinois'.")
    qualifiers = tuple(folded for folded in map(_qualifier, rest) if folded)
    for language in dict.fromkeys([*languages_of(name), *_languages_there(qualifiers)]):
        yield _Attempt(name, qualifiers, language)
    yield from _other_readings(name, qualifiers)


def _other_readings(name: str, qualifiers: tuple[str, ...]) -> Iterator[_Attempt]:
    """Without a leading "the", and with the last one or two words as a qualifier: "Portland OR"."""
    bare = _LEADING.sub("", name)
    if bare != name:
        yield _Attempt(bare, qualifiers, languages_of(bare)[0], guessed=True)
    words = bare.split()
    for cut in range(len(words) - 1, max(len(words) - 3, 0), -1):
        head, tail = " ".join(words[:cut]), _qualifier(" ".join(words[cut:]))
        yield _Attempt(head, (tail, *qualifiers) if tail else qualifiers, languages_of(head)[0], guessed=True)


def _qualifier(text: str) -> str:
    """Folded, and without what has a digit in it: "CA 94103" is "ca"."""
    return fold(" ".join(word for word in text.split() if not re.search(r"\d", word)))


def _languages_there(qualifiers: tuple[str, ...]) -> list[str]:
    countries = [region.country_code for qualifier in qualifiers for region in meanings(qualifier)]
    return [language for language in map(language_in, countries) if language]


def _best(found: list[_Found], attempt: _Attempt) -> _Found | None:
    """The one that fits best; among equals the first, since the geocoder ranks by likeness and population."""
    if not attempt.qualifiers:
        return next(iter(found), None)
    scores = [(_score(candidate, attempt), candidate) for candidate in found]
    best, candidate = max(scores, key=lambda scored: scored[0], default=(0, None))
    return candidate if best else None


def _score(candidate: _Found, attempt: _Attempt) -> int:
    """0 where a qualifier does not fit, or where the name only begins the same: "Cambridgeport"."""
    name, asked = fold(candidate.name), fold(attempt.name)
    if name.startswith(asked) and not f"{name} ".startswith(f"{asked} "):
        return 0
    rest = name.removeprefix(asked).strip()  # "oder", where "Frankfurt (Oder)" was asked for
    fits = [_fit(candidate, rest, tuple(qualifier.split())) for qualifier in attempt.qualifiers]
    return sum(fits) if all(fits) else 0


def _fit(candidate: _Found, rest: str, words: tuple[str, ...]) -> int:
    """How well the words fit, together or one part after the other: "MA USA" is a state and a country."""
    whole = _fit_of(candidate, rest, " ".join(words))
    halves = (min(_fit(candidate, rest, part) for part in (words[:cut], words[cut:])) for cut in range(1, len(words)))
    return max([whole, *halves])


def _fit_of(candidate: _Found, rest: str, qualifier: str) -> int:
    admin1, country = fold(candidate.admin1 or ""), fold(candidate.country or "")
    code = (candidate.country_code or "").upper()
    if qualifier in (admin1, country, rest) or meanings(qualifier) & {Region(code), Region(code, admin1)}:
        return 3
    smaller = [fold(area) for area in (candidate.admin2, candidate.admin3, candidate.admin4) if area]
    if qualifier in smaller:
        return 2
    begins = any(f"{area} ".startswith(f"{qualifier} ") for area in (admin1, country, *smaller))
    return int(begins)


def _not_found(asked: _Attempt, seen: list[_Found]) -> str:
    if not seen:
        return f"No place called '{asked.name}' was found. Try its English name, or a larger place nearby."
    known = list(dict.fromkeys(candidate.place().label for candidate in seen))[:MOST_NAMED]
    where = f" in '{', '.join(asked.qualifiers)}'" if asked.qualifiers else ""
    return f"No '{asked.name}'{where} was found. Places of such a name: {'; '.join(known)}. Ask for one of them."
