"""What people write after a place's name: states, provinces and countries, and their short forms.

A `Region` is what such a word can mean; `meanings("CA")` are California and Canada. Words are compared folded:
without accents, dots, case and fillers ("State of", "the").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_FILLERS = frozenset(
    ["the", "of", "and", "state", "province", "county", "region", "territory", "greater", "city", "area", "metro"]
)

_STATES = {
    "US": "al alabama, ak alaska, az arizona, ar arkansas, ca california, calif california, co colorado, "
    "ct connecticut, de delaware, dc district columbia, dc washington dc, fl florida, ga georgia, hi hawaii, "
    "id idaho, il illinois, in indiana, ia iowa, ks kansas, ky kentucky, la louisiana, me maine, md maryland, "
    "ma massachusetts, mass massachusetts, mi michigan, mn minnesota, ms mississippi, mo missouri, mt montana, "
    "ne nebraska, nv nevada, nh new hampshire, nj new jersey, nm new mexico, ny new york, nc north carolina, "
    "nd north dakota, oh ohio, ok oklahoma, or oregon, pa pennsylvania, ri rhode island, sc south carolina, "
    "sd south dakota, tn tennessee, tx texas, ut utah, vt vermont, va virginia, wa washington, wv west virginia, "
    "wi wisconsin, wy wyoming, pr puerto rico",
    "CA": "ab alberta, bc british columbia, mb manitoba, nb new brunswick, nl newfoundland labrador, "
    "nfld newfoundland labrador, ns nova scotia, nt northwest territories, nu nunavut, on ontario, ont ontario, "
    "pe prince edward island, pei prince edward island, qc quebec, sk saskatchewan, yt yukon, yk yukon",
    "AU": "act australian capital, nsw new south wales, nt northern, qld queensland, sa south australia, "
    "tas tasmania, vic victoria, wa western australia",
}

_COUNTRIES = {
    "AE": "uae, emirates",
    "AT": "austria, osterreich",
    "AU": "aus",
    "BE": "belgium, belgie, belgique",
    "BG": "bulgaria",
    "BR": "brazil, brasil",
    "BY": "belarus",
    "CD": "drc, dr congo, congo kinshasa",
    "CG": "congo brazzaville",
    "CH": "switzerland, schweiz, suisse, svizzera",
    "CI": "cote divoire",
    "CN": "china, prc, mainland china, peoples republic china",
    "CV": "cape verde",
    "CZ": "czechia, czech republic, cesko",
    "DE": "germany, deutschland",
    "DK": "denmark, danmark",
    "EE": "estonia, eesti",
    "EG": "egypt",
    "ES": "spain, espana",
    "FI": "finland, suomi",
    "FR": "france",
    "GB": "uk, great britain, britain, united kingdom",
    "GR": "greece, ellada, hellas",
    "HR": "croatia, hrvatska",
    "HU": "hungary, magyarorszag",
    "IE": "eire, republic ireland",
    "IL": "israel",
    "IN": "india, bharat",
    "IR": "iran",
    "IT": "italy, italia",
    "JP": "japan, nippon, nihon",
    "KP": "dprk, north korea",
    "KR": "korea, south korea, rok, republic korea",
    "KZ": "kazakhstan",
    "LT": "lithuania, lietuva",
    "LV": "latvia, latvija",
    "MK": "macedonia",
    "MM": "burma",
    "MX": "mexico",
    "NL": "netherlands, holland, nederland",
    "NO": "norway, norge, noreg",
    "NZ": "aotearoa",
    "PL": "poland, polska",
    "PT": "portugal",
    "RO": "romania",
    "RS": "serbia, srbija",
    "RU": "russia, russian federation",
    "SA": "saudi arabia, ksa",
    "SE": "sweden, sverige",
    "SI": "slovenia, slovenija",
    "SK": "slovakia, slovensko",
    "SZ": "swaziland",
    "TH": "thailand",
    "TL": "east timor",
    "TR": "turkey, turkiye",
    "TW": "taiwan",
    "UA": "ukraine, ukraina",
    "US": "usa, america, united states, united states america",
    "VA": "vatican",
    "VN": "viet nam",
    "ZA": "rsa",
}


@dataclass(frozen=True, slots=True)
class Region:
    """A country by its ISO 3166 code, or the first-level division `division` (folded) in it."""

    country_code: str
    division: str = ""


def fold(text: str) -> str:
    """`"Washington, D. C."` → `"washington dc"`, `"State of São Paulo"` → `"sao paulo"`."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    spaced = re.sub(r"[\W_]+", " ", re.sub(r"[.'’`]", "", plain.casefold().replace(". ", " ")))
    joined = re.sub(r"\b(\w) (?=\w\b)", r"\1", spaced)
    return " ".join(word for word in joined.split() if word not in _FILLERS)


def meanings(folded: str) -> frozenset[Region]:
    """The divisions and countries that a folded word or name may be short, or another name, for."""
    code = {Region(folded.upper())} if re.fullmatch(r"[a-z]{2}", folded) else set()
    return _NAMED.get(folded, frozenset()) | code


def _named() -> dict[str, frozenset[Region]]:
    named: dict[str, set[Region]] = {}
    for country, states in _STATES.items():
        for short, _, division in (state.partition(" ") for state in states.split(", ")):
            named.setdefault(short, set()).add(Region(country, division))
    for country, names in _COUNTRIES.items():
        for name in names.split(", "):
            named.setdefault(name, set()).add(Region(country))
    return {name: frozenset(regions) for name, regions in named.items()}


_NAMED = _named()
