"""Messages that are edited: before they are answered, while they are, and too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.errors import StoreError
from bot.inbox import Rush
from bot.models.port import UserText
from bot.ports import InboundMessage
from tests.parley import Parley, parley_at
from tests.scripted_model import ScriptedModel
from tests.test_races import after_commit, newest


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made
        model.assert_done()


async def stored(parley: Parley, query: str) -> list[Any]:
    return list((await parley.core.database.read(lambda c: c.execute(text(query)))).scalars())


async def test_a_waiting_message_is_answered_as_it_was_last_edited(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("One.")
    model.say("Three.")
    await parley.alice.say("1?")
    await held.reached.wait()
    await parley.alice.say("2?", key="k")
    await parley.alice.edit("k", "3?")
    held.open()
    await parley.quiet()
    assert (parley.room.answers, model.heard()) == (["One.", "Three."], ["1?", "3?"])


async def test_an_edit_during_the_answer_begins_it_anew_in_its_place(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("Oslo is ")
    model.say("Rome is hot.")
    await parley.alice.say("How is Oslo?", key="k")
    await held.reached.wait()
    await parley.room.until(lambda room: any(post.text == "Oslo is" for post in room.posts.values()))
    await parley.alice.edit("k", "How is Rome?")
    await parley.quiet()
    (post,) = parley.room.posts.values()
    assert (post.text, post.final, model.heard()) == ("Rome is hot.", True, ["How is Rome?"])


async def test_an_edit_keeps_what_the_tools_have_found(parley: Parley, model: ScriptedModel) -> None:
    model.call(("forecast", {"place": "Oslo"}), text="Let me look.")
    held = model.hold("Cold")
    model.say("Cold, in short.")
    await parley.alice.say("How is Oslo?", key="k")
    await held.reached.wait()
    await parley.alice.edit("k", "How is Oslo, in short?")
    await parley.quiet()
    assert parley.room.answers == ["Let me look.\n\nCold, in short."]
    assert (len(model.requests), model.outputs(), model.heard()) == (3, ["Snow in Oslo."], ["How is Oslo, in short?"])


async def test_an_edited_raw_message_is_prepared_again(parley: Parley, model: ScriptedModel) -> None:
    parley.room.names = {"U2": "Bob"}
    held = model.hold("Well")
    model.say("Yes.")
    await parley.alice.say("Is <@U2> in?", key="k", raw=True)
    await held.reached.wait()
    await parley.alice.edit("k", "Is <@U2> out?")
    await parley.quiet()
    assert (model.heard(), parley.room.answers) == (["Is @Bob out?"], ["Yes."])


async def test_an_edit_is_raw_whatever_the_message_was(parley: Parley, model: ScriptedModel) -> None:
    parley.room.names = {"U2": "Bob"}
    held = model.hold("Well")
    model.say("Yes.")
    await parley.alice.say("Is @Bob in?", key="k")
    await held.reached.wait()
    await parley.alice.edit("k", "Is <@U2> out?")
    await parley.quiet()
    assert (model.heard(), parley.room.answers) == (["Is @Bob out?"], ["Yes."])


async def test_an_edit_during_the_look_up_is_what_is_looked_up_then(parley: Parley, model: ScriptedModel) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hold(message: InboundMessage) -> None:
        begun.set()
        await go_on.wait()

    parley.room.before_lookup = hold
    model.say("Yes.")
    await parley.alice.say("One?", key="k", raw=True)
    await begun.wait()
    await parley.alice.edit("k", "Two?")
    go_on.set()
    await parley.quiet()
    assert (parley.room.lookups, model.heard()) == ([("Two?", True)], ["Two?"])


async def test_an_edit_that_changes_nothing_disturbs_nothing(parley: Parley, model: ScriptedModel) -> None:
    parley.room.names = {"U2": "Bob"}
    held = model.hold("Yes.")
    await parley.alice.say("Is <@U2> in?", key="k", raw=True)
    await held.reached.wait()
    await parley.alice.edit("k", "Is <@U2> in?")
    held.open()
    await parley.quiet()
    assert (len(model.requests), parley.room.answers) == (1, ["Yes."])


async def test_an_edit_of_an_answered_or_unknown_message_changes_nothing(parley: Parley, model: ScriptedModel) -> None:
    model.say("One.")
    await parley.alice.say("1?", key="k")
    await parley.quiet()
    await parley.alice.edit("k", "2?")
    await parley.alice.edit("elsewhere", "2?")
    await parley.alice.edit("k", "2?", channel="C2")
    await parley.quiet()
    assert (parley.room.answers, await stored(parley, "SELECT text FROM messages")) == (["One."], ["1?", "One."])


async def test_many_edits_at_once_end_in_one_answer_to_one_of_them(tmp_path: Path, model: ScriptedModel) -> None:
    held = model.hold("Oh")
    for _ in range(20):
        model.say("Done.")
    async with parley_at(tmp_path / "p.db", model) as parley:
        await parley.alice.say("0?", key="k")
        await held.reached.wait()
        await asyncio.gather(*(parley.alice.edit("k", f"{number}?") for number in range(1, 10)))
        await parley.quiet()
        assert parley.room.answers == ["Done."]
        assert model.heard() == await stored(parley, "SELECT text FROM messages WHERE role = 'user'")


@pytest.mark.parametrize("number", range(1, 6))
async def test_an_edit_at_any_commit_is_answered_or_came_too_late(tmp_path: Path, number: int) -> None:
    model = ScriptedModel()
    for _ in range(2):
        model.call(("forecast", {"place": "Oslo"}))
        model.say("Cold.")
        model.say("Cold.")
    editing: list[asyncio.Task[None]] = []

    async with parley_at(tmp_path / "p.db", model) as parley:

        async def edit() -> None:
            editing.append(asyncio.create_task(parley.alice.edit("k", "New?")))

        after_commit(parley, number, edit)
        accepted = await parley.alice.say("Old?", key="k")
        await parley.quiet()
        await asyncio.gather(*editing)
        await parley.quiet()
        run = await newest(parley, accepted.thread_id)
        assert (run.status, parley.room.answers) == ("completed", ["Cold."])
        assert model.heard() == await stored(parley, "SELECT text FROM messages WHERE role = 'user'")


def before_commit(parley: Parley, number: int, then: Callable[[], Awaitable[None]]) -> None:
    """Do something when the transaction of this number (from now) is asked for and has not begun."""
    database, count = parley.core.database, 0
    transaction = database._transaction

    async def counting(operation: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            await then()
        return await transaction(operation)

    database._transaction = counting  # type: ignore[method-assign]


@pytest.mark.parametrize("verb", ["edit", "delete"])
async def test_a_change_while_the_answer_is_committed_comes_too_late(
    parley: Parley, model: ScriptedModel, verb: str
) -> None:
    model.say("Cold.")
    changing: list[asyncio.Task[None]] = []

    async def change() -> None:
        asked = parley.alice.edit("k", "New?") if verb == "edit" else parley.alice.delete("k")
        changing.append(asyncio.create_task(asked))
        (active,) = parley.core.handler._active.values()
        while not active.again:  # noqa: ASYNC110 - the work is cancelled then, and waits for its commit
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)

    before_commit(parley, 2, change)
    accepted = await parley.alice.say("Old?", key="k")
    await parley.quiet()
    await changing[0]
    run = await newest(parley, accepted.thread_id)
    texts = await stored(parley, "SELECT text FROM messages")
    assert (run.status, parley.room.answers, texts) == ("completed", ["Cold."], ["Old?", "Cold."])


async def test_an_edit_that_cannot_be_stored_is_not_lost_on_the_platform_and_the_answer_comes(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = model.hold("Oslo")
    model.say("Oslo is cold.")
    await parley.alice.say("How is Oslo?", key="k")
    await held.reached.wait()

    async def full(operation: Callable[[Any], Awaitable[Any]]) -> Any:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(parley.core.database, "write", full)
        with pytest.raises(StoreError):
            await parley.alice.edit("k", "How is Rome?")
    await parley.quiet()
    assert parley.room.answers == ["Oslo is cold."]


async def test_an_edit_of_what_another_process_answers_comes_too_late(tmp_path: Path, model: ScriptedModel) -> None:
    path = tmp_path / "p.db"
    held = model.hold("Cold.")
    async with parley_at(path, model) as one, parley_at(path, ScriptedModel(), room=one.room) as other:
        await one.alice.say("Old?", key="k")
        await held.reached.wait()
        await other.alice.edit("k", "New?")
        held.open()
        await one.quiet()
        model.say("Still.")
        await one.alice.say("And now?")
        await one.quiet()
        assert one.room.answers == ["Cold.", "Still."]
        assert [item.text for item in model.requests[-1].items if isinstance(item, UserText)] == ["Old?", "And now?"]


async def test_an_edit_in_another_process_of_a_message_that_waits_is_answered(
    tmp_path: Path, model: ScriptedModel
) -> None:
    path = tmp_path / "p.db"
    held = model.hold("Cold.")
    model.say("Hot.")
    async with parley_at(path, model) as one, parley_at(path, ScriptedModel(), room=one.room) as other:
        await one.alice.say("How is Oslo?")
        await held.reached.wait()
        await one.alice.say("Old?", key="k")
        await other.alice.edit("k", "New?")
        held.open()
        await one.quiet()
        assert (one.room.answers, model.heard()) == (["Cold.", "Hot."], ["How is Oslo?", "New?"])


@pytest.mark.parametrize("steps", range(6))
async def test_work_that_is_cancelled_just_as_messages_have_passed_is_cancelled(steps: int) -> None:
    rush = Rush()
    with rush:
        waiting = asyncio.create_task(rush.over())
        await asyncio.sleep(0)
    for _ in range(steps):
        await asyncio.sleep(0)
    still_waits = waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled() == still_waits
