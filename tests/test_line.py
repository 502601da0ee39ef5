"""The line of threads whose messages wait."""

from __future__ import annotations

import pytest

from bot.line import Line


@pytest.fixture
def line() -> Line:
    return Line()


def left(line: Line) -> list[str]:
    return list(iter(line.next, None))


def test_threads_come_in_the_order_in_which_they_joined_and_once_each(line: Line) -> None:
    for thread in ("a", "b", "a"):
        line.join(thread)
    assert left(line) == ["a", "b"]
    assert not line


def test_a_thread_waits_for_the_run_before_it_and_lines_up_when_that_is_over(line: Line) -> None:
    line.begin("a")
    line.join("a")
    line.join("b")
    assert line.next() == "b"
    assert line.next() is None
    line.join("c")
    line.end("a")
    assert left(line) == ["c", "a"]


def test_a_thread_whose_last_run_is_delivered_while_its_next_one_begins_is_busy_until_both_are_over(line: Line) -> None:
    line.begin("a")
    line.begin("a")
    line.join("a")
    line.end("a")
    assert line.next() is None
    line.end("a")
    assert line.next() == "a"


def test_a_thread_that_was_put_off_comes_again_when_any_run_has_ended(line: Line) -> None:
    line.begin("b")
    line.put_off("a")
    assert not line
    line.end("b")
    assert (line.ends, left(line)) == (1, ["a"])
    line.begin("b")
    line.end("b")
    assert not line


def test_who_waits_for_the_run_before_is_not_looked_at_when_others_end(line: Line) -> None:
    for number in range(100):
        line.begin(str(number))
        line.join(str(number))
    assert line.next() is None
    line.end("7")
    assert line
    assert left(line) == ["7"]
