"""Python for the model: exact figures, dates, texts and tables, and charts for the person. What runs it, and what it
cannot do, is in `tools.sandbox` and `tools.monty`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from tools.charts import Undrawn, draw
from tools.context import context
from tools.monty import LONGEST_PRINT, Ran
from tools.registry import ToolError, tool
from tools.sandbox import Busy, Unavailable

TIMEOUT = 35.0
"""Seconds: the turn is waited for, the code runs, the charts are drawn, each within limits of its own."""
LONGEST_CODE = 50_000
AS_BEFORE = "Variables are as they were before this call."
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Signs that models and platforms refuse, that mean something to a terminal, or that nobody sees: controls, directions,
fillers, tags. The joiners of emoji and of Persian, and the signs that choose an emoji's look, stay."""
UNSHOWN = "No chart is shown, since the code failed."
NOTHING = "The code ran and printed nothing. Print what you need, or end with an expression."


@tool(timeout=TIMEOUT)
async def code_interpreter(
    code: Annotated[str, Field(description="Python. What it prints and the value of its last expression come back.")],
) -> str:
    """Run Python in a sandbox: for exact figures, dates, texts, tables and charts. Variables and functions stay for
    later calls of this answer. A list of dicts or of rows as the last value comes back as a Markdown table.

    There are no files, no network, no input and no packages (no NumPy, no pandas), 8 seconds and 64 MB; sleeping takes
    no time, and the clock is in UTC. Modules: math, random, decimal, datetime, time, json, csv, re, itertools,
    functools, collections (Counter, defaultdict, deque, namedtuple), bisect, copy, base64, hashlib, dataclasses,
    typing, unicodedata, tomllib, asyncio; not: statistics, fractions, string, calendar, zoneinfo, heapq, enum, io.
    Functions, lambdas, comprehensions, f-strings, match, try, decorators on functions, classes and dataclasses work.
    There is no yield, del, class inheritance, property, classmethod, staticmethod, super or import *. Generator
    expressions, map and zip are computed at once, so that endless iterators cannot be used.

    plot shows the person a chart: plot(y), plot(x, y), plot({'name': y, …}) or plot(x, {'name': y, …}) with lists, x
    of numbers, names or dates; options: kind='line', 'bar', 'scatter', 'pie' or 'hist', title, x_label, y_label.
    """
    if len(code) > LONGEST_CODE:
        raise ToolError(f"The code may have {LONGEST_CODE:,} characters.")
    try:
        ran = await context().sandbox.run(context().run_id, code)
    except Busy:
        raise ToolError("The sandbox is busy. Try again in a moment.") from None
    except Unavailable:
        raise ToolError("Code cannot be run at the moment.") from None
    if ran.gone:
        raise ToolError("Variables from before are gone, so the code was not run. Define them again.")
    parts = [*_told(ran), *await _shown(ran)]
    return UNSEEN.sub("\ufffd", "\n".join(parts)) or NOTHING


def _told(ran: Ran) -> list[str]:
    parts = [ran.printed.rstrip("\n")] if ran.printed.strip() else []
    if ran.cut:
        parts.append(f"[only the first {LONGEST_PRINT:,} characters of what was printed]")
    if ran.result:
        parts.append(ran.result)
    if ran.error:
        parts.append(ran.error.rstrip("\n"))
    if ran.large:
        parts.append("The variables are too large to be kept.")
    if ran.large or ran.ended:
        parts.append(AS_BEFORE)
    return parts


async def _shown(ran: Ran) -> list[str]:
    """Draws the charts and shows them; what goes wrong with it does not take the code's output from the model."""
    if not ran.charts:
        return []
    if ran.error:  # the model will plot again
        return [UNSHOWN]
    try:
        drawn = await draw(ran.charts, places=context().sandbox.drawing)
    except Undrawn as error:
        return [f"No chart is shown. {error}"]
    told = []
    for number, (chart, png) in enumerate(zip(ran.charts, drawn, strict=True), 1):
        name = f"Chart {number}{f' ({chart.title})' if chart.title else ''}"
        trouble = str(png) if isinstance(png, Undrawn) else await _handed(f"chart-{number}.png", png)
        told.append(f"{name} is not shown. {trouble}" if trouble else f"{name} is shown to the person.")
    return told


async def _handed(name: str, png: bytes) -> str:
    """The sentence that says why the person does not see it, if so."""
    try:
        await context().show(name, "image/png", png)
    except ToolError as error:
        return str(error)
    return ""
