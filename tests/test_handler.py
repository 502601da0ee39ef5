"""Messages in, answers out: order, waiting, stopping, room, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.assistants.types import Run
from bot.errors import PlatformError
from bot.line import Line
from bot.models.port import AssistantText, ModelError, UserText
from bot.store import runs
from bot.view import View
from tests.parley import Parley, parley_at
from tests.room import BOB
from tests.scripted_model import ScriptedModel


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made
        model.assert_done()


async def runs_of(parley: Parley, thread_id: str) -> list[Run]:
    return list(await parley.core.database.read(lambda c: runs.of_thread(c, thread_id)))


async def test_a_question_gets_one_answer_with_its_statuses_on_the_way(parley: Parley, model: ScriptedModel) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    model.say("Cold.")
    await parley.alice.say("How is Oslo?")
    await parley.quiet()
    (post,) = parley.room.posts.values()
    assert (post.texts[0], post.text, post.final) == ("", "Cold.", True)
    assert "calling forecast…" in post.texts
    assert model.outputs() == ["Snow in Oslo."]


async def test_a_redelivered_message_changes_nothing(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    first = await parley.alice.say("Hello", key="k")
    again = await asyncio.gather(*(parley.alice.say("Hello", key="k") for _ in range(5)))
    await parley.quiet()
    assert {(a.thread_id, a.message_id, a.duplicate) for a in again} == {(first.thread_id, first.message_id, True)}
    assert parley.room.answers == ["Hi."]


async def test_messages_during_a_run_are_answered_together_by_the_next(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("One.")
    model.say("Two and three.")
    await parley.alice.say("1?")
    await gate.reached.wait()
    await parley.alice.say("2?")
    await parley.alice.say("3?", by=BOB)
    gate.open()
    await parley.quiet()
    assert parley.room.answers == ["One.", "Two and three."]
    assert [type(item).__name__ for item in model.requests[1].items] == [
        "UserText", "AssistantText", "UserText", "UserText"
    ]  # fmt: skip
    assert model.heard() == ["1?", "2?", "3?"]


async def test_the_model_reads_what_came_during_a_run_after_its_answer(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("One.")
    model.say("Two.")
    model.say("Three.")
    await parley.alice.say("1?")
    await gate.reached.wait()
    await parley.alice.say("2?")
    gate.open()
    await parley.quiet()
    await parley.alice.say("3?")
    await parley.quiet()
    texts = [item.text for item in model.requests[2].items if isinstance(item, (UserText, AssistantText))]
    assert texts == ["1?", "One.", "2?", "Two.", "3?"]


async def test_threads_run_side_by_side_and_know_nothing_of_each_other(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("Slow.")
    model.say("Quick.")
    await parley.alice.say("secret", thread="1")
    await gate.reached.wait()
    await parley.alice.say("hello", thread="2", by=BOB)
    await parley.room.until(lambda room: room.answers == ["Quick."])
    assert model.heard() == ["hello"]
    gate.open()
    await parley.quiet()
    assert sorted(parley.room.answers) == ["Quick.", "Slow."]


async def test_speakers_reach_the_model_by_name_and_id(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    await parley.alice.say("Hello", by=BOB)
    await parley.quiet()
    (item,) = model.requests[0].items
    assert isinstance(item, UserText)
    assert item.spoken == "Bob (U2):\nHello"


async def test_more_threads_than_there_is_room_for_wait_their_turn(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model, max_concurrent_runs=2) as parley:
        gates = [model.hold("A."), model.hold("B.")]
        for answer in ("C.", "D."):
            model.say(answer)
        for number in range(4):
            await parley.alice.say("go", thread=str(number))
        for gate in gates:
            await gate.reached.wait()
        assert len(model.requests) == 2
        for gate in gates:
            gate.open()
        await parley.quiet()
        assert sorted(parley.room.answers) == ["A.", "B.", "C.", "D."]


async def test_stop_says_so_and_keeps_what_was_said(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("It is ")
    accepted = await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    assert await parley.alice.command("stop") == "Stopped."
    await parley.quiet()
    assert parley.room.answers == ["It is \n\nStopped."]
    (run,) = await runs_of(parley, accepted.thread_id)
    assert run.status == "cancelled"


async def test_only_the_asker_or_an_admin_stops_a_run(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("It is cold.")
    await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    assert "Only the one who asked" in await parley.alice.command("stop", by=BOB)
    assert await parley.alice.command("stop", by=BOB, admin=True) == "Stopped."
    await parley.quiet()
    assert await parley.alice.command("stop") == "There is nothing to stop here."


async def test_messages_that_waited_behind_a_stopped_run_are_answered(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("It is ")
    model.say("Two.")
    await parley.alice.say("1?")
    await gate.reached.wait()
    await parley.alice.say("2?")
    await parley.alice.command("stop")
    await parley.quiet()
    assert parley.room.answers[-1] == "Two."


async def test_a_failed_run_says_what_to_do(parley: Parley, model: ScriptedModel) -> None:
    model.act(ModelError("The model is overloaded. Please try again in a minute.", code="rate_limit_exceeded"))
    await parley.alice.say("Hello")
    await parley.quiet()
    assert parley.room.answers == ["The model is overloaded. Please try again in a minute."]


async def test_an_unexpected_error_ends_the_run_with_a_sentence(parley: Parley, model: ScriptedModel) -> None:
    # The script is empty: the scripted model raises an AssertionError, which nobody maps.
    await parley.alice.say("Hello")
    await parley.quiet()
    assert parley.room.answers == ["Something went wrong on my side. Please try again."]


async def test_an_expired_run_says_so(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("It is ")
    await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    parley.clock.advance(600)
    await parley.quiet()
    (answer,) = parley.room.answers
    assert answer.endswith("took longer than ten minutes, so I stopped. Please try again.")


async def test_a_platform_that_fails_for_a_while_gets_the_answer_after_all(
    parley: Parley, model: ScriptedModel
) -> None:
    model.say("Cold.")
    failures = [PlatformError("busy", retry_after=7.0), PlatformError("broken"), ValueError("a bug")]

    def fail(view: View) -> None:
        if failures and view.outcome:
            raise failures.pop(0)

    parley.room.before = fail
    await parley.alice.say("How is Oslo?")
    for wait in (7.0, 2.0, 4.0):
        await parley.clock.asleep(2)  # the sweep sleeps, too
        assert wait in parley.clock.sleeps
        parley.clock.advance(wait)
    await parley.quiet()
    assert parley.room.answers == ["Cold."]


async def test_an_answer_that_a_platform_will_never_take_is_let_go(parley: Parley, model: ScriptedModel) -> None:
    model.say("Cold.")

    def refuse(view: View) -> None:
        raise PlatformError("The channel is archived.", permanent=True)

    parley.room.before = refuse
    accepted = await parley.alice.say("How is Oslo?")
    await parley.quiet()
    (run,) = await runs_of(parley, accepted.thread_id)
    found = await parley.core.database.read(lambda c: runs.unfinished(c, run.id))
    assert (run.status, found.open) == ("completed", False)


async def test_a_message_that_comes_while_an_answer_is_delivered_is_answered_at_once(
    parley: Parley, model: ScriptedModel
) -> None:
    model.say("One.")
    model.say("Two.")
    delivering, go_on = asyncio.Event(), asyncio.Event()

    async def hold(view: View) -> None:
        if view.whole == "One." and view.outcome:
            delivering.set()
            await go_on.wait()

    parley.room.before = hold
    await parley.alice.say("1?")
    await delivering.wait()
    await parley.alice.say("2?")
    await parley.room.until(lambda room: room.answers == ["Two."])
    go_on.set()
    await parley.quiet()
    assert sorted(parley.room.answers) == ["One.", "Two."]


async def test_states_that_are_overtaken_are_never_rendered(parley: Parley, model: ScriptedModel) -> None:
    slow, begun = asyncio.Event(), asyncio.Event()

    async def wait(view: View) -> None:
        begun.set()
        await slow.wait()

    parley.room.before = wait
    gate = model.hold(*(f"{number} " for number in range(50)))
    await parley.alice.say("Count.")
    await begun.wait()
    await gate.reached.wait()
    slow.set()
    gate.open()
    await parley.quiet()
    (post,) = parley.room.posts.values()
    assert len(post.texts) <= 4
    assert post.text.endswith("48 49")


async def test_a_switch_holds_from_the_next_run_on(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("One.")
    model.say("Two.")
    await parley.alice.say("1?")
    await gate.reached.wait()
    assert "from the next question on" in await parley.alice.command("tools disable forecast here", admin=True)
    gate.open()
    await parley.quiet()
    await parley.alice.say("2?")
    await parley.quiet()
    assert [[tool.name for tool in request.tools] for request in model.requests] == [["forecast", "tide"], ["tide"]]


async def test_a_call_of_a_switched_off_tool_is_an_error_the_model_reads(parley: Parley, model: ScriptedModel) -> None:
    await parley.alice.command("tools disable forecast", admin=True)
    model.call(("forecast", {"place": "Oslo"}))
    model.say("It is off.")
    await parley.alice.say("How is Oslo?")
    await parley.quiet()
    assert model.outputs() == ['{"error":"The tool forecast is turned off here; available: tide."}']


async def test_new_begins_a_fresh_thread(parley: Parley, model: ScriptedModel) -> None:
    model.say("One.")
    model.say("Two.")
    first = await parley.alice.say("1?")
    await parley.quiet()
    await parley.alice.command("new")
    second = await parley.alice.say("2?")
    await parley.quiet()
    assert first.thread_id != second.thread_id
    assert model.heard() == ["2?"]


async def test_shutdown_parks_a_run_and_the_next_start_answers(tmp_path: Path, model: ScriptedModel) -> None:
    gate = model.hold("It is ")
    async with parley_at(tmp_path / "p.db", model) as parley:
        room = parley.room
        await parley.alice.say("How is Oslo?")
        await gate.reached.wait()
        await parley.core.handler.close(grace=0)
    assert room.answers == []
    model.say("It is cold.")
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
        assert (len(room.posts), room.answers) == (1, ["It is cold."])


async def test_shutdown_lets_a_running_answer_end(tmp_path: Path, model: ScriptedModel) -> None:
    gate = model.hold("It is cold.")
    async with parley_at(tmp_path / "p.db", model) as parley:
        await parley.alice.say("How is Oslo?")
        await gate.reached.wait()
        closing = asyncio.create_task(parley.core.handler.close())
        gate.open()
        await closing
        assert parley.room.answers == ["It is cold."]


async def test_what_came_in_after_shutdown_began_is_answered_at_the_next_start(
    tmp_path: Path, model: ScriptedModel
) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        room = parley.room
        await parley.core.handler.close()
        await parley.alice.say("Anyone?")
    model.say("Me.")
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
        assert room.answers == ["Me."]


async def test_two_processes_on_one_database_answer_once(tmp_path: Path, model: ScriptedModel) -> None:
    path = tmp_path / "p.db"
    gate = model.hold("Cold.")
    async with parley_at(path, model) as one, parley_at(path, ScriptedModel(), room=one.room) as other:
        await one.alice.say("How is Oslo?")
        await gate.reached.wait()
        await other.core.sweep.once()
        await other.quiet()
        gate.open()
        await one.quiet()
        assert one.room.answers == ["Cold."]


async def test_a_stop_by_another_process_is_found_by_the_sweep(tmp_path: Path, model: ScriptedModel) -> None:
    path = tmp_path / "p.db"
    gate = model.hold("It is ")
    async with parley_at(path, model) as one, parley_at(path, ScriptedModel(), room=one.room) as other:
        await one.alice.say("How is Oslo?")
        await gate.reached.wait()
        assert await other.alice.command("stop") == "Stopped."
        await one.core.sweep.once()
        await one.quiet()
        assert one.room.answers == ["It is \n\nStopped."]


async def test_a_run_of_an_owner_elsewhere_is_taken_up_when_its_lease_is_out(
    tmp_path: Path, model: ScriptedModel
) -> None:
    model.say("Cold.")
    async with parley_at(tmp_path / "p.db", model) as parley:
        handler = parley.core.handler
        handler._limit = 0  # claimed by hand below, as if by a process elsewhere
        accepted = await parley.alice.say("How is Oslo?")
        inbox = handler._inbox
        claimed = await inbox.claim(accepted.thread_id)
        assert claimed is not None

        async def give_away(tx: object) -> None:
            from sqlalchemy import update

            from bot.store.schema import runs as table

            await tx.execute(update(table).values(owner="elsewhere:0"))  # type: ignore[attr-defined]

        await parley.core.database.write(give_away)
        handler._limit, handler._line = 10, Line()
        await parley.core.sweep.once()
        assert parley.room.posts == {}
        parley.clock.advance(31)
        await parley.core.sweep.once()
        await parley.quiet()
        assert parley.room.answers == ["Cold."]
