"""Where Discord is. discord.py keeps its two addresses for the whole process: they are set here and nowhere else."""

from __future__ import annotations

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route


def point_at(api_url: str) -> None:
    """The REST API, version included: `https://discord.com/api/v10`."""
    Route.BASE = api_url.rstrip("/")


def meet_at(gateway: str) -> None:
    """The gateway, as `/gateway/bot` named it. Each client goes there after an invalid session."""
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
