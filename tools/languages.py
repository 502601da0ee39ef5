"""Guesses the language of a place's name, since the geocoder finds a native name in its own language only.

Every language finds the GeoNames main name too, so that a wrong guess costs little: "Malmö" is found as German.
https://open-meteo.com/en/docs/geocoding-api (parameter `language`)
"""

from __future__ import annotations

import unicodedata

_USUAL = ("en",)

_LETTERS = {
    "de": "äöüß",
    "pl": "ąęłńśźż",
    "pt": "ãõ",
    "es": "ñ",
    "fr": "àâçèêëîïœùû",
    "sv": "å",
    "da": "øæ",
    "tr": "ğış",
    "cs": "čďěňřšťůž",
    "hu": "őű",
    "ro": "ățţș",
}
_BY_LETTER = {letter: language for language, letters in _LETTERS.items() for letter in letters}

_BY_SCRIPT = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh ja",
    "HANGUL": "ko",
    "ARABIC": "ar",
    "HEBREW": "he",
    "THAI": "th",
    "DEVANAGARI": "hi",
}

_BY_COUNTRY = (
    {"AT": "de", "BE": "nl", "BG": "bg", "BR": "pt", "CH": "de", "CN": "zh", "CZ": "cs", "DE": "de", "DK": "da"}
    | {"EE": "et", "ES": "es", "FI": "fi", "FR": "fr", "GR": "el", "HR": "hr", "HU": "hu", "IL": "he", "IT": "it"}
    | {"JP": "ja", "KR": "ko", "LT": "lt", "LV": "lv", "MX": "es", "NL": "nl", "NO": "no", "PL": "pl", "PT": "pt"}
    | {"RO": "ro", "RS": "sr", "RU": "ru", "SE": "sv", "SI": "sl", "SK": "sk", "TR": "tr", "UA": "uk"}
)


def languages_of(name: str) -> tuple[str, ...]:
    """The ISO 639-1 codes that the first telling letter gives away, the likeliest first; English where none does."""
    for letter in unicodedata.normalize("NFC", name):
        script = unicodedata.name(letter, "").split(" ")[0]
        if languages := _BY_LETTER.get(letter.lower()) or _BY_SCRIPT.get(script):
            return tuple(languages.split())
    return _USUAL


def language_in(country_code: str) -> str | None:
    """The language most spoken in the country with this ISO 3166 code, where places may have other names in English."""
    return _BY_COUNTRY.get(country_code)
