"""The charts that code in the sandbox asks for: what it says is checked here, piece by piece, since it is hostile.

What is wrong is a `ValueError`, raised in the code, whose sentence says what to do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import get_args

from tools.charts import Chart, Kind, Series

MOST_CHARTS = 4
"""Of one call."""
MOST_SERIES = 12
MOST_VALUES = 10_000
"""Of one chart, in all of its series."""
MOST_BARS = 200
MOST_SLICES = 20
LONGEST_NAME = 60
LONGEST_NAMES = 100_000
"""Of all names along an axis."""
LONGEST_TITLE = 120
LARGEST = 1e300
"""Beyond it, matplotlib no longer finds a scale."""
YEARS = (1000, 3000)
"""Within which matplotlib finds marks for an axis, in every time zone."""
KINDS: Sequence[Kind] = get_args(Kind)
TEXTS = ("title", "x_label", "y_label")
USE = "Call plot(y), plot(x, y), plot({'name': y, …}) or plot(x, {'name': y, …}), with lists."


class Plots:
    """The charts of one call, as `plot` takes them."""

    def __init__(self) -> None:
        self.charts: list[Chart] = []

    def plot(self, *given: object, **options: object) -> None:
        """Raises `ValueError` where the chart cannot be drawn."""
        if len(self.charts) >= MOST_CHARTS:
            raise ValueError(f"One call can plot at most {MOST_CHARTS} charts.")
        self.charts.append(_chart(given, options))


def checked(described: object) -> Chart:
    """A chart as somebody describes it in JSON who is not trusted. Raises `ValueError`."""
    if not isinstance(described, dict) or described.keys() != {field.name for field in fields(Chart)}:
        raise ValueError("It is no chart.")
    kind, x, dates, series = (described[name] for name in ("kind", "x", "dates", "series"))
    if kind not in KINDS or type(dates) is not bool or not isinstance(series, list) or len(series) > MOST_SERIES:
        raise ValueError("It is no chart.")
    texts = {name: _text(described[name], name, LONGEST_TITLE) for name in TEXTS}
    lines = [_line(one) for one in series]
    names, _ = _axis(x or None)
    if not lines or (dates and not all(isinstance(name, str) for name in names)):
        raise ValueError("It is no chart.")
    _check(kind, names, lines)
    return Chart(kind, lines, names, dates, **texts)


def _line(described: object) -> Series:
    if not isinstance(described, dict) or described.keys() != {field.name for field in fields(Series)}:
        raise ValueError("It is no chart.")
    name = _text(described["name"], "The name of a series", LONGEST_NAME)
    return Series(name, _numbers(described["values"], "values"))


def _chart(given: Sequence[object], options: Mapping[str, object]) -> Chart:
    given, options = _named(given, options)
    kind = _kind(options)
    texts = {name: _text(options.get(name, ""), name, LONGEST_TITLE) for name in TEXTS}
    x, y = _split(given)
    if x is None and isinstance(y, dict) and y and not isinstance(next(iter(y.values())), list | tuple):
        x, y = list(y), list(y.values())  # one value a name
    series = _series(y)
    names, dates = _axis(x)
    _check(kind, names, series)
    return Chart(kind, series, names, dates, **texts)


def _named(given: Sequence[object], options: Mapping[str, object]) -> tuple[Sequence[object], Mapping[str, object]]:
    """What was given, with an x and a y that were given by their names where they belong."""
    x, y = ([options[name]] if name in options else [] for name in ("x", "y"))
    rest = {name: value for name, value in options.items() if name not in ("x", "y")}
    return [*x, *given, *y], rest


def _kind(options: Mapping[str, object]) -> Kind:
    for name in options:
        if name not in ("kind", *TEXTS):
            raise ValueError(f"plot has no option {_quoted(name)}. It has: kind, {', '.join(TEXTS)}.")
    asked = options.get("kind", "line")
    for kind in KINDS:
        if isinstance(asked, str) and asked == kind:
            return kind
    raise ValueError(f"plot has no kind {_quoted(asked)}. It has: {', '.join(KINDS)}.")


def _split(given: Sequence[object]) -> tuple[object, object]:
    match given:
        case [y]:
            return None, y
        case [x, y]:
            return x, y
        case _:
            raise ValueError(USE)


def _series(y: object) -> list[Series]:
    if not isinstance(y, dict):
        return [Series("", _numbers(y, "y"))]
    if not 1 <= len(y) <= MOST_SERIES:
        raise ValueError(f"plot takes 1 to {MOST_SERIES} series, and not {len(y)}.")
    return [
        Series(name := _text(key, "The name of a series", LONGEST_NAME), _numbers(one, name)) for key, one in y.items()
    ]


def _values(given: object, name: str) -> Sequence[object]:
    if isinstance(given, list | tuple):
        if 1 <= len(given) <= MOST_VALUES:
            return given
        raise ValueError(f"{_quoted(name)} has {len(given):,} values; it may have 1 to {MOST_VALUES:,}.")
    raise ValueError(f"{_quoted(name)} has to be a list. {USE}")


def _numbers(given: object, name: str) -> Sequence[float]:
    return [_number(one, name) for one in _values(given, name)]


def _number(one: object, name: str) -> float:
    if isinstance(one, int | float | Decimal):
        try:
            number = float(one)
        except (OverflowError, ValueError):
            number = math.inf
        if abs(number) <= LARGEST:
            return number
        raise ValueError(f"{_quoted(name)} has a number that is not finite or too large.")
    raise ValueError(f"{_quoted(name)} has to be a list of numbers; there is a {type(one).__name__} in it.")


def _axis(x: object) -> tuple[Sequence[float | str], bool]:
    """What stands along the x-axis, and whether these are dates."""
    if x is None:
        return [], False
    given = _values(x, "x")
    if all(isinstance(one, str) for one in given):
        names = [_text(one, "A name in x", LONGEST_NAME) for one in given]
        if sum(map(len, names)) > LONGEST_NAMES:
            raise ValueError(f"The names in x may have {LONGEST_NAMES:,} characters in all.")
        return names, False
    if all(isinstance(one, date) for one in given):
        zoned = {isinstance(one, datetime) and one.tzinfo is not None for one in given}
        if len(zoned) > 1:
            raise ValueError("The times in x have to be all with a time zone or all without.")
        if not all(YEARS[0] <= one.year <= YEARS[1] for one in given if isinstance(one, date)):
            raise ValueError(
                f"The dates in x have to be of the years {YEARS[0]} to {YEARS[1]}; plot others as numbers."
            )
        return [one.isoformat() for one in given if isinstance(one, date)], True
    if any(isinstance(one, str | date) for one in given):
        raise ValueError("x has to be all numbers, all strings or all dates.")
    return _numbers(given, "x"), False


def _check(kind: Kind, x: Sequence[float | str], series: Sequence[Series]) -> None:
    lengths = {len(one.values) for one in series}
    if sum(len(one.values) for one in series) > MOST_VALUES:
        raise ValueError(f"A chart may have {MOST_VALUES:,} values in all.")
    if kind == "hist":
        if x:
            raise ValueError("A hist takes values only: plot(values, kind='hist').")
        return
    if x and lengths != {len(x)}:
        raise ValueError(f"x has {len(x):,} values, so that each series has to have as many.")
    if kind == "bar" and max(lengths) > MOST_BARS:
        raise ValueError(f"A bar chart may have {MOST_BARS} bars a series.")
    if kind == "pie":
        _check_pie(x, series)


def _check_pie(x: Sequence[float | str], series: Sequence[Series]) -> None:
    values = series[0].values
    if len(series) != 1 or not x or not all(isinstance(name, str) for name in x):
        raise ValueError("A pie takes one value a name: plot({'name': 3, …}, kind='pie').")
    if len(values) > MOST_SLICES:
        raise ValueError(f"A pie may have {MOST_SLICES} slices.")
    if min(values) < 0 or not 0 < sum(values) <= LARGEST:
        raise ValueError("The values of a pie may not be negative, nor all 0.")


def _text(given: object, what: str, longest: int) -> str:
    if isinstance(given, str) and len(given) <= longest:
        return "".join(sign if sign.isprintable() else " " for sign in given)
    raise ValueError(f"{what} has to be a string of at most {longest} characters.")


def _quoted(given: object) -> str:
    return repr(given[:LONGEST_NAME]) if isinstance(given, str) else type(given).__name__
