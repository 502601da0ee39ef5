"""Some forty real places, as GeoNames has them and Open-Meteo's geocoder gives them.

`names` are the names in other languages by ISO 639-1 code: the geocoder finds and shows them under that `language`
only. `aliases` are found under every language (GeoNames calls them unlabelled).
https://open-meteo.com/en/docs/geocoding-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """One place: WGS 84 degrees, an ISO 3166 country code, an IANA time zone."""

    name: str
    admin1: str
    admin2: str
    country_code: str
    latitude: float
    longitude: float
    timezone: str
    population: int
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


COUNTRIES = {
    "AE": "United Arab Emirates",
    "AU": "Australia",
    "BR": "Brazil",
    "CA": "Canada",
    "DE": "Germany",
    "DK": "Denmark",
    "FR": "France",
    "GB": "United Kingdom",
    "GR": "Greece",
    "IN": "India",
    "JP": "Japan",
    "NZ": "New Zealand",
    "PL": "Poland",
    "SG": "Singapore",
    "US": "United States",
}

TRANSLATIONS = {
    ("de", "Germany"): "Deutschland",
    ("de", "Bavaria"): "Bayern",
    ("pl", "Poland"): "Polska",
    ("ja", "Japan"): "日本",
    ("ja", "Tokyo"): "東京都",
}

_CHICAGO, _NEW_YORK, _LONDON = "America/Chicago", "America/New_York", "Europe/London"

PLACES = (
    Entry("San Francisco", "California", "San Francisco", "US", 37.77493, -122.41942, "America/Los_Angeles", 864816),
    Entry("New York", "New York", "", "US", 40.71427, -74.00597, _NEW_YORK, 8804190, {}, ("NYC", "New York City")),
    Entry(
        "Washington", "District of Columbia", "", "US", 38.89511, -77.03637, _NEW_YORK, 689545, {}, ("Washington DC",)
    ),
    Entry("Springfield", "Missouri", "Greene", "US", 37.21533, -93.29824, _CHICAGO, 169176),
    Entry("Springfield", "Massachusetts", "Hampden", "US", 42.10148, -72.58981, _NEW_YORK, 155929),
    Entry("Springfield", "Illinois", "Sangamon", "US", 39.80172, -89.64371, _CHICAGO, 114394),
    Entry("Springfield", "Oregon", "Lane", "US", 44.04624, -123.02203, "America/Los_Angeles", 60870),
    Entry("Springfield", "Ohio", "Clark", "US", 39.92423, -83.80882, _NEW_YORK, 59357),
    Entry("Springfield", "Vermont", "Windsor", "US", 43.29841, -72.48231, _NEW_YORK, 3979),
    Entry("Springfield", "Minnesota", "Brown", "US", 44.23885, -94.97582, _CHICAGO, 2152),
    Entry("Paris", "Île-de-France", "Paris", "FR", 48.85341, 2.3488, "Europe/Paris", 2138551),
    Entry("Paris", "Texas", "Lamar", "US", 33.66094, -95.55551, _CHICAGO, 24839),
    Entry("Paris", "Tennessee", "Henry", "US", 36.302, -88.32671, _CHICAGO, 10180),
    Entry("Paris", "Kentucky", "Bourbon", "US", 38.2098, -84.25299, _NEW_YORK, 9846),
    Entry("Paris", "Ontario", "Brant", "CA", 43.2, -80.38333, "America/Toronto", 12310),
    Entry("London", "England", "Greater London", "GB", 51.50853, -0.12574, _LONDON, 8961989),
    Entry("London", "Ontario", "", "CA", 42.98339, -81.23304, "America/Toronto", 422324),
    Entry("London", "Kentucky", "Laurel", "US", 37.12898, -84.08326, _NEW_YORK, 8126),
    Entry("London", "Ohio", "Madison", "US", 39.88645, -83.44825, _NEW_YORK, 10060),
    Entry("Londonderry", "Northern Ireland", "", "GB", 54.9981, -7.30934, _LONDON, 83652),
    Entry("Portland", "Oregon", "Multnomah", "US", 45.52345, -122.67621, "America/Los_Angeles", 652503),
    Entry("Portland", "Maine", "Cumberland", "US", 43.66147, -70.25533, _NEW_YORK, 66881),
    Entry("Portland", "Victoria", "Glenelg", "AU", -38.33333, 141.6, "Australia/Melbourne", 9712),
    Entry("Birmingham", "England", "", "GB", 52.48142, -1.89983, _LONDON, 1144919),
    Entry("Birmingham", "Alabama", "Jefferson", "US", 33.52066, -86.80249, _CHICAGO, 200733),
    Entry("Birmingham", "Michigan", "Oakland", "US", 42.5467, -83.21132, "America/Detroit", 20103),
    Entry("Cambridge", "England", "Cambridgeshire", "GB", 52.2, 0.11667, _LONDON, 145700),
    Entry("Cambridge", "Massachusetts", "Middlesex", "US", 42.3751, -71.10561, _NEW_YORK, 118403),
    Entry("Cambridge", "Ontario", "Waterloo", "CA", 43.3601, -80.31269, "America/Toronto", 120372),
    Entry("Cambridge", "Waikato", "", "NZ", -37.87822, 175.4402, "Pacific/Auckland", 21400),
    Entry("Munich", "Bavaria", "Upper Bavaria", "DE", 48.13743, 11.57549, "Europe/Berlin", 1512491, {"de": "München"}),
    Entry("Frankfurt am Main", "Hesse", "", "DE", 50.11552, 8.68417, "Europe/Berlin", 773068),
    Entry("Frankfurt (Oder)", "Brandenburg", "", "DE", 52.34714, 14.55062, "Europe/Berlin", 57015),
    Entry("Warsaw", "Masovian Voivodeship", "", "PL", 52.22977, 21.01178, "Europe/Warsaw", 1702139, {"pl": "Warszawa"}),
    Entry("Warszawa", "Ohio", "Cuyahoga", "US", 41.45866, -81.64485, _NEW_YORK, 0),
    Entry("São Paulo", "São Paulo", "", "BR", -23.5475, -46.63611, "America/Sao_Paulo", 12400232),
    Entry("Tokyo", "Tokyo", "", "JP", 35.6895, 139.69171, "Asia/Tokyo", 9733276, {"ja": "東京"}),
    Entry("Singapore", "", "", "SG", 1.28967, 103.85007, "Asia/Singapore", 5638700),
    Entry("Dubai", "Dubai", "", "AE", 25.07725, 55.30927, "Asia/Dubai", 3790000),
    Entry("Mumbai", "Maharashtra", "", "IN", 19.07283, 72.88261, "Asia/Kolkata", 12691836),
    Entry("Perth", "Western Australia", "", "AU", -31.95224, 115.8614, "Australia/Perth", 2141834),
    Entry("Perth", "Scotland", "Perth and Kinross", "GB", 56.39522, -3.43139, _LONDON, 47180),
    Entry("St. John's", "Newfoundland and Labrador", "", "CA", 47.56494, -52.70931, "America/St_Johns", 110525),
    Entry("Copenhagen", "Capital Region", "", "DK", 55.67594, 12.56553, "Europe/Copenhagen", 1153615),
    Entry("Athens", "Attica", "", "GR", 37.98376, 23.72784, "Europe/Athens", 664046),
    Entry("Athens", "Georgia", "Clarke", "US", 33.96095, -83.37794, _NEW_YORK, 116714),
    Entry("Greenwich", "England", "Greater London", "GB", 51.47785, 0.0, _LONDON, 30578),
)
