"""Runs that wait for someone outside: they hold no task, survive restarts, and end one way or another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.assistants.types import Run
from bot.store import runs
from bot.toolbox import RegistryToolbox
from tests.parley import Parley, parley_at
from tests.room import Room
from tests.scripted_model import ScriptedModel


@pytest.fixture(autouse=True)
def tide_is_asked_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool `tide` is offered, but somebody outside has to answer its calls."""
    monkeypatch.setattr(RegistryToolbox, "own", lambda self, run: {"forecast"})


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


async def asked(parley: Parley, model: ScriptedModel) -> tuple[Run, list[str]]:
    """A run that waits, and the ids of its calls."""
    calls = model.call(("tide", {"place": "Oslo"}), ("tide", {"place": "Rome"}))
    accepted = await parley.alice.say("How are the tides?")
    await parley.quiet()
    return await newest(parley, accepted.thread_id), calls


async def newest(parley: Parley, thread_id: str) -> Run:
    return (await parley.core.database.read(lambda c: runs.of_thread(c, thread_id)))[-1]


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(("run", "advance", "deliv"))}


async def test_a_waiting_run_shows_what_it_waits_for_and_holds_no_task(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        run, calls = await asked(parley, model)
        (post,) = parley.room.posts.values()
        assert (run.status, [call.id for call in run.required_calls]) == ("requires_action", calls)
        assert (post.text, post.final) == ("calling tide…\ncalling tide…", False)
        assert tasks() == set()


async def test_outputs_from_outside_bring_the_answer_into_the_same_post(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        run, (one, two) = await asked(parley, model)
        model.say("High and low.")
        await parley.core.handler.submit_tool_outputs(run.id, [(two, "Low."), (one, "High.")])
        await parley.quiet()
        assert (parley.room.answers, len(parley.room.posts)) == (["High and low."], 1)
        assert model.outputs() == ["High.", "Low."]


async def test_the_last_of_several_single_answers_wakes_the_run(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        run, (one, two) = await asked(parley, model)
        await parley.core.engine.record_output(run.id, two, "Low.")
        await parley.core.handler.resume(run.id)
        await parley.quiet()
        assert len(model.requests) == 1
        model.say("High and low.")
        await parley.core.engine.record_output(run.id, one, "High.")
        await parley.core.handler.resume(run.id)
        await parley.quiet()
        assert parley.room.answers == ["High and low."]


async def test_a_waiting_run_survives_a_restart(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        run, calls = await asked(parley, model)
    async with parley_at(tmp_path / "p.db", model, room=room, clock=parley.clock) as parley:
        await parley.quiet()
        assert (await newest(parley, run.thread_id)).expires_at == run.expires_at
        model.say("High and low.")
        await parley.core.handler.submit_tool_outputs(run.id, [(call, "High.") for call in calls])
        await parley.quiet()
        assert (room.answers, len(room.posts)) == (["High and low."], 1)


async def test_a_waiting_run_that_nobody_answers_expires_and_says_so(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        run, _ = await asked(parley, model)
        await parley.clock.asleep()
        parley.clock.advance(600)
        await parley.room.until(lambda room: bool(room.answers))
        await parley.quiet()
        assert (await newest(parley, run.thread_id)).status == "expired"
        assert "Nobody answered in time" in parley.room.answers[0]


async def test_a_waiting_run_can_be_stopped(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        run, _ = await asked(parley, model)
        assert await parley.alice.command("stop") == "Stopped."
        await parley.quiet()
        assert parley.room.answers == ["Stopped."]
        assert (await newest(parley, run.thread_id)).status == "cancelled"


async def test_messages_behind_a_waiting_run_are_answered_when_it_is_over(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        _, _ = await asked(parley, model)
        model.say("Hello, too.")
        await parley.alice.say("Hello?")
        await parley.alice.command("stop")
        await parley.room.until(lambda room: len(room.answers) == 2)
        await parley.quiet()
        assert parley.room.answers == ["Stopped.", "Hello, too."]


async def test_own_calls_of_a_waiting_turn_are_taken_up_after_a_crash(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        model.call(("forecast", {"place": "Oslo"}), ("tide", {"place": "Oslo"}))
        accepted = await parley.alice.say("Weather and tide?")
        await parley.core.handler.close(grace=0)
    async with parley_at(tmp_path / "p.db", model, room=room, clock=parley.clock) as parley:
        await parley.quiet()
        run = await newest(parley, accepted.thread_id)
        assert run.status == "requires_action"
        model.say("Snow and high.")
        await parley.core.handler.submit_tool_outputs(run.id, [(run.required_calls[0].id, "High.")])
        await parley.quiet()
        assert (room.answers, model.outputs()) == (["Snow and high."], ["Snow in Oslo.", "High."])
