"""What happens when two things happen at once: sweeps beside live runs, deadlines beside commits, two processes."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from bot.assistants.types import Run
from bot.errors import StoreError
from bot.models.port import Call
from bot.ownership import Others, Ownership
from bot.store import runs
from bot.store.schema import runs as runs_table
from bot.sweep import WORN_OUT
from bot.toolbox import RegistryToolbox
from bot.view import View
from tests.bench import Bench
from tests.files import ready
from tests.parley import Parley, parley_at
from tests.room import BOB, Room
from tests.scripted_model import ScriptedModel
from tests.test_crash import Brain
from tools.registry import Registry, tool


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made


async def newest(parley: Parley, thread_id: str) -> Run:
    return (await parley.core.database.read(lambda c: runs.of_thread(c, thread_id)))[-1]


def after_commit(parley: Parley, number: int, then: Callable[[], Awaitable[None]]) -> None:
    """Do something when the transaction of this number (from now) is committed and its caller does not know yet."""
    database, count = parley.core.database, 0
    transaction = database._transaction

    async def counting(operation: Any) -> Any:
        nonlocal count
        count += 1
        mine = count
        result = await transaction(operation)
        if mine == number:
            await then()
        return result

    database._transaction = counting  # type: ignore[method-assign]


async def test_sweeps_beside_live_runs_show_no_answer_twice(tmp_path: Path) -> None:
    @tool
    async def weather() -> str:
        """The weather."""
        return "Snow."

    finals: Counter[str] = Counter()
    room = Room()

    def note(view: View) -> None:
        if view.outcome:
            finals[view.whole] += 1

    room.before = note
    async with parley_at(tmp_path / "p.db", Brain(), room=room, registry=Registry([weather])) as parley:
        over = asyncio.Event()

        async def sweep() -> None:
            while not over.is_set():
                await parley.core.sweep.once()

        sweeping = asyncio.create_task(sweep())
        for turn in range(2):
            await asyncio.gather(*(parley.alice.say(f"{turn}/{n}", thread=str(n)) for n in range(10)))
            await parley.quiet()
        over.set()
        await sweeping
    assert (len(finals), set(finals.values())) == (20, {1})


async def test_an_answer_committed_as_its_time_runs_out_is_shown(parley: Parley, model: ScriptedModel) -> None:
    model.say("Cold.")

    async def time_is_up() -> None:
        parley.clock.advance(600)
        await asyncio.sleep(0)

    after_commit(parley, 2, time_is_up)
    accepted = await parley.alice.say("How is Oslo?")
    await parley.quiet()
    assert (parley.room.answers, (await newest(parley, accepted.thread_id)).status) == (["Cold."], "completed")


async def test_a_stop_while_a_turn_is_committed_says_nothing_twice(parley: Parley, model: ScriptedModel) -> None:
    model.call(("forecast", {"place": "Oslo"}), text="Let me look.")

    async def stop() -> None:
        assert await parley.alice.command("stop") == "Stopped."

    after_commit(parley, 2, stop)
    accepted = await parley.alice.say("How is Oslo?")
    await parley.quiet()
    run = await newest(parley, accepted.thread_id)
    said = text("SELECT text FROM messages WHERE role = 'assistant'")
    rows = (await parley.core.database.read(lambda c: c.execute(said))).scalars().all()
    assert (run.status, rows) == ("cancelled", ["Let me look."])
    assert run.usage is not None
    assert run.usage.total_tokens == 15
    assert parley.room.answers == ["Let me look.\n\nStopped."]


@pytest.mark.parametrize("turns", range(0, 40, 4))
async def test_a_stop_that_a_sweep_finds_as_well_tells_everything_once(
    parley: Parley, model: ScriptedModel, turns: int
) -> None:
    model.call(("forecast", {"place": "Oslo"}), text="Let me look.")
    model.hold("Cold")
    accepted = await parley.alice.say("How is Oslo?")
    await parley.room.until(lambda room: any("Cold" in post.text for post in room.posts.values()))
    run = await newest(parley, accepted.thread_id)
    stopping = asyncio.create_task(parley.core.handler.stop(run.id))
    while (await newest(parley, accepted.thread_id)).status == "in_progress":  # noqa: ASYNC110 - as a sweep looks
        await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    await parley.core.handler.let_go(run.id)
    assert await stopping
    await parley.quiet()
    assert parley.room.answers == ["Let me look.\n\nCold\n\nStopped."]


async def mixed_turn(parley: Parley, model: ScriptedModel, gate: asyncio.Event) -> tuple[Run, str]:
    """A turn with a slow tool of our own and a call that waits outside; the tool runs, the other waits."""
    _, outside = model.call(("slow", {}), ("approve", {}))
    accepted = await parley.alice.say("Go?")
    await parley.room.until(lambda room: any("approve" in post.text for post in room.posts.values()))
    return await newest(parley, accepted.thread_id), outside


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    monkeypatch.setattr(RegistryToolbox, "own", lambda self, run: {"slow"})
    return asyncio.Event()


def slow_and_approve(gate: asyncio.Event) -> Registry:
    @tool
    async def slow() -> str:
        """Slow."""
        await gate.wait()
        return "slowly"

    @tool
    async def approve() -> str:
        """Somebody outside answers this."""
        return ""

    return Registry([slow, approve])


async def test_a_run_moved_on_from_outside_still_expires(
    tmp_path: Path, model: ScriptedModel, gate: asyncio.Event
) -> None:
    async with parley_at(tmp_path / "p.db", model, registry=slow_and_approve(gate)) as parley:
        run, outside = await mixed_turn(parley, model, gate)
        await parley.core.engine.record_output(run.id, outside, "yes")
        await parley.core.handler.resume(run.id)
        parley.clock.advance(600)
        await parley.quiet()
        assert "ten minutes" in parley.room.answers[0]
        assert (await newest(parley, run.thread_id)).status == "expired"


async def test_a_run_that_the_sweep_ended_is_told_to_the_person(
    tmp_path: Path, model: ScriptedModel, gate: asyncio.Event
) -> None:
    async with parley_at(tmp_path / "p.db", model, registry=slow_and_approve(gate)) as parley:
        await mixed_turn(parley, model, gate)
        parley.clock._now += 601  # the wall clock was set; the deadline in the event loop knows nothing of it
        await parley.core.sweep.once()
        gate.set()
        await parley.quiet()
        assert "Nobody answered in time" in parley.room.answers[0]


async def test_a_thread_that_cannot_be_read_says_so_and_blocks_nothing(parley: Parley, model: ScriptedModel) -> None:
    model.say("One.")
    await parley.alice.say("1?")
    await parley.quiet()
    damage = text("UPDATE messages SET metadata = '{broken' WHERE role = 'assistant'")
    await parley.core.database.write(lambda tx: tx.execute(damage))
    await parley.alice.say("2?")
    await parley.quiet()
    assert parley.room.answers == ["One.", "Something went wrong on my side. Please try again."]


async def test_a_run_that_was_ended_elsewhere_runs_no_tool_and_asks_no_model(bench: Bench) -> None:
    ran: list[str] = []

    async def look(arguments: dict[str, Any]) -> str:
        ran.append("look")
        return "Snow."

    bench.tools.functions = {"look": look}
    gate = bench.model.hold()
    run = await bench.ask("Go.")
    advancing = asyncio.create_task(bench.advance(run))
    await gate.reached.wait()
    await bench.engine.fail(run.id)
    gate.open()
    assert ((await advancing).status, ran) == ("failed", [])


async def test_outputs_by_another_process_wake_the_owner_and_nobody_else(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RegistryToolbox, "own", lambda self, run: {"forecast"})
    path, other_model = tmp_path / "p.db", ScriptedModel()
    async with parley_at(path, model) as one, parley_at(path, other_model, room=one.room) as other:
        (call,) = model.call(("tide", {"place": "Oslo"}))
        accepted = await one.alice.say("The tide?")
        await one.quiet()
        run = await newest(one, accepted.thread_id)
        model.say("High.")
        await other.core.handler.submit_tool_outputs(run.id, [(call, "High.")])
        await other.quiet()
        assert one.room.answers == []
        await one.core.sweep.once()
        await one.quiet()
        assert (one.room.answers, other_model.requests) == (["High."], [])


async def test_a_living_owner_keeps_its_runs_though_its_lease_ran_out(tmp_path: Path, model: ScriptedModel) -> None:
    path, other_model = tmp_path / "p.db", ScriptedModel()
    held = model.hold("Cold.")
    async with parley_at(path, model) as one, parley_at(path, other_model, room=one.room) as other:
        await one.alice.say("How is Oslo?")
        await held.reached.wait()
        other.clock.advance(3600)
        await other.core.sweep.once()
        held.open()
        await one.quiet()
        assert (one.room.answers, other_model.requests) == (["Cold."], [])


async def test_a_process_that_lost_its_run_writes_nothing_more(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("Mine.")
    accepted = await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    await parley.core.database.write(lambda tx: tx.execute(update(runs_table).values(owner="elsewhere:0")))
    gate.open()
    await parley.quiet()
    assert ((await newest(parley, accepted.thread_id)).status, parley.room.answers) == ("in_progress", [])


def test_an_owner_that_is_gone_cannot_come_back_while_its_runs_are_taken(tmp_path: Path) -> None:
    path = ready(tmp_path / "p.db")
    one, two = Ownership(path), Ownership(path)
    gone = two.name
    two.release()
    with one.others() as others:
        assert others == Others(frozenset({gone}))
        three = Ownership(path)
        assert three.name != gone
    with one.others() as others:
        assert others == Others(frozenset({gone}), frozenset({three.name}))
    three.release()
    one.release()


async def test_a_run_that_is_interrupted_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sweep.INTERRUPTIONS", 3)
    room, model = Room(), ScriptedModel()
    for start in range(4):
        held = model.hold("It is ")
        async with parley_at(tmp_path / "p.db", model, room=room) as parley:
            if start == 0:
                await parley.alice.say("How is Oslo?")
            await held.reached.wait()
            await parley.core.handler.close(grace=0)
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
    assert room.answers == [WORN_OUT]


async def test_the_sweep_survives_whatever_happens_to_it(parley: Parley, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Ownership) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Ownership, "others", fail)
        await parley.clock.asleep()
        parley.clock.advance(10)
        await parley.clock.asleep()
    assert parley.core.sweep._task is not None
    assert not parley.core.sweep._task.done()


async def test_shutdown_is_quick_though_the_database_is_locked(tmp_path: Path, model: ScriptedModel) -> None:
    path = tmp_path / "p.db"
    gates = [model.hold("x") for _ in range(5)]
    async with parley_at(path, model) as parley:
        for number, held in enumerate(gates):
            await parley.alice.say("go", thread=str(number))
            await held.reached.wait()
        with closing(sqlite3.connect(path, isolation_level=None)) as elsewhere:
            elsewhere.execute("BEGIN IMMEDIATE")
            for held in gates:
                held.open()
            begun = time.monotonic()
            await parley.core.handler.close(grace=0.2)
            assert time.monotonic() - begun < 4


async def test_an_answer_whose_delivery_cannot_be_recorded_is_not_shown_again(
    parley: Parley, model: ScriptedModel
) -> None:
    model.say("Cold.")
    database, write = parley.core.database, parley.core.database.write
    finals: list[str] = []
    failures = [StoreError("The disk is full."), StoreError("The disk is full.")]

    def note(view: View) -> None:
        if view.outcome:
            finals.append(view.whole)

    async def failing(operation: Any) -> Any:
        if finals and failures:
            raise failures.pop()
        return await write(operation)

    parley.room.before = note
    database.write = failing  # type: ignore[method-assign]
    await parley.alice.say("How is Oslo?")
    for _ in range(2):
        await parley.clock.asleep(2)
        parley.clock.advance(1)
    await parley.quiet()
    assert finals == ["Cold."]


async def test_the_same_key_in_two_channels_is_two_messages(parley: Parley, model: ScriptedModel) -> None:
    model.say("One.")
    model.say("Two.")
    first = await parley.alice.say("1?", key="1700000000.000100", channel="C1")
    await parley.quiet()
    second = await parley.alice.say("2?", key="1700000000.000100", channel="C2", by=BOB)
    await parley.quiet()
    assert (second.duplicate, first.thread_id == second.thread_id) == (False, False)
    assert parley.room.answers == ["One.", "Two."]


async def test_halves_of_surrogate_pairs_break_nothing(parley: Parley, model: ScriptedModel) -> None:
    model.call(Call("call_1", "forecast", '{"place": "\ud83d"}'))
    model.say("Half \ud83d", " and whole \ud83d\ude00.")
    await parley.alice.say("caf\udce9")
    await parley.quiet()
    assert parley.room.answers == ["Half � and whole 😀."]
    assert model.heard() == ["caf�"]


async def test_a_store_error_does_not_quote_the_message(parley: Parley) -> None:
    await parley.core.database.write(lambda tx: tx.execute(text("DROP TABLE messages")))
    with pytest.raises(StoreError) as caught:
        await parley.alice.say("a secret")
    assert "a secret" not in f"{caught.value} {caught.value.__cause__}"


async def test_new_waits_for_the_answer_that_is_being_made(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("Cold.")
    await parley.alice.say("How is Oslo?")
    await held.reached.wait()
    assert "still being made" in await parley.alice.command("new")
    held.open()
    await parley.quiet()
    assert "fresh conversation" in await parley.alice.command("new")
