"""The core's benchmark, in its smallest sizes: its figures are whole, and a wrong answer is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import StringIO

import pytest
from rich.console import Console

from bot import handler
from bot.models.port import ModelEvent, ModelRequest, Turn, UserText
from tests.benchmarks import core
from tests.benchmarks.core import Bench, Sizes
from tests.benchmarks.core_side import COUNTED, WARM_UP, measure
from tests.benchmarks.instant import InstantModel
from tests.benchmarks.screen import Screen
from tests.benchmarks.task import Found, Task

SMALL = Sizes(turns=((4, 8),), waiting=6, old=(10, 240), old_turns=3, idle=5, answered=(5,), streaming=5)


ODD = WARM_UP + 2
"""The question that the models of these tests do not answer as they should."""


def is_odd(request: ModelRequest) -> bool:
    return any(f"(question {ODD})" in item.text for item in request.items if isinstance(item, UserText))


class Mistaken(InstantModel):
    """Says something else instead of one answer."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if is_odd(request):
            yield Turn("Oh.")
            return
        async for event in super().stream(request):
            yield event


class Silent(InstantModel):
    """Never comes to the end of one answer."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if is_odd(request):
            await asyncio.Event().wait()
        async for event in super().stream(request):
            yield event


def here(task: Task) -> Found:
    return asyncio.run(measure(task))


def shown(*parts: str) -> tuple[str, list[str]]:
    """What is printed of these parts, and what is wrong."""
    out = StringIO()
    faults = Bench(SMALL, here, Console(file=out, width=160).print).run(parts)
    return out.getvalue(), faults


def test_the_figures_of_turns_are_printed_and_whole() -> None:
    printed, faults = shown("turns", "threads")
    assert faults == []
    assert all(text in printed for text in ("CPU, bare loop = 1", "first p99", "MAX_CONCURRENT_RUNS", "statements"))
    assert "inf" not in printed


def test_messages_that_wait_are_all_answered_in_the_end() -> None:
    assert shown("waiting")[1] == []


def test_a_turn_is_measured_with_its_times_and_what_it_asks_of_the_store() -> None:
    found = here(Task("long", turns=2, old=20))
    assert (found.turns, len(found.firsts), len(found.wholes)) == (2, 2, 2)
    assert 0 < found.beside < found.cpu
    assert all(0 < first <= whole for first, whole in zip(found.firsts, found.wholes, strict=True))
    assert (found.transactions, found.statements) == (5, 44 / COUNTED)


@pytest.mark.parametrize("kind", ["stored", "answered", "streaming"])
def test_memory_is_taken_while_all_that_is_asked_for_is_there(kind: str) -> None:
    found = here(Task(kind, turns=5, old=5))  # type: ignore[arg-type]
    assert found.problems == []
    assert 0 < found.memory <= found.peak


async def test_an_answer_that_is_not_what_the_model_said_is_found() -> None:
    found = await measure(Task("parley", turns=3), Mistaken())
    assert [problem.split(" instead")[0] for problem in found.problems] == [f"question {ODD} was answered with 'Oh.'"]


async def test_an_answer_that_does_not_come_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "GRACE", 0.0)
    found = await measure(Task("parley", turns=3, at_once=3, patience=0.5), Silent())
    assert list(found.problems) == [f"question {ODD} has no answer"]


async def test_an_answer_that_is_shown_twice_is_found() -> None:
    screen = Screen()
    screen.expect(1)
    for _ in range(2):
        screen.show(1, "Hello", new=True, last=True)
    assert list(screen.problems()) == ["question 1 has 2 answers"]


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["question 1 has no answer"], 1)])
def test_what_is_wrong_is_told_and_ends_the_benchmark_with_1(
    problems: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(core, "in_a_process", lambda task: Found(problems=problems))
    monkeypatch.setattr("sys.argv", ["core", "--quick", "--only", "waiting"])
    with pytest.raises(SystemExit) as ended:
        core.main()
    assert ended.value.code == code
    assert capsys.readouterr().out.count("question 1 has no answer") == 2 * code
