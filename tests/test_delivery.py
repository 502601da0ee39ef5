"""The pace of a platform: which states of a reply are rendered, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.errors import PlatformError
from bot.models.port import Call, Turn
from bot.view import View
from tests.parley import Parley, parley_at
from tests.scripted_model import TOKENS, Gate, ScriptedModel


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made
        model.assert_done()


def pace(parley: Parley, wait: Callable[[], Awaitable[None]]) -> None:
    parley.room.pace = wait  # type: ignore[assignment, method-assign]


async def test_the_view_is_the_newest_when_the_platform_has_room(parley: Parley, model: ScriptedModel) -> None:
    first, second = Gate(), Gate()
    model.act("One ", first, "two ", second, "three.", Turn("One two three."))
    await parley.alice.say("Count.")
    await first.reached.wait()
    await parley.room.until(lambda room: any(post.text == "One" for post in room.posts.values()))
    parley.room.free.clear()
    first.open()
    await second.reached.wait()
    (post,) = parley.room.posts.values()
    shown = len(post.texts)
    parley.room.free.set()
    await parley.room.until(lambda room: post.text == "One two")
    parley.room.free.clear()
    second.open()
    await parley.quiet()
    assert post.texts[shown:] == ["One two", "One two three."]


async def test_the_last_state_waits_for_no_room(parley: Parley, model: ScriptedModel) -> None:
    cancelled = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    pace(parley, never)
    model.say("Cold.")
    await parley.alice.say("How is Oslo?")
    await parley.quiet()
    (post,) = parley.room.posts.values()
    assert (post.texts, cancelled.is_set()) == (["Cold."], True)


async def test_a_platform_that_fails_while_it_is_waited_for_gets_the_answer(
    parley: Parley, model: ScriptedModel
) -> None:
    failures = [PlatformError("busy", retry_after=7.0)]
    held = model.hold("Cold.")

    async def fail() -> None:
        if failures:
            raise failures.pop()

    pace(parley, fail)
    await parley.alice.say("How is Oslo?")
    await held.reached.wait()
    await parley.clock.asleep(2)  # the sweep sleeps, too
    assert 7.0 in parley.clock.sleeps
    parley.clock.advance(7.0)
    held.open()
    await parley.quiet()
    assert parley.room.answers == ["Cold."]


async def test_after_a_state_that_a_platform_will_never_take_it_gets_the_last_one(
    parley: Parley, model: ScriptedModel
) -> None:
    views: list[View] = []
    held = model.hold("Cold.")

    async def refuse() -> None:
        raise PlatformError("There is no streaming here.", permanent=True)

    parley.room.before = views.append
    pace(parley, refuse)
    await parley.alice.say("How is Oslo?")
    await held.reached.wait()
    held.open()
    await parley.quiet()
    assert ([view.text for view in views], parley.room.answers) == (["Cold."], ["Cold."])


async def test_no_room_is_waited_for_when_all_is_over(parley: Parley, model: ScriptedModel) -> None:
    model.say("Cold.")
    await parley.alice.say("How is Oslo?")
    await parley.quiet()
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert [name for name in names if name.startswith(("ready", "rest", "delivery"))] == []


@pytest.mark.parametrize("said", ["", "It is "])
async def test_only_a_completed_answer_can_be_judged(parley: Parley, model: ScriptedModel, said: str) -> None:
    views: list[View] = []
    parley.room.before = views.append
    held = model.hold(*([said] if said else []))
    await parley.alice.say("How is Oslo?")
    await held.reached.wait()
    await parley.alice.command("stop")
    await parley.quiet()
    assert (views[-1].outcome, views[-1].buttons) == ("cancelled", ())


async def test_half_a_surrogate_pair_in_what_the_model_keeps_to_itself_does_not_break_the_run(
    tmp_path: Path,
) -> None:
    model = ScriptedModel()
    call = Call("call_\ud800", "tide", '{"place": "Bern"}')
    model.act(Turn("", calls=[call], items=[{"type": "reasoning", "summary": "\ud83d"}], usage=TOKENS, provider="x"))
    model.say("High.")
    async with parley_at(tmp_path / "p.db", model) as parley:
        await parley.alice.say("The tide?")
        await parley.quiet()
        assert parley.room.answers == ["High."]
    model.assert_done()
