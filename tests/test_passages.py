"""How a text is cut into passages, and where they say that they stand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents import lines, rows
from bot.documents.passages import LEAST, MOST, OVERLAP, TARGET, Passage, Place
from tests import documents

SENTENCE = "The weir at the old mill is measured every ten minutes, by radar, all year. "
FENCED = "```\n# no heading\n```\n"


def of_markdown(text: str) -> list[Passage]:
    return list(lines.passages(lines.markdown(text), "lines"))


def of_text(text: str) -> list[Passage]:
    return list(lines.passages(lines.plain(text), "lines"))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place("page", 3, 3), "page 3"),
        (Place("lines", 120, 151), "lines 120–151"),
        (Place("lines", 7, 7), "line 7"),
        (Place("lines", 7, 9, "Handbook › Refunds"), "section Refunds, lines 7–9"),
        (Place("rows", 2, 40), "rows 2–40"),
        (Place("rows", 2, 40, "Prices"), "sheet Prices, rows 2–40"),
        (Place("text", 2, 40, "Handbook › Refunds"), "section Refunds"),
        (Place("text", 2, 40), "lines 2–40 of its text"),
    ],
)
def test_a_place_reads_as_a_citation(place: Place, said: str) -> None:
    assert str(place) == said


LINES = st.lists(
    st.tuples(
        st.sampled_from(
            ["", "# ", "## ", "### ", "- ", "    ", "```\n", "| a | b |\n|---|---|\n| ", "\n\n", "Title\n===\n"]
        ),
        st.sampled_from([0, 1, 3, 20, 200, 1000]),
        st.sampled_from([" ", ". ", "\t", "! | "]),
    ),
    max_size=30,
)


def written(shapes: list[tuple[str, int, str]]) -> str:
    """A text of which each word is another one."""
    count = itertools.count()
    return "\n".join(
        mark + between.join(f"w{next(count)}x" for _ in range(words)) + "\n" * (words % 2)
        for mark, words, between in shapes
    )


@pytest.mark.parametrize("cut", [of_markdown, of_text])
@given(shapes=LINES)
def test_each_word_is_in_a_passage_that_names_its_line(
    cut: Callable[[str], list[Passage]], shapes: list[tuple[str, int, str]]
) -> None:
    text = written(shapes)
    found = cut(text)
    for number, line in enumerate(text.split("\n"), 1):
        near = [word for one in found if one.place.first <= number <= one.place.last for word in one.text.split()]
        assert {*line.split()} <= {*near}


@given(st.text())
def test_each_character_of_any_text_is_in_some_passage(text: str) -> None:
    for found in (of_markdown(text), of_text(text)):
        assert {*"".join(one.text for one in found)} - {"\n"} >= {*"".join(text.split())}


@given(LINES)
def test_no_passage_is_empty_or_long(shapes: list[tuple[str, int, str]]) -> None:
    for one in of_markdown(written(shapes)):
        assert one.text.strip()
        assert len(one.text) <= MOST + 2 * OVERLAP + 20
        assert 1 <= one.place.first <= one.place.last


def test_a_word_without_end_is_cut_and_kept() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(4802))
    found = of_text(text)
    assert {*"".join(one.text for one in found)} == {*text}
    assert all(LEAST <= len(one.text) <= MOST for one in found[:-1])


def test_prose_is_cut_between_sentences_and_goes_on_with_the_last_ones() -> None:
    found = of_text(SENTENCE * 60)
    assert all(one.text.startswith("The weir") and one.text.endswith("year.") for one in found)
    assert all(LEAST <= len(one.text) <= MOST for one in found[:-1])
    assert sum(one.text.count("radar") for one in found) == 60 + 2 * (len(found) - 1)


def test_paragraphs_stay_whole_where_they_can() -> None:
    paragraphs = [f"Paragraph {number}. {SENTENCE * 5}".strip() for number in range(12)]
    found = of_text("\n\n".join(paragraphs))
    assert all(one.text.endswith("year.") for one in found)
    assert all(any(paragraph in one.text for one in found) for paragraph in paragraphs)


def test_sections_are_passages_and_bear_the_path_of_their_headings() -> None:
    text = f"# Rules\n\n## Trains\n\n{SENTENCE * 11}\n\n## Planes\n\n### Seats\n\n{SENTENCE * 11}\n"
    trains, planes = of_markdown(text)
    assert (trains.place.heading, planes.place.heading) == ("Rules", "Rules › Planes")
    assert str(planes.place) == "section Planes, lines 7–11"
    assert planes.indexed("the-rules_2031.md").startswith(
        "the rules 2031\nRules › Planes\n## Planes\n\n### Seats\n\nThe weir"
    )


def test_short_sections_share_a_passage_that_names_the_first_and_the_last() -> None:
    text = "# Rules\n" + "".join(
        f"\n## {name}\n\n{SENTENCE * 4}\n" for name in ("Cars", "Bikes", "Ships", "Planes", "Feet")
    )
    first, second = of_markdown(text)
    assert (first.place.heading, second.place.heading) == ("Rules", "Rules › Planes … Feet")


def test_headings_are_those_that_markdown_knows() -> None:
    text = f"Setext\n======\n\n{FENCED}\n    # indented\n\n#no space\n\n## *Real* `one` ##\n\nText."
    assert [line.title for line in lines.markdown(text) if line.level] == ["Setext", "Real one"]


def test_a_heading_is_never_left_alone_at_an_end() -> None:
    text = "".join(f"## Section {number}\n\n{SENTENCE * (number % 7 + 1)}\n\n" for number in range(60))
    assert not [one for one in of_markdown(text) if one.text.rsplit("\n", 1)[-1].startswith("#")]


def test_a_long_table_has_its_header_in_each_passage_once() -> None:
    table = "| Error | Meaning |\n|:---|---:|\n" + "".join(f"| E{number} | {SENTENCE}|\n" for number in range(60))
    found = of_markdown(f"Errors are these:\n\n{table}\nThat is all.")
    assert len(found) > 3
    assert all(one.text.count("| Error | Meaning |\n|:---|---:|\n") == 1 for one in found)
    assert found[1].place.first > 5


@pytest.mark.parametrize("before", range(8, 22))
def test_the_header_of_a_table_is_never_left_alone_at_an_end(before: int) -> None:
    table = "| Error | Meaning |\n|---|---|\n" + f"| E | {SENTENCE}|\n" * 20
    for one in of_markdown(f"{SENTENCE.strip()}\n" * before + table):
        assert not one.text.endswith(("Meaning |", "---|"))


def test_what_can_be_cut_anywhere_is_cut_near_the_size_that_is_aimed_at() -> None:
    found = of_text("A line without any end, of which there are many here\n" * 300)
    assert all(abs(len(one.text) - TARGET) < 60 for one in found[:-1])


def test_code_is_cut_before_definitions() -> None:
    code = "import os\n\n\n" + "\n\n".join(
        f"def function_{number}():\n    a = {number}\n\n    b = 2\n" + "    return a + b\n" * 12 for number in range(20)
    )
    found = of_text(code)
    assert len(found) > 3
    ends = [one.text.rsplit("\n", 1)[-1] for one in found]
    assert ends == ["    return a + b"] * len(found)
    assert all("def function_" in one.text for one in found)


@pytest.mark.parametrize("name", ["ingest.py", "handbook.md", "supply-agreement.txt", "glossary.txt"])
def test_line_numbers_are_those_of_the_file(name: str) -> None:
    text = documents.text(name)
    for one in of_markdown(text) if name.endswith("md") else of_text(text):
        first, last = text.split("\n")[one.place.first - 1], text.split("\n")[one.place.last - 1]
        assert one.text.startswith(first)
        assert one.text.endswith(last)


def test_each_row_of_a_table_can_be_understood_alone() -> None:
    found = list(rows.separated("Article;Price\nA-1;9.50\nB-2;\n"))
    assert [one.text for one in found] == ["Article | Price\n\nArticle: A-1\nPrice: 9.50\n\nArticle: B-2"]
    assert str(found[0].place) == "rows 1–3"


def test_rows_are_not_cut_and_are_counted_as_in_a_spreadsheet() -> None:
    found = list(rows.separated("name,note\n" + "".join(f'row {n},"{SENTENCE}\n{n}"\n' for n in range(2, 80))))
    assert len(found) > 3
    assert all(one.text.startswith(("name | note", f"name: row {one.place.first}\n")) for one in found)
    assert found[-1].place.last == 79


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["name", "sum"], ["a b", "1"], ["c d", "2"]))
    assert "name: c d\nsum: 2" in next(iter(rows.separated(text))).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2\n3,4\n", "column 1: 1\ncolumn 2: 2\n\ncolumn 1: 3\ncolumn 2: 4"),
        ("a,a\nb,c\n", "column 1: a\ncolumn 2: a\n\ncolumn 1: b\ncolumn 2: c"),
        (
            "Prices of May,,\n,,\nname,sum,\na,1,extra\n",
            "Prices of May\n\nname | sum\n\nname: a\nsum: 1\ncolumn 3: extra",
        ),
        ("only,a header\n", "column 1: only\ncolumn 2: a header"),
        ("word\n", "column 1: word"),
    ],
)
def test_a_header_is_taken_for_one_only_where_it_is(text: str, said: str) -> None:
    assert [one.text for one in rows.separated(text)] == [said]


def test_a_row_that_is_longer_than_a_passage_says_in_each_part_which_it_is() -> None:
    header = ",".join(f"c{number}" for number in range(60))
    row = ",".join(f"value {number} {SENTENCE.replace(',', '')}" for number in range(60))
    _first, *others = rows.separated(f"{header}\n{row}\n")
    assert others
    assert all(one.text.startswith("c0: value 0 ") for one in others)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters='"\r\0'), max_size=40)


@given(st.lists(st.lists(CELLS, max_size=5), max_size=20))
def test_no_cell_is_lost(cells: list[list[str]]) -> None:
    found = "".join("".join(one.text.split()) for one in rows.passages(cells))
    assert all("".join(cell.split()) in found for row in cells for cell in row)
