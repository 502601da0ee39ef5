"""Splitting a growing Markdown text into messages."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.text import Part, opened_by, split

LINES = st.sampled_from(
    [
        *["\n"] * 4,
        *["```python\n", "```\n", "  ```\n", "~~~~\n", "~~~\n", "``\n", "- ```js\n", "   ```\n", "````md\n", "> ```\n"],
        *["| a | b |\n", "|---|:-:|\n", "| 1 | two three |\n", "a | b\n", "--- | ---\n", "|" + "x" * 120 + "|\n"],
        *["    ~~~~~^^\n", "> \t~~~\n"],
        *["# Heading\n", "## Next\n", "- item one\n", "  - nested item\n", "1. first\n", "> quoted\n", "> more\n"],
        *["A sentence. Another one! A third?\n", "words " * 30 + "\n", "x" * 90, "x" * 700 + "\n", "e\u0301" * 150],
        *[
            "👩‍👩‍👧🏽🇩🇪 " * 20,
            "line\r\n",
            "\r\n",
            "   \n",
            " ",
            "`code` and &lt;tag> &amp; ",
            "Ende. ",
            "日本語。" * 40,
        ],
    ]
)
TEXTS = st.lists(LINES, max_size=40).map("".join)
LIMITS = st.sampled_from([200, 201, 260, 400, 1000])


def joined(parts: list[Part], source: str) -> str:
    return "".join(source[part.start : part.end] for part in parts)


def unbalanced(text: str) -> bool:
    fence = None
    for line in text.split("\n"):
        if fence is None or fence.ends_before(line):
            fence = opened_by(line)
        elif fence.closed_by(line):
            fence = None
    return fence is not None


def answer() -> str:
    """60,000 characters as a model writes them."""
    prose = "The service keeps its state in one file. " * 12 + "\n\n"
    nested = "".join(f"- point {n}\n  - detail {n}.1 with `code`\n  - detail {n}.2\n" for n in range(15)) + "\n"
    code = (
        "```python\n" + "".join(f"def step_{n}(x: int) -> int:\n    return x + {n}\n\n" for n in range(60)) + "```\n\n"
    )
    table = "| Name | Count |\n|:-----|------:|\n" + "".join(f"| row {n} | {n * 7} |\n" for n in range(300)) + "\n"
    text = "# Report\n\n" + prose * 8 + nested + code + table
    while len(text) < 60_000:
        text += "## Section\n\n" + prose * 3 + nested + code + table[:400].rsplit("\n", 1)[0] + "\n\n"
    return text


@settings(max_examples=150, deadline=None)
@given(TEXTS, LIMITS, st.booleans())
def test_no_part_is_larger_than_the_limit_and_nothing_of_the_source_is_lost(
    source: str, limit: int, final: bool
) -> None:
    parts = split(source, limit, final=final)
    assert joined(parts, source) == source
    assert all(len(part.whole()) <= limit for part in parts)
    assert [part.closed for part in parts] == [True] * (len(parts) - 1) + [False]
    assert all(part.end > part.start and part.text.strip() for part in parts[:-1])


def grows(source: str, limit: int, step: int, cuts: list[int]) -> None:
    """Feeds `source` step by step and asserts that nothing which was shown is ever taken back."""
    whole = split(source, limit, cuts=cuts, final=True)
    shown: dict[int, str] = {}
    for end in [*range(0, len(source), step), len(source)]:
        parts = split(source[:end], limit, cuts=[cut for cut in cuts if cut <= end], final=False)
        assert [part for part in parts if part.closed] == whole[: len(parts) - 1]
        for part in parts:
            assert part.whole().startswith(shown.get(part.start, ""))
            shown[part.start] = part.text
    for part in whole:
        assert part.whole().startswith(shown.get(part.start, ""))


@settings(max_examples=150, deadline=None)
@given(TEXTS, LIMITS, st.integers(1, 37))
@example("| a |\n" + "|---|\n" + "| 1 |\n" * 60, 200, 1)
@example("x" * 150 + "\n\n" + "| a |\n" + "|---|\n" + "| 1 |\n" * 9, 200, 1)
@example("```\n" + "code\n" * 34 + "```\nafter\n", 200, 1)
@example("Word. " * 25 + "\n```\ncode\n```\n", 200, 1)
@example("x" * 138 + "\n|" + "h" * 57 + "|\n|---|\n| 1 |\n", 200, 1)
def test_what_was_shown_is_never_taken_back(source: str, limit: int, step: int) -> None:
    grows(source, limit, step, [])


@settings(max_examples=100, deadline=None)
@given(TEXTS, LIMITS, st.integers(1, 37), st.lists(st.integers(1, 1500), max_size=4))
def test_given_cuts_are_honoured_and_stay(source: str, limit: int, step: int, cuts: list[int]) -> None:
    cuts = [cut for cut in cuts if cut <= len(source)]
    assert {*cuts} <= {part.end for part in split(source, limit, cuts=cuts, final=True)[:-1]}
    assert joined(split(source, limit, cuts=cuts, final=True), source) == source
    grows(source, limit, step, cuts)


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.sampled_from([200, 400]))
def test_another_measure_of_size_is_kept(source: str, limit: int) -> None:
    parts = split(source, limit, final=True, size=lambda text: len(text.encode()))
    assert joined(parts, source) == source
    assert all(len(part.whole().encode()) <= limit for part in parts)


@settings(max_examples=100, deadline=None)
@given(TEXTS, LIMITS)
def test_every_closed_part_has_its_fences_balanced(source: str, limit: int) -> None:
    assert not [part.whole() for part in split(source, limit, final=False) if part.closed and unbalanced(part.whole())]


@pytest.mark.parametrize("limit", [11_500, 1_900])
def test_a_long_answer_arrives_whole(limit: int) -> None:
    source, rows, inside = answer(), 0, 0
    parts = split(source, limit, final=True)
    for part in parts:
        assert len(part.whole()) <= limit
        assert part.whole().count("```") % 2 == 0
        assert not part.text.startswith("\n")
        own = source[part.start : part.end]
        assert part.text.endswith(own)
        assert part.text.removesuffix(own) in ("", "```python\n", "| Name | Count |\n|:-----|------:|\n")
        inside += len(own)
        if re.search(r"^\| row", part.text, re.MULTILINE):
            assert part.text.index("|:-----|------:|\n") < part.text.index("| row")
            rows += part.text.count("| row")
    assert inside == len(source) >= 60_000
    assert rows == source.count("| row") >= 300


def test_a_fence_is_closed_and_reopened_with_its_language() -> None:
    first, second = split("~~~~python\n" + "x = 1\n" * 50 + "~~~~\n", 300, final=True)[:2]
    assert first.closing == "~~~~"
    assert first.whole().endswith("\nx = 1\n~~~~")
    assert second.text.startswith("~~~~python\nx = 1\n")


def test_a_fence_in_a_list_keeps_its_indentation() -> None:
    source = "1. Do this:\n   ```sh\n" + "   make all\n" * 40 + "   ```\n2. Done.\n"
    first, second = split(source, 300, final=True)[:2]
    assert first.closing == "   ```"
    assert second.text.startswith("   ```sh\n   make all\n")


TRACEBACK = """Traceback (most recent call last):
  File "<code>", line 1, in <module>
    total / 0
    ~~~~~~^~~
ZeroDivisionError: division by zero
"""


@pytest.mark.parametrize("before", ["", "> "])
def test_marks_below_what_an_error_came_from_open_no_fence(before: str) -> None:
    text = "".join(f"{before}{line}" for line in TRACEBACK.splitlines(keepends=True))
    assert [part.whole() for part in split(text, 1000, final=True)] == [text]


@pytest.mark.parametrize("lead", ["", "   ", "> ", ">    ", "1.  ", "    - "])
def test_tildes_open_a_fence_where_they_are_no_code_by_their_indentation(lead: str) -> None:
    assert opened_by(f"{lead}~~~ python")


def test_a_table_behind_the_soft_mark_moves_whole_into_the_next_part() -> None:
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 5
    prose, moved = split("Word. " * 25 + "\n\n" + table, 200, final=True)
    assert prose.text.rstrip() == ("Word. " * 25).rstrip()
    assert moved.text == table


def test_a_table_head_keeps_its_delimiter_row() -> None:
    head = "| " + "h" * 44 + " |\n|---|\n"
    first, second = split("x" * 130 + "\n" + head + "| 1 |\n" * 4, 200, final=True)
    assert first.text.endswith(head)
    assert second.text == head + "| 1 |\n" * 4


def test_a_row_larger_than_the_limit_is_divided_under_its_head() -> None:
    head = "| a |\n|---|\n"
    parts = split(head + "| " + "cell " * 100 + "|\n| 2 |\n", 200, final=True)
    assert len(parts) > 2
    assert all(part.text.startswith(head) for part in parts)


def test_a_heading_does_not_stay_behind_alone() -> None:
    below = "Text. " * 20
    early, late = ("Word. " * count + "\n\n## Heading\n\n" + below for count in (21, 24))
    assert "## Heading\n\nText." in split(early, 200, final=True)[0].text
    assert split(late, 200, final=True)[1].text.startswith("## Heading\n\nText.")


def test_a_long_line_is_divided_behind_a_sentence() -> None:
    first = split("One two three. " * 30, 200, final=True)[0]
    assert first.text.endswith("three. ")


def test_no_character_as_people_see_it_is_divided() -> None:
    for piece in ("👩‍👩‍👧🏽", "🇩🇪", "e\u0301", "&lt;", "\\*", "&lt;\u200b!"):
        for part in split(piece * 200, 200, final=True):
            assert part.text == piece * (len(part.text) // len(piece))


def test_a_message_does_not_begin_with_blank_lines() -> None:
    source = "\n\n" + "Word. " * 25 + "\n\n\n\n\n" + "More. " * 25
    assert [part.text[:4] for part in split(source, 200, final=True)] == ["Word", "More"]
    assert split("a" * 190 + " " * 90 + "b", 200, final=True)[1].text == "b"


def test_blank_text_is_one_empty_part() -> None:
    assert split("", 200, final=False) == [Part(0, 0, "", "", False)]
    assert split("\n \n", 200, final=True) == [Part(0, 3, "", "", False)]


def test_a_part_closed_by_age_reopens_its_table_and_its_fence() -> None:
    table = "| a |\n|---|\n| 1 |\n"
    assert [part.whole() for part in split(table + "| 2 |\n", 200, cuts=[len(table)], final=True)] == [
        table,
        "| a |\n|---|\n| 2 |\n",
    ]
    assert [part.whole() for part in split("```\none\ntwo\n```", 200, cuts=[8], final=True)] == [
        "```\none\n```",
        "```\ntwo\n```",
    ]


def test_a_table_that_was_over_at_the_cut_is_not_reopened() -> None:
    table = "| a |\n|---|\n| 1 |\n"
    assert [part.text for part in split(table + "\nText", 200, cuts=[len(table)], final=True)] == [table, "Text"]


def test_time_is_linear_in_the_source() -> None:
    source = answer()
    began = time.perf_counter()
    for text in (source, source.replace("\n", " "), "|" * 60_000, "`" * 60_000, "\n" * 60_000, "[a](" * 15_000):
        split(text, 1_900, final=False)
    assert time.perf_counter() - began < 2
