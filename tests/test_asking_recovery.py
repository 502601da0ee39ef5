"""What people are asked outlives the process that asked, and what they answer in between counts once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.asking import NOBODY_ANSWERED
from bot.assistants.history import Past
from bot.assistants.types import Run
from bot.replies import ANSWERED
from bot.store import journal, runs
from bot.store.journal import StoreJournal
from tests.asking import button, choice, mail, quiz, registry, sent
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import Room
from tests.scripted_model import Gate, ScriptedModel

FRANCE = choice("Of France?", "Lyon", "Paris")
PERU = choice("Of Peru?", "Lima", "Cusco")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


async def ask(path: Path, model: ScriptedModel, room: Room) -> None:
    """A first life, which ends while somebody is asked."""
    async with parley_at(path, model, room=room, registry=registry()) as parley:
        await parley.alice.say("Ask me!")
        await parley.quiet()


async def decided(parley: Parley, run_id: str) -> None:
    """The one waiting call may be run; nobody is told yet."""

    async def operation(tx: AsyncConnection) -> None:
        run = await runs.get(tx, run_id)
        await journal.carry_out(tx, parley.core.engine.approval(run, run.required_calls[0].id))

    await parley.core.database.write(operation)


async def press(parley: Parley, label: str) -> object:
    ask = list(parley.room.posts.values())[-1].asks[0]
    said = await parley.alice.press(button(ask, label))
    await parley.quiet()
    return said


async def test_a_quiz_goes_on_where_it_was(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    model.call(quiz(FRANCE, PERU))
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.alice.say("Ask me!")
        await parley.quiet()
        await press(parley, "Paris")
        old = button(room.posts[1].asks[0], "Lima")
    model.say("All right.")
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.quiet()
        assert [ask.text for ask in room.posts[1].asks] == ["**Capitals** (2 of 2)\n\nOf Peru?"]
        assert await parley.alice.press(old) == ""
        await parley.quiet()
    assert room.answers == ["All right."]
    assert len(room.posts) == 1
    assert [json.loads(output) for output in model.outputs()] == [["Paris", "Lima"]]


async def test_an_approval_waits_for_the_next_process(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    model.call(mail())
    await ask(tmp_path / "p.db", model, room)
    model.say("Sent.")
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.quiet()
        assert await press(parley, "Approve") == ""
    assert (len(sent), room.answers, len(room.posts)) == (1, ["Sent."], 1)


async def test_what_was_approved_before_the_end_is_run_after_it(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    model.call(mail())
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.alice.say("Ask me!")
        await parley.quiet()
        run_id = room.posts[1].run_id
        waiting = room.posts[1].asks[0].options[0].button
        await decided(parley, run_id)  # and the process ends before it goes on
    model.say("Sent.")
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.quiet()
        assert (len(sent), room.answers) == (1, ["Sent."])
        assert await parley.alice.press(waiting) != ""
    assert len(sent) == 1


async def test_time_runs_out_while_nobody_is_there(tmp_path: Path, model: ScriptedModel) -> None:
    room, clock = Room(), HandClock()
    model.call(quiz(FRANCE))
    async with parley_at(tmp_path / "p.db", model, room=room, clock=clock, registry=registry(), ask_timeout=60) as one:
        await one.alice.say("Ask me!")
        await one.quiet()
    clock.advance(61)
    async with parley_at(tmp_path / "p.db", model, room=room, clock=clock, registry=registry(), ask_timeout=60) as two:
        await two.quiet()
    assert room.answers == [NOBODY_ANSWERED]


async def test_a_question_whose_tool_is_gone_is_answered_to_all_the_same(tmp_path: Path, model: ScriptedModel) -> None:
    """The next version of Parley may not have it any more: the person stops it."""
    room = Room()
    model.call(quiz(FRANCE))
    await ask(tmp_path / "p.db", model, room)
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
        assert "no longer know what I wanted to ask" in room.posts[1].asks[0].text
        assert await parley.alice.press(room.posts[1].buttons[0]) == "Stopped."
        await parley.quiet()
    assert room.answers == ["Stopped."]


async def test_the_same_answer_in_both_lives_counts_once(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    model.call(quiz(FRANCE, PERU))
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.alice.say("Ask me!")
        await parley.quiet()
        paris = button(room.posts[1].asks[0], "Paris")
        await parley.alice.press(paris)
        await parley.quiet()
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await parley.quiet()
        assert await parley.alice.press(paris) == ANSWERED
        assert "2 of 2" in room.posts[1].asks[0].text


@pytest.mark.parametrize(
    ("call", "label", "output"), [(quiz(FRANCE), "Paris", '["Paris"]'), (mail(), "Approve", "Sent")]
)
async def test_what_is_answered_while_the_run_is_read_anew_counts(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, call: Any, label: str, output: str
) -> None:
    gate, room, past = Gate(), Room(), StoreJournal.past

    async def slow(store: StoreJournal, run: Run, *, fresh: bool) -> Past:
        await gate.wait()
        return await past(store, run, fresh=fresh)

    model.call(call)
    await ask(tmp_path / "p.db", model, room)
    model.say("All right.")
    monkeypatch.setattr(StoreJournal, "past", slow)
    async with parley_at(tmp_path / "p.db", model, room=room, registry=registry()) as parley:
        await gate.reached.wait()
        assert await parley.alice.press(button(room.posts[1].asks[0], label)) == ""
        gate.open()
        await parley.quiet()
    assert room.answers == ["All right."]
    assert model.outputs()[0].startswith(output)
