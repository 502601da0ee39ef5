"""What people read where an answer cites passages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assistants.types import ToolCall
from bot.citations import Source, cited, mark, sources

KNOWN = {
    12: Source("file_1", "travel.pdf", "page 3"),
    13: Source("file_1", "travel.pdf", "page 4"),
    40: Source("file_2", "prices.csv", "rows 2–9"),
    41: Source("file_3", "prices.csv", "rows 2–9"),
}


PASSAGE = {"mark": mark(12), "document": "file_1", "file": "travel.pdf", "place": "page 3", "text": "…"}


def search(**output: object) -> ToolCall:
    return ToolCall("call_1", "file_search", "{}", output=json.dumps(output))


def test_marks_become_numbers_and_the_end_tells_what_they_are() -> None:
    said = "Hotels up to 120 € 【40】, trains always【12】. Keep the bills 【12】【40】."
    assert cited(said, KNOWN, final=True) == (
        "Hotels up to 120 € [1], trains always [2]. Keep the bills [2] [1].\n\n"
        "Sources: [1] prices.csv, rows 2–9 · [2] travel.pdf, page 3"
    )


@pytest.mark.parametrize("known", [KNOWN, {}])
def test_a_mark_that_nobody_has_given_is_left_out(known: Mapping[int, Source]) -> None:
    assert cited("So it is 【99】.", known, final=True) == "So it is."


def test_two_files_of_one_name_have_two_numbers() -> None:
    assert cited("Ten 【40】, or twelve 【41】.", KNOWN, final=True) == (
        "Ten [1], or twelve [2].\n\nSources: [1] prices.csv, rows 2–9 · [2] prices.csv, rows 2–9"
    )


def test_names_of_files_are_no_markup_and_one_line() -> None:
    known = {1: Source("file_1", "**bold** [x](http://evil)\n# a.txt", "section WWW.evil.com")}
    shown = cited("Yes 【1】", known, final=True)
    named = "\\*\\*bold\\*\\* \\[x\\](http:\u200b//evil) \\# a.txt, section WWW\u200b.evil.com"
    assert shown == f"Yes [1]\n\nSources: [1] {named}"


@pytest.mark.parametrize("after", ["(https://evil.com)", "[2]", ": https://evil.com"])
def test_a_number_is_no_link_whatever_follows_it(after: str) -> None:
    assert cited(f"Yes 【12】{after}", KNOWN, final=True).startswith(f"Yes [1]\u200b{after}")


def test_the_passages_of_a_search_are_its_sources() -> None:
    assert sources(search(passages=[PASSAGE])) == {12: KNOWN[12]}


@pytest.mark.parametrize(
    "call",
    [
        ToolCall(
            "call_1",
            "forecast",
            "{}",
            output='{"passages": [{"mark": "【1】", "document": "f", "file": "a", "place": "b"}]}',
        ),
        ToolCall("call_1", "file_search", "{}", output='{"passages": [{"mark": "【1】"}]}', failed=True),
        ToolCall("call_1", "file_search", "{}", output="cut in the mid"),
        ToolCall("call_1", "file_search", "{}"),
        search(note="nothing"),
        search(passages=[{"file": "a"}]),
        search(passages=7),
    ],
)
def test_other_calls_and_broken_outputs_have_none(call: ToolCall) -> None:
    assert sources(call) == {}


PARTS = ("It is so", "(", ":", " 【12】", "【40】", "【99】", ".", "\n\n", " 【", "1", "】")


@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_what_was_shown_of_a_growing_answer_stays(parts: list[str]) -> None:
    text = "".join(parts)
    shown = [cited(text[:end], KNOWN, final=False) for end in range(len(text) + 1)]
    assert all(later.startswith(before) for before, later in pairwise(shown))
    assert cited(text, KNOWN, final=True).startswith(shown[-1].rstrip())
