"""What time it is somewhere: in a time zone, at an offset from UTC, or at a place, whose zone the geocoder knows."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field

from tools.context import context
from tools.places import find
from tools.registry import ToolError, tool

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+\-−])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
_FARTHEST = timedelta(hours=14)


@tool
async def get_current_time(
    place_or_timezone: Annotated[
        str, Field(description="A place ('Paris, Texas'), an IANA time zone ('Europe/Berlin') or an offset ('UTC+2').")
    ],
) -> dict[str, str]:
    """The date, time and weekday at a place or in a time zone right now, with the offset from UTC."""
    asked = " ".join(place_or_timezone.split())
    if offset := _offset(asked):
        return _answer({"timezone": str(offset)}, offset)
    if name := _zones().get(asked.replace(" ", "_").lower()):
        return _answer({"timezone": name}, ZoneInfo(name))
    place = await find(asked)
    return _answer({"location": place.label, "timezone": place.timezone or ""}, _zone(place.label, place.timezone))


def _answer(where: dict[str, str], zone: tzinfo) -> dict[str, str]:
    now = datetime.fromtimestamp(context().now(), zone)
    return where | {"time": now.isoformat(timespec="seconds"), "weekday": _WEEKDAYS[now.weekday()]}


def _offset(text: str) -> timezone | None:
    """`UTC+2`, `GMT-5`, `+05:30`. Raises `ToolError` for one that no clock on Earth has."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    sign, hours, minutes = match.groups(default="0")
    distance = timedelta(hours=int(hours), minutes=int(minutes))
    if distance > _FARTHEST:
        raise ToolError(f"There is no time zone {text}: offsets go up to 14 hours.")
    return timezone(distance if sign == "+" else -distance)


@cache
def _zones() -> dict[str, str]:
    """IANA names by their lower-cased form."""
    return {name.lower(): name for name in available_timezones() - _NO_ZONES}


def _zone(label: str, name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(f"The time zone of {label} is not known. Ask with one like 'Europe/Berlin'.") from None
