"""Draws charts as PNG, in a bounded process.

matplotlib is imported in that process only. Texts are drawn as they are: nothing in them is read as mathematics.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools import bounded, fonts

SECONDS = 10.0
PATIENCE = 6.0
"""Seconds that a drawing waits for its place."""
WIDTH, HEIGHT, DPI = 1000, 600, 100
LARGEST = 1024 * 1024
"""Bytes of a PNG."""
FEW_BARS = 12
"""Names below an axis that stand upright."""
MOST_NAMES = 40
"""Names below an axis; of more, some are left out."""
COLORS = 10
"""Those that matplotlib begins with; of more series, some would look the same."""
BETWEEN = 30
"""Pixels between the columns of a legend."""
MOST_LACKING = 20
"""Characters that are named, of those that cannot be drawn."""
LACKING = "No font here has these characters: {lacking}. Write the texts of the charts with others."

Kind = Literal["line", "bar", "scatter", "pie", "hist"]


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers under a name, which may be empty."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. Of `x`, all are numbers, names, or with `dates` ISO 8601; empty for a histogram.

    A pie has one series and a name for each of its values.
    """

    kind: Kind
    series: Sequence[Series]
    x: Sequence[float | str] = ()
    dates: bool = False
    title: str = ""
    x_label: str = ""
    y_label: str = ""


class Undrawn(Exception):
    """A chart could not be drawn, or none of them. Its text is a sentence."""


async def draw(
    charts: Sequence[Chart], *, seconds: float = SECONDS, places: asyncio.Semaphore | None = None
) -> list[bytes | Undrawn]:
    """PNGs of 1000 x 600 pixels, in the order of the charts, or why there is none. Raises `Undrawn` for all of them.

    `places` limits how many processes draw at once; the `seconds` count from when there is one.
    """
    async with AsyncExitStack() as stack:
        if places is not None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await stack.enter_async_context(places)
            except TimeoutError:
                raise Undrawn("Too much is being drawn. Try again in a moment.") from None
        given = json.dumps([asdict(chart) for chart in charts]).encode()
        found = await bounded.answer(__name__, given, {}, seconds=seconds)
    if found.trouble:
        raise Undrawn("Drawing took too long." if found.trouble == "slow" else "Drawing failed.")
    return [_picture(one) for one in json.loads(found.said)]


def _picture(said: str | list[str]) -> bytes | Undrawn:
    if isinstance(said, list):
        return Undrawn(LACKING.format(lacking=", ".join(said[:MOST_LACKING])))
    if not said:
        return Undrawn("It cannot be drawn.")
    png = base64.b64decode(said)
    return png if len(png) <= LARGEST else Undrawn("The picture is too large.")


def answered(data: bytes) -> str:
    """What the process says of charts that come as JSON: of each a PNG in base64, the characters that no font has, or
    nothing where it cannot be drawn."""
    for library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[library] = "1"
    return json.dumps([_answer(chart) for chart in json.loads(data)])


def _answer(chart: Mapping[str, Any]) -> str | list[str]:
    try:
        families, lacking = fonts.families(_texts(chart))
        return list(lacking) or base64.b64encode(_png(chart, families)).decode()
    except Exception:  # matplotlib says in no one way that it finds no scale
        return ""


def _texts(chart: Mapping[str, Any]) -> Iterator[str]:
    yield from (chart["title"], chart["x_label"], chart["y_label"])
    yield from (one["name"] for one in chart["series"])
    yield from (one for one in chart["x"] if isinstance(one, str))


def _png(chart: Mapping[str, Any], families: Sequence[str]) -> bytes:
    """https://matplotlib.org/stable/gallery/user_interfaces/web_application_server_sgskip.html: no pyplot, which keeps
    every figure."""
    png = io.BytesIO()
    figure_of(chart, families).savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def figure_of(chart: Mapping[str, Any], families: Sequence[str] = (fonts.FIRST,)) -> Any:
    """The chart as matplotlib's figure. Each character is drawn with the first of these fonts that has it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcdefaults()  # whatever a matplotlibrc says
    mpl.rcParams["text.parse_math"] = False
    mpl.rcParams["font.family"] = [*families]
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    if len(chart["series"]) > COLORS:
        axes.set_prop_cycle(color=mpl.color_sequences["tab20"])
    _DRAWING[chart["kind"]](axes, chart)
    axes.set_title(chart["title"])
    if chart["kind"] != "pie":
        axes.set_xlabel(chart["x_label"])
        axes.set_ylabel(chart["y_label"])
        axes.grid(visible=True, alpha=0.3)
        axes.set_axisbelow(True)
        if any(one["name"] for one in chart["series"]):
            _explain(figure)
    return figure


def _explain(figure: Any) -> None:
    """A legend below the axes, where it covers no data, in as many columns as there is room for."""
    column = figure.legend()
    width = column.get_window_extent().width + BETWEEN
    column.remove()
    figure.legend(loc="outside lower center", ncols=max(1, int(WIDTH / width)))


def _legible(name: str) -> str:
    """A name as a legend takes it: one that begins with an underscore would be left out."""
    return f" {name}" if name.startswith("_") else name


def _along(axes: Any, chart: Mapping[str, Any], count: int) -> Sequence[Any]:
    """Where the values stand on the x-axis: numbers, moments, or places that are given their names."""
    from datetime import datetime

    x: Sequence[Any] = chart["x"] or range(1, count + 1)
    if chart["dates"]:
        axes.figure.autofmt_xdate()
        return [datetime.fromisoformat(one) for one in x]
    if isinstance(x[0], str):
        every = math.ceil(len(x) / MOST_NAMES)
        upright = len(x) <= FEW_BARS and max(map(len, x)) <= FEW_BARS
        places = range(0, len(x), every)
        turned = {} if upright else {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(places, [x[place] for place in places], **turned)
        return range(len(x))
    return x


def _lines(axes: Any, chart: Mapping[str, Any]) -> None:
    for one in chart["series"]:
        x = _along(axes, chart, len(one["values"]))
        axes.plot(x, one["values"], label=_legible(one["name"]), marker="o" if len(x) <= 30 else "")


def _points(axes: Any, chart: Mapping[str, Any]) -> None:
    for one in chart["series"]:
        axes.scatter(_along(axes, chart, len(one["values"])), one["values"], label=_legible(one["name"]), s=16)


def _bars(axes: Any, chart: Mapping[str, Any]) -> None:
    """Those of several series stand side by side. Numbers and dates are names here: each bar has one."""
    series = chart["series"]
    width = 0.8 / len(series)
    x = chart["x"] or range(1, max(len(one["values"]) for one in series) + 1)
    names = [one if isinstance(one, str) else f"{one:g}" for one in x]
    places = _along(axes, {**chart, "x": names, "dates": False}, len(names))
    for number, one in enumerate(series):
        shift = (number - (len(series) - 1) / 2) * width
        shifted = [place + shift for place in places[: len(one["values"])]]
        axes.bar(shifted, one["values"], width, label=_legible(one["name"]))


def _slices(axes: Any, chart: Mapping[str, Any]) -> None:
    axes.pie(chart["series"][0]["values"], labels=chart["x"], autopct="%1.0f%%", startangle=90, counterclock=False)
    axes.axis("equal")


def _counts(axes: Any, chart: Mapping[str, Any]) -> None:
    several = len(chart["series"]) > 1
    for one in chart["series"]:
        values = one["values"]
        least, most = min(values), max(values)
        bins = min(50, max(5, math.isqrt(len(values)) + 1))
        look = {"label": _legible(one["name"]), "alpha": 0.6 if several else 1.0}
        if most - least > bins * 2 * math.ulp(max(abs(least), abs(most))):
            axes.hist(values, bins=bins, **look)
        else:  # there are no numbers between them to part them at
            axes.bar([least], [len(values)], width=max(1.0, abs(least) / 10), **look)


_DRAWING = {"line": _lines, "bar": _bars, "scatter": _points, "pie": _slices, "hist": _counts}
