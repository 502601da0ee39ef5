"""How Open-Meteo says no: HTTP 400 with `{"error": true, "reason": "…"}`.

https://open-meteo.com/en/docs#errors
"""

from __future__ import annotations


class Refused(Exception):
    """A request that the documented rules do not allow; its text is the `reason`."""
