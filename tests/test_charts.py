"""Charts: what can be asked for, and the process that draws them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from shutil import copy

import pytest
from matplotlib import font_manager, get_data_path

from tools import fonts
from tools.charts import Chart, Series, Undrawn, draw, figure_of
from tools.plot import MOST_VALUES, Plots


def asked(*given: object, **options: object) -> Chart:
    plots = Plots()
    plots.plot(*given, **options)
    return plots.charts[0]


def size(png: bytes) -> tuple[int, int]:
    """https://www.w3.org/TR/png-3/#11IHDR"""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def sizes(drawn: Sequence[bytes | Undrawn]) -> list[tuple[int, int]]:
    return [size(png) for png in drawn if isinstance(png, bytes)]


def test_values_alone_names_and_series_are_all_understood() -> None:
    assert asked([1, 2]) == Chart("line", [Series("", [1, 2])], [])
    assert asked((1, 2), (Decimal("0.5"), True)) == Chart("line", [Series("", [0.5, 1])], [1, 2])
    assert asked({"a": [1], "b": [2]}, kind="bar").series == [Series("a", [1]), Series("b", [2])]
    assert asked(["x", "y"], {"a": [1, 2]}).x == ["x", "y"]
    assert asked({"x": 1, "y": 2}, kind="pie") == Chart("pie", [Series("", [1, 2])], ["x", "y"])
    assert asked([1, 2], x=["x", "y"]) == asked(["x", "y"], [1, 2]) == asked(y=[1, 2], x=["x", "y"])


def test_dates_stand_along_the_axis_in_iso_8601() -> None:
    chart = asked([date(2026, 1, 31), datetime(2026, 2, 28, 9)], [1, 2])  # noqa: DTZ001 - as the model may write it
    assert (chart.x, chart.dates) == (["2026-01-31", "2026-02-28T09:00:00"], True)


def test_what_cannot_be_printed_is_left_out_of_texts() -> None:
    assert asked([1], title="a\nb\0\ud800c").title == "a b  c"


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ((), {}, "Call plot(y)"),
        (([1], [1], [1]), {}, "Call plot(y)"),
        (("range(0, 3)",), {}, "'y' has to be a list"),
        ((5,), {}, "'y' has to be a list"),
        (({},), {}, "1 to 12 series, and not 0"),
        (({str(n): [1] for n in range(13)},), {}, "1 to 12 series, and not 13"),
        (({"a" * 61: [1]},), {}, "at most 60 characters"),
        (({1: [1]},), {}, "at most 60 characters"),
        (({"a": [1], "b": 2},), {}, "'b' has to be a list"),
        (([],), {}, "has 0 values"),
        (([0] * (MOST_VALUES + 1),), {}, "has 10,001 values"),
        (({"a": [0] * 6_000, "b": [0] * 6_000},), {}, "10,000 values in all"),
        (([1, "a"],), {}, "there is a str in it"),
        (([[1]],), {}, "there is a list in it"),
        (([float("nan")],), {}, "not finite or too large"),
        (([float("inf")],), {}, "not finite or too large"),
        (([10**400],), {}, "not finite or too large"),
        (([Decimal("sNaN")],), {}, "not finite or too large"),
        (([1, 2], [1]), {}, "x has 2 values"),
        (([1, "a"], [1, 2]), {}, "all numbers, all strings or all dates"),
        (([date(2026, 1, 1), 1], [1, 2]), {}, "all numbers, all strings or all dates"),
        (([datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)], [1, 2]), {}, "all with a time zone or all without"),
        ((["a" * 60] * 2_000, [1] * 2_000), {}, "100,000 characters in all"),
        (([date(1, 1, 1), date(2026, 1, 1)], [1, 2]), {}, "of the years 1000 to 3000"),
        (([datetime(9999, 12, 31, tzinfo=UTC)], [1]), {}, "of the years 1000 to 3000"),
        (([1],), {"kind": "surface"}, "plot has no kind 'surface'"),
        (([1],), {"kind": ["bar"]}, "plot has no kind list"),
        (([1],), {"color": "red"}, "plot has no option 'color'"),
        (([1],), {"title": 5}, "title has to be a string"),
        (([1],), {"title": "a" * 121}, "at most 120 characters"),
        (([1] * 201,), {"kind": "bar"}, "200 bars"),
        (([1],), {"kind": "pie"}, "one value a name"),
        (({"a": [1]},), {"kind": "pie"}, "one value a name"),
        (({"a": 0},), {"kind": "pie"}, "may not be negative, nor all 0"),
        (({"a": -1, "b": 2},), {"kind": "pie"}, "may not be negative, nor all 0"),
        (({str(n): 1 for n in range(21)},), {"kind": "pie"}, "20 slices"),
        (([1], [1]), {"kind": "hist"}, "values only"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(
    given: tuple[object, ...], options: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=r"\.$") as error:
        asked(*given, **options)
    assert said in str(error.value)


async def test_every_kind_is_drawn_in_one_process() -> None:
    charts = [
        asked([1, 2, 3], title="$\\frac{$ {x_2", x_label="%s", y_label="Ω мир بغداد"),
        asked([date(2026, 1, 1), date(2026, 6, 1)], {"a": [1, -2], "_b": [1e300, -1e300]}),
        asked([f"a long name {n}" for n in range(200)], {"a": [1] * 200, "b": [2] * 200}, kind="bar"),
        asked({"a": [1], "b": [2, 3]}, kind="bar"),
        asked([date(2026, 1, 1)], [5], kind="bar"),
        asked([0.5, 1.5], [2, 2], kind="scatter"),
        asked({"a": 3, "b" * 60: 0, "c": 1}, kind="pie"),
        asked({"a": [1, 1, 1], "b": list(range(9_000))}, kind="hist"),
    ]
    drawn = await draw(charts)
    assert sizes(drawn) == [(1000, 600)] * 8
    assert len(set(drawn)) == 8


async def test_what_hardly_differs_and_what_lies_far_apart_is_drawn() -> None:
    east, west = (timezone(timedelta(hours=hours)) for hours in (23, -23))
    charts = [
        asked([1, 1.0000000000000002], kind="hist"),
        asked({"a": [1, 2], "b": [1e18 + n for n in range(100)]}, kind="hist"),
        asked([1e300] * 3, kind="hist"),
        asked([0, 5e-324], kind="hist"),
        asked([-1e300, 1e300], kind="hist"),
        asked([1e18 + n for n in range(100)], list(range(100)), kind="scatter"),
        asked([datetime(1000, 1, 1, tzinfo=east), datetime(3000, 12, 31, tzinfo=west)], [1, 2]),
        asked([datetime(1000, 1, 1, tzinfo=west), datetime(3000, 12, 31, tzinfo=east)], [1, 2]),
        asked([date(3000, 12, 31)], [1], kind="scatter"),
    ]
    assert sizes(await draw(charts)) == [(1000, 600)] * 9


async def test_a_chart_that_cannot_be_drawn_takes_no_other_with_it() -> None:
    first, second, third = await draw([asked([1]), Chart("pie", []), asked([1])])
    assert sizes([first, third]) == [(1000, 600)] * 2
    assert isinstance(second, Undrawn)
    assert str(second) == "It cannot be drawn."


def test_a_name_that_is_turned_ends_below_its_own_bar() -> None:
    figure = figure_of(asdict(asked([f"category {n}" for n in range(60)], [1] * 60, kind="bar")))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    bar = axes.patches[1].get_window_extent().x0 - axes.patches[0].get_window_extent().x0
    for place, name in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        assert name.get_window_extent().x1 == pytest.approx(axes.transData.transform((place, 0))[0], abs=bar)


@pytest.mark.parametrize("name", ["a", "a series with a long name", "W" * 59])
@pytest.mark.parametrize("several", [1, 12])
def test_the_legend_stands_below_the_data_and_within_the_picture(name: str, several: int) -> None:
    figure = figure_of(asdict(asked({f"{name}{number:x}"[:60]: [1, 2] for number in range(several)})))
    figure.draw_without_rendering()
    legend, axes = figure.legends[0].get_window_extent(), figure.axes[0].get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= 1000
    assert 0 <= legend.y0 < legend.y1 <= axes.y0
    assert axes.height > 200


def test_each_series_has_a_color_of_its_own() -> None:
    (axes,) = figure_of(asdict(asked({str(number): [1] for number in range(12)}))).axes
    assert len({line.get_color() for line in axes.get_lines()}) == 12


async def test_drawing_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Undrawn, match="took too long"):
        await draw([asked([1])], seconds=0.01)


async def test_a_process_that_fails_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.charts.__name__", "tools.nothing")
    with pytest.raises(Undrawn, match="Drawing failed"):
        await draw([asked([1])])


async def test_characters_that_no_font_has_are_told_in_place_of_boxes() -> None:
    none = "\U000e0fff\U000e0ffe"  # nobody's
    chart = Chart("bar", [Series("", [1, 2])], ["a", none], title=f"b{none}")
    first, second = await draw([asked([1]), chart])
    assert sizes([first]) == [(1000, 600)]
    assert isinstance(second, Undrawn)
    assert str(second).startswith(f"No font here has these characters: {none[0]}, {none[1]}. Write")


@pytest.mark.filterwarnings("error")
def test_what_the_first_font_lacks_is_drawn_with_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager, other = font_manager.fontManager, "STIXNonUnicode"
    copied = copy(Path(get_data_path(), "fonts", "ttf", "STIXNonUni.ttf"), tmp_path)
    monkeypatch.setattr(manager, "ttflist", [one for one in manager.ttflist if one.name == fonts.FIRST])
    manager.addfont(copied)
    families, lacking = fonts.families(["a\ue000", "\ue001国"])
    assert (families, lacking) == ([fonts.FIRST, other], "国")
    figure_of(asdict(asked([1])) | {"title": "a\ue000\ue001"}, families).draw_without_rendering()


def test_a_font_that_cannot_be_read_has_no_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [font_manager.FontEntry(fname=str(tmp_path / "gone.ttf"), name="Gone", style="normal")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist, *entries])
    assert fonts.families(["日"]) == ([fonts.FIRST], "日")


async def test_a_drawing_waits_for_its_place_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.charts.PATIENCE", 0.01)
    with pytest.raises(Undrawn, match="Too much is being drawn"):
        await draw([asked([1])], places=asyncio.Semaphore(0))


async def test_a_picture_that_is_too_large_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.charts.LARGEST", 100)
    (picture,) = await draw([asked([1])])
    assert str(picture) == "The picture is too large."
