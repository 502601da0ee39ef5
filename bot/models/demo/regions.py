"""Names that qualify a place after a comma, and names whose own words would mislead the rules.

`Paris, Texas` is one place and `Paris, Rome` may be two: the tables decide. Country names are those in everyday
English use; they need not be complete, for an unknown qualifier is kept wherever the sentence allows it.
"""

from __future__ import annotations

_STATES = """
alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois
indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri
montana nebraska nevada new_hampshire new_jersey new_mexico new_york north_carolina north_dakota ohio oklahoma
oregon pennsylvania rhode_island south_carolina south_dakota tennessee texas utah vermont virginia washington
west_virginia wisconsin wyoming district_of_columbia d.c. alberta british_columbia manitoba new_brunswick
newfoundland nova_scotia ontario prince_edward_island quebec québec saskatchewan new_south_wales queensland
south_australia tasmania victoria western_australia bavaria bayern hesse hessen saxony sachsen brandenburg
catalonia tuscany sicily lombardy brittany normandy provence kerala punjab gujarat goa
"""

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

REGIONS = frozenset(name.replace("_", " ") for name in (_STATES + _COUNTRIES).split())

_CODES = """
AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI
SC SD TN TX UT VT VA WA WV WI WY DC AB BC MB NB NL NS ON PE QC SK NSW QLD SA TAS VIC US USA UK UAE GB EU FR ES PT IT
CH AT SE NO DK FI JP CN BR MX NZ AU ZA
"""

CODES = frozenset(_CODES.split())
"""Postal codes of states and provinces, and codes of countries, in capitals."""

PROTECTED = (
    "Trinidad and Tobago",
    "Bosnia and Herzegovina",
    "Antigua and Barbuda",
    "Saint Kitts and Nevis",
    "São Tomé and Príncipe",
    "Turks and Caicos",
    "Tyne and Wear",
    "Newfoundland and Labrador",
    "Brighton and Hove",
    "Hot Springs",
    "Cold Spring",
    "Cold Lake",
    "Rainy River",
    "Truth or Consequences",
)
"""Place names that hold a conjunction or a word of the weather."""


def is_region(name: str) -> bool:
    """Whether `name` says in what state or country a place lies."""
    return name.lower() in REGIONS or name in CODES or (name.islower() and name.upper() in CODES)
