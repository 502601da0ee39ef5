"""Vector stores of programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.api.call import Call
from bot.api.errors import ApiError


async def make(call: Call, given: Mapping[str, Any]) -> str:
    """The id of a new store with these files."""
    raise ApiError("Vector stores cannot be made here.", param="tool_resources")
