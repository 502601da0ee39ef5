"""Budgets of people who ask in one thread, runs that have used much already, and rooms that are full."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.assistants.types import Author, Usage
from bot.models.port import Call, Turn
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel

EVENING = datetime(2026, 11, 28, 19, 0, tzinfo=UTC).timestamp()
USED_UP = (
    "Your budget for today is used up, so I did not work on this. It resets at 00:00 UTC, in 5 hours. "
    "Please ask me again then."
)
CLEO = Author("U3", "Cleo")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "p.db", model, clock=HandClock(EVENING)) as made:
        yield made


async def uses_up(parley: Parley, model: ScriptedModel, by: Author) -> None:
    """One answer of 15 tokens is all that each person has."""
    await parley.alice.command("budget set person day 15 tokens", admin=True)
    model.say("Yes.")
    await parley.alice.say("Really?", by=by, thread="elsewhere")
    await parley.quiet()
    parley.room.posts.clear()


@pytest.mark.parametrize("order", [(ALICE, BOB), (BOB, ALICE)])
async def test_nobodys_question_is_refused_or_paid_by_somebody_else(
    parley: Parley, model: ScriptedModel, order: tuple[Author, Author]
) -> None:
    await uses_up(parley, model, ALICE)
    gate = model.hold("Well.")
    await parley.alice.say("First?", by=CLEO)
    await gate.reached.wait()
    for author in order:
        await parley.alice.say(f"{author.name}'s?", by=author)
    model.say("For Bob.")
    gate.open()
    await parley.quiet()
    assert parley.room.answers == ["Well.", "For Bob.", USED_UP]
    asked = [item.text for item in model.requests[-1].items if hasattr(item, "text")]
    assert "Bob's?" in asked
    assert "Alice's?" not in asked


async def test_what_a_run_has_used_so_far_counts_before_it_is_over(parley: Parley, model: ScriptedModel) -> None:
    await parley.alice.command("budget set workspace day 150k tokens", admin=True)
    call = Call("call_1", "forecast", '{"place": "Oslo"}')
    model.act(Turn("", calls=[call], usage=Usage(50_000, 10_000, 60_000), provider="script"))
    gate = model.hold("Snow.")
    await parley.alice.say("Oslo?", thread="one")
    await gate.reached.wait()
    await parley.alice.say("And you?", by=BOB, thread="two")
    assert len(model.requests) == 2
    model.say("Fine.")
    gate.open()
    await parley.quiet()
    assert parley.room.answers == ["Snow.", "Fine."]


async def test_a_thread_that_is_put_off_leaves_its_room_to_others(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model, clock=HandClock(EVENING), max_concurrent_runs=2) as parley:
        await parley.alice.command("budget set here day 1k tokens", admin=True)
        gates = [model.hold("One."), model.hold("Two.")]
        await parley.alice.say("1?", thread="1")
        await gates[0].reached.wait()
        await parley.alice.say("2?", thread="2", channel="C2")
        await gates[1].reached.wait()
        await parley.alice.say("3?", thread="3")  # there is no room, and the budget does for one at a time
        await parley.alice.say("4?", thread="4", channel="C2")
        four = model.hold("Four.")
        gates[1].open()
        await four.reached.wait()
        model.say("Three.")
        four.open()
        gates[0].open()
        await parley.quiet()
        assert sorted(parley.room.answers) == ["Four.", "One.", "Three.", "Two."]
