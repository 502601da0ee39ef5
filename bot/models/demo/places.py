"""Finds the places in a part of a question.

It reads words after a preposition in any case, else capitalised words, and keeps qualifiers after commas: `San
Francisco, CA`. The text has breaks (`|`) where words of time, of the weather or of a tool stood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bot.models.demo.words import ARTICLES, CONNECTORS, JOIN, MOTIONS, PREPOSITIONS, STOPS, unmask
from tools.regions import fold, meanings

_TOKEN = re.compile(rf"[^\W_](?:[\w'./+{JOIN}-]*[\w+{JOIN}])?(?:(?<=\b[A-Za-z])\.|(?<=\bSt)\.|(?<=\b[MF]t)\.)?|[^\s\w]")
_NAMES_TOO = frozenset({"Nice"})
"""Stop words that name a place behind a preposition."""

_QUOTES = frozenset("\"'“”«»`")
_WEATHER_BESIDE = re.compile(
    r"^\W*(?:weather|temperature|forecast|time|rain)\b|\b(?:weather|temperature|forecast|time)\W*$", re.IGNORECASE
)

_COUNTRIES = """
afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain bangladesh
barbados belarus belgium belize benin bhutan bolivia botswana brazil brunei bulgaria burundi cambodia cameroon canada
chad chile china colombia congo costa_rica croatia cuba cyprus czechia czech_republic denmark dominican_republic
ecuador egypt el_salvador england eritrea estonia ethiopia fiji finland france gabon gambia germany deutschland ghana
greece greenland grenada guatemala guinea guyana haiti honduras hungary iceland india indonesia iran iraq ireland
israel italy ivory_coast jamaica japan jordan kazakhstan kenya korea kosovo kuwait kyrgyzstan laos latvia lebanon
liberia libya liechtenstein lithuania luxembourg madagascar malawi malaysia maldives mali malta mauritius mexico
moldova monaco mongolia montenegro morocco mozambique myanmar namibia nepal netherlands the_netherlands new_zealand
nicaragua niger nigeria north_korea north_macedonia northern_ireland norway oman pakistan palestine panama
papua_new_guinea paraguay peru philippines poland portugal qatar romania russia rwanda samoa saudi_arabia scotland
senegal serbia seychelles singapore slovakia slovenia somalia south_africa south_korea spain sri_lanka sudan suriname
sweden switzerland syria taiwan tajikistan tanzania thailand togo tonga tunisia turkey türkiye uganda ukraine
united_arab_emirates united_kingdom united_states uruguay usa uzbekistan venezuela vietnam wales yemen zambia zimbabwe
u.s. u.s.a. u.k. great_britain
"""
_REGIONS = frozenset(name.replace("_", " ") for name in _COUNTRIES.split())
"""Countries and states that the geocoder knows by one name, so that it needs no table of them."""


class Run(NamedTuple):
    """Words that follow each other and could be a name; `after` is the index of the token behind them."""

    words: tuple[str, ...]
    after: int


def tokens(text: str) -> list[str]:
    """Words (with inner `'`, `.`, `/`, `-`) and single signs; quotation marks are left out, `(` is a comma."""
    return [token for token in _TOKEN.findall(text.replace("(", ",")) if token not in _QUOTES]


def find_places(text: str, *, listed: bool = False) -> tuple[str, ...]:
    """The places behind prepositions in `text`, once each, in its order.

    `listed` says that the next part goes on with a name, so that commas separate places (`Oslo, Rome and Paris`).
    """
    words = tokens(text)
    found: list[str] = []
    at = 0
    while at < len(words):
        start = _name_start(words, at)
        run = _run(words, start, behind=True) if start else Run((), at + 1)
        parts, at = _with_qualifiers(words, run) if run.words else ([], at + 1)
        found += _grouped(parts, listed)
    return tuple(dict.fromkeys(map(unmask, found)))


def capitalised_places(text: str, *, listed: bool = False) -> tuple[str, ...]:
    """The capitalised names in `text`, once each, in its order."""
    words = tokens(text)
    found: list[str] = []
    at = 0
    while at < len(words):
        if not _is_capital(words[at]) or _is_stop(words[at]):
            at += 1
            continue
        parts, at = _with_qualifiers(words, _run(words, at))
        found += _grouped([part.removesuffix("'s") for part in parts], listed)
    return tuple(dict.fromkeys(map(unmask, found)))


def lone_place(text: str, listed: bool = False) -> tuple[str, ...]:
    """The places in `text` where it holds nothing else: `Rome`, `new york, ny`."""
    words = tokens(text)
    while words and not _is_word(words[-1]):
        words.pop()
    run = _run(words, 0)
    parts, after = _with_qualifiers(words, run)
    return tuple(map(unmask, _grouped(parts, listed))) if run.words and after == len(words) else ()


def leading(text: str) -> bool:
    """Whether `text` begins with a capitalised name."""
    words = tokens(text)
    return bool(words) and _is_capital(words[0]) and not _is_stop(words[0])


def beside_weather(text: str, rest: str) -> tuple[str, ...]:
    """The place in small letters in `oslo weather`, `weather new york` or `how warm is paris`."""
    words = [word for word in tokens(rest) if _is_word(word)]
    lowered = [word.lower() for word in words]
    if "is" in lowered[1:] and not _is_stop(words[0]):
        words = words[: lowered.index("is", 1)]
    elif "is" in lowered:
        words = words[len(words) - lowered[::-1].index("is") :]
    elif not _WEATHER_BESIDE.search(text):
        return ()
    return lone_place(" ".join(words)) if len(words) <= 3 and not any(map(_is_stop, words)) else ()


def _name_start(words: Sequence[str], at: int) -> int:
    """Where a name may start behind a preposition at `at`; 0 where there is none."""
    word, start = words[at].lower(), at + 1
    if word in MOTIONS:
        return start if start < len(words) and _is_capital(words[start]) else 0
    if word not in PREPOSITIONS:
        return 0
    while start < len(words) and (words[start] in ARTICLES or (start > at + 1 and words[start] == "of")):
        start += 1
    return start


def _with_qualifiers(words: Sequence[str], run: Run) -> tuple[list[str], int]:
    """The run, and the names that follow it after commas."""
    parts, after = [" ".join(run.words)], run.after
    while after + 1 < len(words) and words[after] == ",":
        code = words[after + 1]
        more = Run((code,), after + 2) if code.isupper() and is_region(code) else _run(words, after + 1)
        if not more.words or not (_is_capital(more.words[0]) or is_region(" ".join(more.words))):
            break
        parts.append(" ".join(more.words))
        after = more.after
    return parts, after


def _grouped(parts: Sequence[str], listed: bool) -> list[str]:
    """Qualifiers joined to their places: a region always, anything else where it is the only part and no list."""
    groups: list[str] = list(parts[:1])
    for part in parts[1:]:
        if is_region(part) or (len(parts) == 2 and not listed):
            groups[-1] += f", {part}"
        else:
            groups.append(part)
    return groups


def _run(words: Sequence[str], start: int, behind: bool = False) -> Run:
    """The longest name that starts at `start`, perhaps empty; small letters only up to four words."""
    taken = list(words[start : start + 1]) if behind and _NAMES_TOO.issuperset(words[start : start + 1]) else []
    at = start + len(taken)
    while at < len(words) and _continues(taken, words, at):
        taken.append(words[at])
        at += 1
    return Run(tuple(taken), at)


def _continues(taken: Sequence[str], words: Sequence[str], at: int) -> bool:
    word = words[at]
    if not _is_word(word):
        return False
    if taken and word in CONNECTORS:
        return any(_is_capital(after) and not _is_stop(after) for after in words[at + 1 : at + 3])
    if _is_stop(word):
        return False
    small = word[0].islower()
    if small and any(map(_is_capital, taken)):
        return False
    return not small or len(taken) < 4


def _is_word(token: str) -> bool:
    """Words, and numbers that can be a postal code."""
    return token[0].isalpha() or (token[0].isdecimal() and len(token) == 5)


def _is_capital(token: str) -> bool:
    """Scripts without capitals count as capitals."""
    return token[0].isalpha() and not token[0].islower()


def _is_stop(token: str) -> bool:
    return token.lower().removesuffix("'s") in STOPS or token.lower() in STOPS


def is_region(name: str) -> bool:
    """Whether `name` says in what state or country a place lies. `Paris, Texas` is one place, `Paris, Rome` are two."""
    short = fold(name)
    return name.lower() in _REGIONS or (bool(meanings(short)) and (len(short) > 2 or name.isupper() or "." in name))
