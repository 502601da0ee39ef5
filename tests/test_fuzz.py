"""A few examples of each target of `tests.fuzz`, always the same; `python -m tests.fuzz` tries thousands of others."""

from __future__ import annotations

import pytest

from tests.fuzz.all import TARGETS
from tests.fuzz.targets import Target
from tests.fuzz.trying import tried


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_input_of_any_form_leaves_parley_as_it_should_be(target: Target) -> None:
    report = tried(target, target.few, seed=1)
    assert not report.findings, report.details()
    assert report.examples >= target.few
