"""Buttons: what pressing them does, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.assistants.types import Author
from bot.buttons import Button, decode
from bot.ports import Conversation
from bot.presses import FINISHED, THANKS, UNKNOWN
from bot.stopping import NOT_YOURS
from bot.store.schema import audit, feedback
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB, Post
from tests.scripted_model import Gate, ScriptedModel


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made
        model.assert_done()


async def being_answered(parley: Parley, held: Gate) -> Post:
    await parley.alice.say("How is Oslo?")
    await held.reached.wait()
    await parley.room.until(lambda room: any(post.text for post in room.posts.values()))
    (post,) = parley.room.posts.values()
    return post


async def answered(parley: Parley, model: ScriptedModel) -> Post:
    model.say("Cold.")
    await parley.alice.say("How is Oslo?")
    await parley.quiet()
    (post,) = parley.room.posts.values()
    return post


async def judgements(parley: Parley) -> list[tuple[str, str, str]]:
    kept = select(feedback.c.author_id, feedback.c.author_name, feedback.c.value).order_by(feedback.c.author_id)
    return [(id_, name, value) for id_, name, value in await parley.core.database.read(lambda c: c.execute(kept))]


async def test_the_button_of_an_answer_in_the_making_stops_it(parley: Parley, model: ScriptedModel) -> None:
    post = await being_answered(parley, model.hold("It is "))
    assert post.buttons == [Button("stop", post.run_id)]
    assert await parley.alice.press(post.buttons[0]) == "Stopped."
    await parley.quiet()
    assert (post.text, post.buttons) == ("It is \n\nStopped.", [])


@pytest.mark.parametrize(("by", "admin", "may"), [(ALICE, False, True), (BOB, True, True), (BOB, False, False)])
async def test_askers_and_admins_may_stop_an_answer(
    parley: Parley, model: ScriptedModel, by: Author, admin: bool, may: bool
) -> None:
    held = model.hold("It is ")
    post = await being_answered(parley, held)
    said = await parley.alice.press(post.buttons[0], by=by, admin=admin)
    held.open()
    await parley.quiet()
    refused = select(audit.c.actor_id, audit.c.action, audit.c.target, audit.c.allowed)
    rows = [tuple(row) for row in await parley.core.database.read(lambda c: c.execute(refused))]
    assert (said, rows) == (("Stopped.", []) if may else (NOT_YOURS, [("U2", "stop", post.run_id, False)]))


async def test_an_answer_that_is_finished_is_not_stopped(parley: Parley, model: ScriptedModel) -> None:
    post = await answered(parley, model)
    assert await parley.alice.press(Button("stop", post.run_id)) == FINISHED


@pytest.mark.parametrize("verb", ["stop", "feedback"])
@pytest.mark.parametrize("where", ["room:T2:C1:1", "other:T1:C1:1"])
async def test_buttons_reach_into_no_other_workspace(
    parley: Parley, model: ScriptedModel, verb: str, where: str
) -> None:
    post = await answered(parley, model)
    button = Button("stop", post.run_id) if verb == "stop" else Button("feedback", post.run_id, "good")
    assert await parley.alice.press(button, where=Conversation(*where.split(":"))) == UNKNOWN


async def test_a_button_of_an_unknown_answer_says_so(parley: Parley) -> None:
    assert await parley.alice.press(Button("stop", "run_unknown")) == UNKNOWN
    assert await parley.alice.press(Button("feedback", "run_unknown", "good")) == UNKNOWN


async def test_of_each_person_the_last_judgement_counts(parley: Parley, model: ScriptedModel) -> None:
    post = await answered(parley, model)
    good, bad, _ = post.buttons
    assert (good, bad) == (Button("feedback", post.run_id, "good"), Button("feedback", post.run_id, "bad"))
    assert {await parley.alice.press(button) for button in (good, bad)} == {THANKS}
    await parley.alice.press(good, by=BOB)
    assert await judgements(parley) == [("U1", "Alice", "bad"), ("U2", "Bob", "good")]


async def test_an_answer_in_the_making_cannot_be_judged(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("It is cold.")
    post = await being_answered(parley, held)
    assert await parley.alice.press(Button("feedback", post.run_id, "good")) == UNKNOWN
    held.open()
    await parley.quiet()
    assert await parley.alice.press(Button("feedback", post.run_id, "superb")) == UNKNOWN
    assert await judgements(parley) == []


@pytest.mark.parametrize("code", ["answer:run_1:\ud800", "stop:\ud800:", "why:run_²:", f"stop:run_{'1' * 100}:"])
def test_a_code_that_no_button_can_carry_is_none_of_ours(code: str) -> None:
    assert decode(code) is None
