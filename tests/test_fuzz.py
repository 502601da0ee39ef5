"""A few examples of each target of `tests.fuzz`, always the same; `python -m tests.fuzz` tries thousands of others."""

from __future__ import annotations

import pytest

from tests.fuzz.all import TARGETS
from tests.fuzz.findings import Finding, nothing_inside
from tests.fuzz.targets import Target
from tests.fuzz.trying import tried


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_input_of_any_form_leaves_parley_as_it_should_be(target: Target) -> None:
    report = tried(target, target.few, seed=1)
    assert not report.findings, report.details()
    assert report.examples >= target.few


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last):",
        'File "/x", line 3',
        "in /usr/lib/site-packages/aiohttp",
        "engine.py",
        "<class 'int'>",
        "<foo object at 0x7f>",
        "KeyError",
        "a CancelledException",
        "It was ReadTimeout.",
        "'NoneType' has no",
        "['zq', 1]",
        "{'zq': None}",
        "a dataclass",
        "sqlite3",
        "(sqlalchemy)",
        "<coroutine zq>",
        "<function zq>",
        "<bound method zq>",
        "<Task pending>",
        "<Future pending>",
    ],
)
def test_what_is_from_the_inside_is_told(text: str) -> None:
    with pytest.raises(Finding, match="internal text reaches people"):
        nothing_inside(["Well.", f"Sorry: {text}"], "people")


@pytest.mark.parametrize(
    "text",
    [
        "That took too long just now. Please press the button again.",
        "There is an error in line 3 of the file: a class has no object at all.",
        "Error: the exception to the rule. A timeout, and none of its type.",
        'In the list ["zq"] is one word, and {"zq": 1} is JSON.',
        "<@U1> asked for <#C1>, a task for the future.",
        "Python, SQL and happy.pyramids",
    ],
)
def test_ordinary_sentences_are_not_from_the_inside(text: str) -> None:
    nothing_inside([text], "people")
