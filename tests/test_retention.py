"""Retention: what is older than the operator keeps it goes by itself, and nothing that is still to be answered."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.errors import StoreError
from bot.housekeeping import DAY
from bot.store import retention
from bot.store.migrations import run as migrations
from tests.hand_clock import HandClock
from tests.kept import dangling, exported, rows, texts, traces
from tests.parley import Parley, parley_at
from tests.scripted_model import ScriptedModel


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, retention_days=30, flood_limit=0) as made:
        yield made
    model.assert_done()


async def turn(parley: Parley, model: ScriptedModel, said: str, answer: str, **fields: Any) -> None:
    model.say(answer)
    await parley.alice.say(said, **fields)
    await parley.quiet()


async def pass_days(parley: Parley, days: float) -> None:
    """The time goes on, and what is due by then is done."""
    parley.clock.advance(days * DAY)
    await parley.clock.asleep()
    await parley.core.sweep.housekeeping.done()


async def record(parley: Parley) -> list[str]:
    found = await parley.core.database.read(lambda c: c.execute(text("SELECT target FROM audit ORDER BY seq")))
    return list(found.scalars())


async def test_a_conversation_goes_when_nothing_was_said_for_so_long(parley: Parley, model: ScriptedModel) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    await turn(parley, model, "How is Oslo?", "Cold.", thread="1")
    await pass_days(parley, 10)
    await turn(parley, model, "And Rome?", "Warm.", thread="2")
    await pass_days(parley, 19)
    assert texts(parley) == ["How is Oslo?", "Cold.", "And Rome?", "Warm."]
    kept = await exported(parley, thread="2")
    await pass_days(parley, 2)
    assert texts(parley) == ["And Rome?", "Warm."]
    assert (await exported(parley, thread="2"))["conversations"] == kept["conversations"]
    assert (rows(parley)["bindings"], rows(parley)["threads"], dangling(parley)) == (1, 1, [])


async def test_a_conversation_that_goes_on_is_kept_whole(parley: Parley, model: ScriptedModel) -> None:
    for number in range(4):
        await turn(parley, model, f"Word {number}", "Yes.")
        await pass_days(parley, 20)
    assert len(texts(parley)) == 8


async def test_without_a_limit_all_is_kept(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        await turn(parley, model, "How is Oslo?", "Cold.")
        await pass_days(parley, 4000)
        assert texts(parley) == ["How is Oslo?", "Cold."]


async def test_what_is_still_to_be_answered_or_shown_stays(
    parley: Parley, model: ScriptedModel, tmp_path: Path
) -> None:
    for thread in ("active", "undelivered", "waiting", "over"):
        await turn(parley, model, f"Word of {thread}", "Yes.", thread=thread)

    def of(thread: str) -> str:
        return f"thread_id = (SELECT thread_id FROM bindings WHERE thread = '{thread}')"

    async def interrupt(tx: Any) -> None:
        await tx.execute(text(f"UPDATE runs SET status = 'requires_action' WHERE {of('active')}"))
        await tx.execute(text(f"UPDATE runs SET delivery = 'open' WHERE {of('undelivered')}"))
        await tx.execute(text(f"UPDATE messages SET waiting = 1 WHERE role = 'user' AND {of('waiting')}"))
        # None of them is ours to go on with.
        await tx.execute(text("UPDATE runs SET platform = 'other'"))
        await tx.execute(text("""UPDATE messages SET conversation = '["other","T1","C1","1"]' WHERE role = 'user'"""))

    await parley.core.database.write(interrupt)
    await pass_days(parley, 31)
    assert texts(parley) == [
        word for thread in ("active", "undelivered", "waiting") for word in (f"Word of {thread}", "Yes.")
    ]


async def test_the_admins_record_goes_by_the_same_age(parley: Parley) -> None:
    await parley.alice.command("tools disable tide", admin=True)
    await pass_days(parley, 20)
    await parley.alice.command("tools disable forecast", admin=True)
    assert await record(parley) == ["tide (workspace)", "forecast (workspace)"]
    await pass_days(parley, 11)
    assert await record(parley) == ["forecast (workspace)"]


async def test_it_is_looked_after_at_the_start_and_once_a_day(tmp_path: Path, model: ScriptedModel) -> None:
    clock, path = HandClock(), tmp_path / "parley.db"
    async with parley_at(path, model, clock=clock) as parley:
        await turn(parley, model, "The zebra.", "Striped.")
    clock.advance(8 * DAY)
    async with parley_at(path, model, clock=clock, retention_days=7) as parley:
        await parley.core.sweep.housekeeping.look()  # ten seconds later
        await parley.core.sweep.housekeeping.done()
        assert (rows(parley), traces(tmp_path, "zebra")) == ({}, {})
        await turn(parley, model, "The zebra.", "Striped.")
        for _ in range(3):
            await pass_days(parley, 2)
        assert len(texts(parley)) == 2
        await pass_days(parley, 2)
        assert (rows(parley), traces(tmp_path, "zebra")) == ({}, {})


async def test_much_goes_in_small_transactions(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        await turn(parley, model, "How is Oslo?", "Cold.", thread=str(number))
    removed: list[int] = []
    remove = retention.remove

    async def counting(tx: Any, thread_ids: Any, before: float, now: float) -> int:
        removed.append(await remove(tx, thread_ids, before, now))
        return removed[-1]

    monkeypatch.setattr(retention, "remove", counting)
    await pass_days(parley, 31)
    assert (removed, rows(parley)) == ([2, 2, 1], {})


async def test_who_speaks_between_the_look_and_the_removal_is_kept(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    remove = retention.remove

    async def late(tx: Any, thread_ids: Any, before: float, now: float) -> int:
        await tx.execute(text(f"UPDATE messages SET created_at = {now} WHERE role = 'assistant'"))
        return await remove(tx, thread_ids, before, now)

    monkeypatch.setattr(retention, "remove", late)
    await pass_days(parley, 31)
    assert texts(parley) == ["How is Oslo?", "Cold."]


async def test_a_store_that_fails_is_tried_again_by_the_next_sweep(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")

    async def failing(*_: Any) -> int:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(retention, "remove", failing)
        await pass_days(parley, 31)
        assert len(texts(parley)) == 2
    await pass_days(parley, 10 / DAY)
    assert texts(parley) == []


async def test_a_conversation_that_went_by_its_age_is_read_again_when_people_go_on_there(
    parley: Parley, model: ScriptedModel
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.", raw=True)
    await pass_days(parley, 31)
    await turn(parley, model, "And now?", "Warm.", raw=True)
    assert parley.room.lookups == [("How is Oslo?", True), ("And now?", True)]


async def test_what_earlier_versions_left_in_the_file_goes_at_the_first_start(
    tmp_path: Path, model: ScriptedModel
) -> None:
    path = tmp_path / "parley.db"
    migrations.upgrade(path, wait=1.0, revision="0002")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        insert = (
            "INSERT INTO messages (id, thread_id, created_at, role, text, status, attachments, metadata, waiting) "
            "VALUES ('{0}', 't', 0, 'user', '{1}', 'completed', '[]', '{{}}', 0)"
        )
        connection.execute("INSERT INTO threads (id, created_at, metadata) VALUES ('t', 0, '{}')")
        connection.execute(insert.format("m1", "This stays."))
        connection.execute(insert.format("m2", "zebra " * 2000))
        connection.execute("DELETE FROM messages WHERE id = 'm2'")
    assert traces(tmp_path, "zebra")
    async with parley_at(path, model) as parley:
        await parley.core.sweep.housekeeping.look()  # ten seconds later
        await parley.core.sweep.housekeeping.done()
        assert texts(parley) == ["This stays."]
    assert traces(tmp_path, "zebra") == {}
