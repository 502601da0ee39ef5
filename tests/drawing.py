"""A tool that makes files for people, and what it makes."""

from __future__ import annotations

import json

from bot.assistants.types import ShownFile
from bot.view import View
from tools.context import context
from tools.registry import Registry, tool

CHART = b"\x89PNG\r\n\x1a\nrain"
TABLE = b"mm\n3\n"
DRAWN = [("chart.png", CHART), ("table.csv", TABLE)]
CHARTS = (ShownFile("shown_1", "chart.png", "image/png", CHART), ShownFile("shown_2", "table.csv", "text/csv", TABLE))


def drawing() -> Registry:
    """`draw` makes a picture and a table."""
    return drawing_of(*DRAWN)


def drawing_of(*files: tuple[str, bytes]) -> Registry:
    @tool
    async def draw(place: str) -> str:
        """The rain as files."""
        for name, content in files:
            await context().show(name, "text/csv" if name.endswith(".csv") else "image/png", content)
        return json.dumps({"drawn": place})

    return Registry([draw])


def answer(text: str = "Cold.", *files: ShownFile) -> View:
    """An answer with the two files, unless others are given."""
    return View(text=text, outcome="completed", files=files or CHARTS)
