"""Budgets: nobody goes beyond them by more than one run, whoever asks at once, and nobody goes unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.assistants.types import Author, Usage
from bot.budgets import RESERVED, RESTS
from bot.models.port import ModelEvent, ModelRequest, TextDelta, Turn
from bot.ports import Conversation, InboundMessage
from bot.store.schema import messages, runs, spending
from bot.toolbox import RegistryToolbox
from bot.view import View
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB, Room
from tests.scripted_model import ScriptedModel

EVENING = datetime(2026, 11, 28, 19, 0, tzinfo=UTC).timestamp()
ELSEWHERE = Conversation("room", "T2", "C1", "1")
TODAY = "It resets at 00:00 UTC, in 5 hours. Please ask me again then."
DECEMBER = "It resets on 1 December. Please ask me again then."


def used_up(whose: str, period: str = "today") -> str:
    resets = TODAY if period == "today" else DECEMBER
    return f"{whose} budget for {period} is used up, so I did not work on this. {resets}"


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "p.db", model, clock=HandClock(EVENING)) as made:
        yield made


async def set_to(parley: Parley, budget: str) -> None:
    said = await parley.alice.command(f"budget set {budget}", admin=True)
    assert " budget for " in said, said


async def ask(parley: Parley, by: Author = ALICE, channel: str = "C1") -> str:
    """What comes of a question in a thread of its own."""
    asked = await parley.alice.say("Really?", by=by, channel=channel, thread=f"{len(parley.room.posts)}")
    assert not asked.duplicate
    await parley.quiet()
    return parley.room.answers[-1]


async def tokens(parley: Parley) -> int:
    total = select(func.coalesce(func.sum(spending.c.prompt_tokens + spending.c.completion_tokens), 0))
    return int(await parley.core.database.read(lambda c: c.scalar(total)) or 0)


# -- who is held up ------------------------------------------------------------------------------------------------


async def test_who_has_used_up_their_budget_is_told_so_and_the_model_is_not_asked(
    parley: Parley, model: ScriptedModel
) -> None:
    await set_to(parley, "person day 15 tokens")
    model.say("Yes.")
    assert await ask(parley) == "Yes."
    assert await ask(parley) == used_up("Your")
    assert len(model.requests) == 1
    model.say("You may.")
    assert await ask(parley, BOB) == "You may."


async def test_a_channels_budget_is_used_by_all_who_ask_there(parley: Parley, model: ScriptedModel) -> None:
    await set_to(parley, "here month 30 tokens")
    for by in (ALICE, BOB):
        model.say("Yes.")
        assert await ask(parley, by) == "Yes."
    assert await ask(parley, Author("U3", "Cleo")) == used_up("This channel's", "this month")
    model.say("Here.")
    assert await ask(parley, channel="C2") == "Here."


async def test_a_workspaces_budget_is_used_in_all_its_channels(parley: Parley, model: ScriptedModel) -> None:
    await set_to(parley, "workspace day 30 tokens")
    for channel in ("C1", "C2"):
        model.say("Yes.")
        assert await ask(parley, channel=channel) == "Yes."
    assert await ask(parley, BOB, "C3") == used_up("Everybody's")


async def test_another_workspaces_spending_and_budgets_do_not_touch_this_one(
    parley: Parley, model: ScriptedModel
) -> None:
    await set_to(parley, "workspace day 15 tokens")
    await set_to(parley, "person day 15 tokens")
    for number in range(3):
        model.say(f"Elsewhere {number}.")
        await parley.core.accept(InboundMessage(ELSEWHERE, ALICE, "Really?", str(number)))
        await parley.quiet()
    model.say("Yes.")
    assert await ask(parley) == "Yes."
    assert parley.room.answers[:3] == [f"Elsewhere {number}." for number in range(3)]


async def test_of_several_budgets_that_are_used_up_the_last_to_reset_is_told(
    parley: Parley, model: ScriptedModel
) -> None:
    for budget in ("person day 10 tokens", "here month 10 tokens", "workspace day 10 tokens"):
        await set_to(parley, budget)
    model.say("Yes.")
    await ask(parley)
    assert await ask(parley) == used_up("This channel's", "this month")


async def test_a_budget_of_nothing_stops_everybody_from_the_next_question_on(parley: Parley) -> None:
    await set_to(parley, "here day 0")
    assert await ask(parley) == used_up("This channel's")


async def test_money_counts_by_the_prices_and_a_model_without_one_is_free(tmp_path: Path, model: ScriptedModel) -> None:
    path = tmp_path / "prices.toml"
    for name, allowed in (("gpt-test", 2), ("other", 4)):
        path.write_text(f'[models."{name}"]\ninput = 20000\noutput = 60000\n')  # $0.50 a call
        async with parley_at(tmp_path / f"{name}.db", model, prices=path, clock=HandClock(EVENING)) as parley:
            await set_to(parley, "workspace month $1")
            for _ in range(allowed):
                model.say("Yes.")
                assert await ask(parley) == "Yes."
            if name == "gpt-test":
                assert await ask(parley) == used_up("Everybody's", "this month")


# -- afterwards ----------------------------------------------------------------------------------------------------


async def test_a_raised_budget_lets_the_next_question_through(parley: Parley, model: ScriptedModel) -> None:
    await set_to(parley, "person day 10 tokens")
    model.say("Yes.")
    await ask(parley)
    for raised in ("person day 100 tokens", "person day off"):
        await set_to(parley, "person day 10 tokens")
        assert await ask(parley) == used_up("Your")
        await set_to(parley, raised)
        model.say("Again.")
        assert await ask(parley) == "Again."


async def test_a_new_day_brings_a_new_budget(parley: Parley, model: ScriptedModel) -> None:
    await set_to(parley, "person day 10 tokens")
    model.say("Yes.")
    await ask(parley)
    assert await ask(parley) == used_up("Your")
    parley.clock.advance(5 * 3_600)
    model.say("Good morning.")
    assert await ask(parley) == "Good morning."


async def test_a_refused_question_is_not_looked_up_and_its_refusal_survives_a_death(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.handler.GRACE", 0.1)
    room, shown = Room(), asyncio.Event()

    async def stuck(_view: View) -> None:
        shown.set()
        await asyncio.Event().wait()

    async with parley_at(tmp_path / "p.db", model, room=room, clock=HandClock(EVENING)) as parley:
        await set_to(parley, "person day 0")
        room.before = stuck
        await parley.alice.say("Really?", raw=True)
        await shown.wait()
    room.before = lambda _view: None
    async with parley_at(tmp_path / "p.db", model, room=room, clock=HandClock(EVENING)) as parley:
        await parley.quiet()
        assert (room.answers, room.lookups) == ([used_up("Your")], [])


async def test_a_question_that_was_refused_is_no_run_in_the_sums(parley: Parley, model: ScriptedModel) -> None:
    await set_to(parley, "person day 10 tokens")
    model.say("Yes.")
    for _ in range(3):
        await ask(parley)
    assert (await parley.alice.command("usage")).startswith("You, this month: 1 run, 15 tokens")


async def test_a_refusal_comes_after_the_answer_that_is_being_made_in_its_thread(
    parley: Parley, model: ScriptedModel
) -> None:
    gate = model.hold("Well.")
    await parley.alice.say("Really?")
    await gate.reached.wait()
    await set_to(parley, "person day 0")
    await parley.alice.say("And now?")
    await parley.alice.say("And then?")
    for _ in range(100):
        await asyncio.sleep(0)
    assert parley.room.answers == []
    gate.open()
    await parley.quiet()
    assert parley.room.answers == ["Well.", used_up("Your")]


# -- many at once --------------------------------------------------------------------------------------------------


class Spender:
    """Says yes for 30,000 tokens, after a while, and knows how many people it spoke to at once."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(50):
            await asyncio.sleep(0)
        self.now -= 1
        yield TextDelta("Yes.")
        yield Turn("Yes.", usage=Usage(20_000, 10_000, 30_000))

    async def check(self, model: str) -> str:
        return "fine"

    async def close(self) -> None:
        """Nothing is held open."""


@pytest.mark.parametrize(
    ("limit", "answered", "at_once"), [(100_000, 4, 2), (200_000, 7, 4), (29_000, 1, 1), (90_000, 3, 1)]
)
async def test_ten_people_at_once_overspend_a_budget_by_one_run_at_the_most(
    tmp_path: Path, limit: int, answered: int, at_once: int
) -> None:
    spender = Spender()
    async with parley_at(tmp_path / "p.db", spender, clock=HandClock(EVENING)) as parley:
        await set_to(parley, f"workspace day {limit} tokens")
        people = [Author(f"U{number}", f"Person {number}") for number in range(10)]
        await asyncio.gather(*(parley.alice.say("Really?", by=by, thread=by.id, channel=f"C{by.id}") for by in people))
        await parley.quiet()
        assert sorted(parley.room.answers) == sorted([used_up("Everybody's")] * (10 - answered) + ["Yes."] * answered)
        assert spender.calls == answered
        assert spender.most <= at_once
        assert await tokens(parley) == answered * 30_000 < limit + 30_000


async def test_where_the_budget_is_far_all_are_answered_at_once(parley: Parley, model: ScriptedModel) -> None:
    await set_to(parley, f"workspace day {10 * RESERVED} tokens")
    gates = [model.hold("Yes.") for _ in range(10)]
    await asyncio.gather(*(parley.alice.say("Really?", thread=str(number)) for number in range(10)))
    for gate in gates:
        await gate.reached.wait()
    for gate in gates:
        gate.open()
    await parley.quiet()
    assert parley.room.answers == ["Yes."] * 10


async def test_a_question_that_waits_for_the_budget_is_answered_when_the_run_before_it_ends(
    parley: Parley, model: ScriptedModel
) -> None:
    await set_to(parley, "person day 1k tokens")
    gate = model.hold("First.")
    await parley.alice.say("One?", thread="one")
    await gate.reached.wait()
    waits = await parley.alice.say("Two?", thread="two")
    assert waits.note == ""
    model.say("Not mine.")
    await parley.alice.say("Three?", by=BOB, thread="three")
    await parley.room.until(lambda room: len(room.answers) == 1)
    assert len(model.requests) == 2
    model.say("Second.")
    gate.open()
    await parley.quiet()
    assert sorted(parley.room.answers) == ["First.", "Not mine.", "Second."]


async def test_a_channel_whose_budget_is_nearly_used_up_holds_up_no_other_channel(
    parley: Parley, model: ScriptedModel
) -> None:
    for channel in ("C1", "C2"):
        await parley.alice.command("budget set here day 1k", admin=True, channel=channel)
    gates = [model.hold("Well.") for _ in range(2)]
    for channel, gate in zip(("C1", "C2"), gates, strict=True):
        await parley.alice.say("Really?", channel=channel)
        await gate.reached.wait()
    for gate in gates:
        gate.open()
    await parley.quiet()
    assert parley.room.answers == ["Well.", "Well."]


async def test_nothing_is_tried_over_and_over_while_a_question_waits(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    claim = type(parley.core.handler._inbox).claim

    async def counted(inbox: Any, thread_id: str) -> Any:
        tried.append(thread_id)
        return await claim(inbox, thread_id)

    monkeypatch.setattr(type(parley.core.handler._inbox), "claim", counted)
    await set_to(parley, "person day 1k tokens")
    gate = model.hold("First.")
    await parley.alice.say("One?", thread="one")
    await gate.reached.wait()
    waits = await parley.alice.say("Two?", thread="two")
    for _ in range(300):
        await asyncio.sleep(0)
    assert tried == [waits.thread_id]
    model.say("Second.")
    gate.open()
    await parley.quiet()
    assert len(tried) <= 3


async def test_a_run_that_ends_while_a_question_is_put_off_is_not_missed(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = parley.core.handler
    claim, go_on, gate, ended = type(handler._inbox).claim, handler._go_on_after, model.hold("First."), asyncio.Event()
    model.say("Second.")

    async def slow(inbox: Any, thread_id: str) -> Any:
        put_off = await claim(inbox, thread_id)
        gate.open()
        await ended.wait()
        return put_off

    async def gone_on(*run: Any) -> None:
        await go_on(*run)
        ended.set()

    monkeypatch.setattr(type(handler._inbox), "claim", slow)
    monkeypatch.setattr(handler, "_go_on_after", gone_on)
    await set_to(parley, "person day 1k tokens")
    await parley.alice.say("One?", thread="one")
    await gate.reached.wait()
    await parley.alice.say("Two?", thread="two")
    await parley.quiet()
    assert parley.room.answers == ["First.", "Second."]


async def test_behind_an_answer_that_waits_for_somebody_its_author_is_told(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RegistryToolbox, "own", lambda self, run: {"forecast"})
    async with parley_at(tmp_path / "p.db", model) as parley:
        await set_to(parley, "workspace day 1k tokens")
        (call,) = model.call(("tide", {"place": "Oslo"}))
        await parley.alice.say("How is the tide?", thread="one")
        await parley.quiet()
        waits = await parley.alice.say("And the wind?", by=BOB, thread="two")
        assert waits.note == RESTS
        await parley.quiet()
        model.say("High.")
        model.say("Strong.")
        run_id = parley.room.posts[1].run_id
        await parley.core.handler.submit_tool_outputs(run_id, [(call, "High.")])
        await parley.quiet()
        assert parley.room.answers == ["High.", "Strong."]


async def test_a_run_of_another_process_counts_too_and_the_sweep_goes_on_after_it(
    tmp_path: Path, model: ScriptedModel
) -> None:
    room = Room()
    other = ScriptedModel()
    async with (
        parley_at(tmp_path / "p.db", model, room=room) as parley,
        parley_at(tmp_path / "p.db", other, room=room) as beside,
    ):
        await set_to(parley, "workspace day 1k tokens")
        gate = model.hold("Mine.")
        await parley.alice.say("One?", thread="one", key="one")
        await gate.reached.wait()
        await beside.alice.say("Two?", thread="two", key="two")
        await beside.quiet()
        gate.open()
        await parley.quiet()
        other.say("Theirs.")
        await beside.core.sweep.once()
        await beside.quiet()
        assert room.answers == ["Mine.", "Theirs."]


async def test_after_a_restart_what_waited_for_the_budget_is_answered(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.handler.GRACE", 0.1)
    room = Room()
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await set_to(parley, "workspace day 1k tokens")
        gate = model.hold("One.")
        await parley.alice.say("One?", thread="one")
        await gate.reached.wait()
        await parley.alice.say("Two?", thread="two")
    model.say("One.")
    model.say("Two.")
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
        assert room.answers == ["One.", "Two."]
        left = select(func.count()).select_from(messages).where(messages.c.waiting)
        assert await parley.core.database.read(lambda c: c.scalar(left)) == 0
        states = await parley.core.database.read(lambda c: c.execute(select(runs.c.status, runs.c.delivery)))
        assert [tuple(row) for row in states] == [("completed", "done")] * 2
