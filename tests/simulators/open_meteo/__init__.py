"""Open-Meteo's forecast and geocoding APIs as a working fake. `open_meteo()` serves it for a test."""

from tests.simulators.open_meteo.server import FORECAST, SEARCH, OpenMeteo, open_meteo

__all__ = ["FORECAST", "SEARCH", "OpenMeteo", "open_meteo"]
