"""Forgetting: a conversation or a person, for good, and nothing else with it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from bot.assistants.types import Author
from bot.buttons import Button
from bot.commands.keeping import (
    BUSY,
    BUSY_WITH_YOU,
    EARLIER,
    FORGET_FORMS,
    NO_THREAD,
    NOT_YOURS,
    NOTHING_HERE,
    NOTHING_OF_YOU,
)
from bot.housekeeping import DAY
from bot.ports import Conversation, Earlier
from bot.presses import UNKNOWN
from bot.store import traces as traces_of
from bot.store.schema import runs
from tests.kept import dangling, exported, rows, texts, traces
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel
from tests.test_preparing import DOT

CAROL = Author("U3", "Carol")
STAYS = "What Room itself shows stays there: delete it there."


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, flood_limit=0) as made:
        yield made
    model.assert_done()


async def turn(parley: Parley, model: ScriptedModel, said: str, answer: str, **fields: Any) -> None:
    model.say(answer)
    await parley.alice.say(said, **fields)
    await parley.quiet()


async def audited(parley: Parley) -> list[tuple[Any, ...]]:
    query = text("SELECT actor_id, actor_name, action, before, allowed FROM audit ORDER BY seq")
    return [tuple(row) for row in await parley.core.database.read(lambda c: c.execute(query))]


# -- a conversation ------------------------------------------------------------------------------------------------


async def test_forget_says_what_would_go_and_does_it_when_one_is_sure(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files = {"notes.txt": b"Buy milk.", "dot.png": DOT}
    model.call(("forecast", {"place": "Oslo"}))
    await turn(parley, model, "How is Oslo?", "Cold.", files=["notes.txt", "dot.png"])
    await turn(parley, model, "And Rome?", "Warm.")
    asked = await parley.alice.command("forget")
    assert asked == (
        "This removes 2 messages, 2 answers and 2 files of this conversation for good. "
        f"Say “forget sure” to do it. {STAYS}"
    )
    assert "Buy milk." in str(await exported(parley))
    done = await parley.alice.order("forget sure")
    assert (done.text, done.forgot) == (
        f"Forgotten: 2 messages, 2 answers and 2 files of this conversation. {STAYS}",
        True,
    )
    assert rows(parley) == {}
    assert await parley.alice.command("forget") == NOTHING_HERE
    assert await parley.alice.command("forget sure") == NOTHING_HERE


async def test_a_conversation_is_forgotten_by_who_spoke_there_and_by_admins(
    parley: Parley, model: ScriptedModel
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    await turn(parley, model, "And Rome?", "Warm.", by=BOB)
    for words in ("forget", "forget sure"):
        assert await parley.alice.command(words, by=CAROL) == NOT_YOURS
    assert len(texts(parley)) == 4
    await parley.alice.command("forget sure", by=BOB)
    assert texts(parley) == []
    await turn(parley, model, "How is Paris?", "Wet.", thread="2")
    await parley.alice.command("forget sure", by=CAROL, admin=True, thread="2")
    assert texts(parley) == []
    refused = ("U3", "Carol", "forget", None, False)
    assert await audited(parley) == [
        *[(*refused[:4], 0)] * 2,
        ("U2", "U2", "forget", "2 messages and 2 answers", 1),
        ("U3", "U3", "forget", "1 message and 1 answer", 1),
    ]


async def test_other_conversations_stay_as_they_were(parley: Parley, model: ScriptedModel) -> None:
    for thread in ("1", "2"):
        model.call(("forecast", {"place": "Oslo"}))
        await turn(parley, model, "How is Oslo?", "Cold.", thread=thread, files=[])
    await turn(parley, model, "And Rome?", "Warm.", thread="2", by=BOB)
    before = await exported(parley, thread="2")
    await parley.alice.command("forget sure")
    assert await exported(parley, thread="2") == before
    model.say("Still cold.")
    await parley.alice.say("And now?", thread="2")
    await parley.quiet()
    assert model.heard() == ["How is Oslo?", "And Rome?", "And now?"]
    assert model.outputs() == ["Snow in Oslo."]
    assert dangling(parley) == []


async def test_forgetting_waits_for_the_answer_in_the_making(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("Well")
    await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    assert [await parley.alice.command(words) for words in ("forget", "forget sure")] == [BUSY, BUSY]
    assert [await parley.alice.command(f"forget me{sure}") for sure in ("", " sure")] == [BUSY_WITH_YOU] * 2
    assert await parley.alice.command("stop") == "Stopped."
    await parley.quiet()
    await parley.alice.command("forget sure")
    assert rows(parley) == {}


async def test_a_thread_whose_answer_broke_off_is_forgotten_whole(parley: Parley, model: ScriptedModel) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    model.act("Half an", RuntimeError("gone"))  # type: ignore[arg-type]
    await parley.alice.say("How is Oslo?", key="k")
    await parley.quiet()
    gate = model.hold("Half")
    await parley.alice.say("And Rome?", key="deleted")
    await gate.reached.wait()
    await parley.alice.delete("deleted")
    await parley.quiet()
    assert rows(parley)["tool_calls"] == 1
    await parley.alice.command("forget sure")
    assert (rows(parley), dangling(parley)) == ({}, [])


async def test_with_nothing_there_it_says_so(parley: Parley, model: ScriptedModel) -> None:
    assert await parley.alice.command("forget") == NOTHING_HERE
    assert await parley.alice.command("forget", thread="") == NO_THREAD
    for words in ("forget me", "forget me sure"):
        assert await parley.alice.command(words) == NOTHING_OF_YOU
    assert await parley.alice.command("forget it all") == FORGET_FORMS
    await turn(parley, model, "How is Oslo?", "Cold.")
    await parley.alice.command("new")
    assert await parley.alice.command("forget") == EARLIER


async def test_buttons_of_a_forgotten_answer_are_unknown(parley: Parley, model: ScriptedModel) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    buttons = parley.room.posts[1].buttons
    await parley.alice.command("forget sure")
    assert {await parley.alice.press(button) for button in buttons} == {UNKNOWN}


async def test_all_places_where_people_went_on_are_let_go(parley: Parley, model: ScriptedModel) -> None:
    parley.alice.goes_on_in = Conversation("room", "T1", "C1", "answer-1")
    await turn(parley, model, "How is Oslo?", "Cold.")
    await parley.alice.command("forget sure", thread="answer-1")
    assert rows(parley) == {}
    assert await parley.alice.send("And Rome?", follow_up=True) is None


# -- what comes afterwards -----------------------------------------------------------------------------------------


async def test_a_message_that_comes_again_is_not_answered_again(parley: Parley, model: ScriptedModel) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.", key="k")
    await parley.alice.command("forget sure")
    again = await parley.alice.say("How is Oslo?", key="k")
    await parley.quiet()
    assert (again.duplicate, rows(parley)) == (True, {})
    parley.clock.advance(2 * DAY + 10)
    await parley.clock.asleep()
    await parley.core.sweep.housekeeping.done()
    left = await parley.core.database.read(lambda c: c.execute(text("SELECT until FROM forgotten")))
    assert list(left.scalars()) == [None]


async def test_who_goes_on_there_begins_afresh(parley: Parley, model: ScriptedModel) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.", raw=True)
    await parley.alice.command("forget sure")
    model.say("Warm.")
    await parley.alice.say("And Rome?", raw=True)
    await parley.quiet()
    assert parley.room.lookups == [("How is Oslo?", True), ("And Rome?", False)]
    assert model.heard() == ["And Rome?"]
    assert texts(parley) == ["And Rome?", "Warm."]


@pytest.mark.parametrize("first", ["the message", "the forgetting"])
async def test_a_message_that_comes_at_the_same_moment_keeps_all_or_begins_afresh(
    parley: Parley, model: ScriptedModel, first: str
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    model.say("Warm.")
    work = [lambda: parley.alice.command("forget sure"), lambda: parley.alice.say("And Rome?")]
    tasks: list[asyncio.Task[Any]] = []
    async with parley.core.database._turn:
        for begin in work if first == "the forgetting" else reversed(work):
            tasks.append(asyncio.create_task(begin()))
            while len(parley.core.database._turn._waiters or ()) < len(tasks):  # noqa: ASYNC110 - a lock tells nobody
                await asyncio.sleep(0)
    results = await asyncio.gather(*tasks)
    await parley.quiet()
    if first == "the message":
        assert (results[1], texts(parley)) == (BUSY, ["How is Oslo?", "Cold.", "And Rome?", "Warm."])
    else:
        assert (results[0].startswith("Forgotten"), texts(parley)) == (True, ["And Rome?", "Warm."])
    assert dangling(parley) == []


# -- a person ------------------------------------------------------------------------------------------------------


async def test_forget_me_removes_ones_own_words_everywhere_and_no_one_elses(
    parley: Parley, model: ScriptedModel
) -> None:
    await turn(parley, model, "Alice alone.", "To Alice.", thread="1")
    await turn(parley, model, "Bob alone.", "To Bob.", thread="2", by=BOB)
    gate = model.hold("To Alice")
    await parley.alice.say("Alice first.", thread="3", channel="C2")
    await gate.reached.wait()
    await parley.alice.say("Alice again.", thread="3", channel="C2")
    await parley.alice.say("Bob, too.", thread="3", channel="C2", by=BOB)
    model.say("To both.")
    gate.open()
    await parley.quiet()
    run_of_bob = (await exported(parley, thread="2", by=BOB))["conversations"][0]["runs"][0]["id"]
    await parley.alice.press(Button("feedback", run_of_bob, "good"))
    assert await parley.alice.command("forget me") == (
        "This removes for good what you said to me on Room, and the answers to you alone: 3 messages, 2 answers "
        "and feedback on 1 answer. "
        f"Say “forget me sure” to do it. {STAYS} What others wrote stays, even where they quote you. The admins' "
        "record keeps your name where you changed something, and this month's usage your id, since budgets count on it."
    )
    done = await parley.alice.order("forget me sure")
    assert done.text.startswith("Forgotten: 3 messages, 2 answers and feedback on 1 answer of yours.")
    assert (done.forgot, texts(parley), dangling(parley)) == (
        True,
        ["Bob alone.", "To Bob.", "Bob, too.", "To both."],
        [],
    )
    assert "feedback" not in rows(parley)
    left = await exported(parley, "export me")
    assert (left["conversations"], left["feedback"]) == ([], [])
    model.say("Yes.")
    await parley.alice.say("Go on.", thread="3", channel="C2", by=BOB)
    await parley.quiet()
    assert model.heard() == ["Bob, too.", "Go on."]


async def test_feedback_is_forgotten_where_that_is_all_there_is_of_a_person(
    parley: Parley, model: ScriptedModel
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    await parley.alice.press(Button("feedback", parley.room.posts[1].run_id, "good"), by=BOB)
    assert "to you alone: feedback on 1 answer. Say" in await parley.alice.command("forget me", by=BOB)
    await parley.alice.command("forget me sure", by=BOB)
    assert "feedback" not in rows(parley)


async def test_a_conversation_that_somebody_elses_words_were_only_read_into_goes_whole(
    parley: Parley, model: ScriptedModel
) -> None:
    parley.room.earlier = [Earlier("Bob said this before.", BOB)]
    await turn(parley, model, "What does he mean?", "This.", raw=True)
    assert await parley.alice.command("forget me sure", by=BOB) != NOT_YOURS
    assert texts(parley) == ["What does he mean?", "This."]
    parley.room.earlier = [Earlier("Bob said this before.", BOB)]
    await parley.alice.command("forget me sure")
    assert rows(parley) == {}


async def test_a_person_is_one_on_a_platform_whatever_others_have_the_same_id(
    parley: Parley, model: ScriptedModel
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    elsewhere = update(runs).values(platform="other")

    async def move(tx: Any) -> None:
        await tx.execute(elsewhere)
        await tx.execute(text("UPDATE messages SET key = 'other:T1:C1:k' WHERE key IS NOT NULL"))

    await parley.core.database.write(move)
    assert await parley.alice.command("forget me") == NOTHING_OF_YOU
    await parley.alice.command("forget me sure")
    assert len(texts(parley)) == 2


# -- no trace ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["forget sure", "forget me sure"])
async def test_no_byte_of_it_is_left_in_any_file(
    parley: Parley, model: ScriptedModel, tmp_path: Path, words: str
) -> None:
    mark, zelda = "zebra", Author("U1", "Zelda zebra")
    parley.room.files = {"zebra.txt": b"A zebra in a file."}
    await turn(parley, model, "Something else.", "This stays.", thread="2", by=BOB)
    gate = model.hold("A zebra that")
    model.call(("forecast", {"place": "zebra"}))
    route = {"said": {"title": "A zebra's title"}, "secret": "zebra"}
    model.say("A zebra is an answer.")
    await parley.alice.say("The zebra.", by=zelda, key="zebra-key", raw=True, files=["zebra.txt"], route=route)
    await gate.reached.wait()
    await parley.alice.edit("zebra-key", "The zebra, amended.")
    await parley.quiet()
    run_id = parley.room.posts[2].run_id
    placed = {"state": {"zebra": "zebra"}, "undecided": False}
    await parley.core.database.write(
        lambda tx: tx.execute(update(runs).where(runs.c.id == run_id).values(placed=placed))
    )
    await parley.alice.press(Button("feedback", run_id, "good"), by=zelda)
    assert traces(tmp_path, mark)
    assert (await parley.alice.order(words, by=zelda)).forgot
    assert traces(tmp_path, mark) == {}
    with closing(sqlite3.connect(parley.core.database.path)) as connection:
        connection.execute("VACUUM")
    assert traces(tmp_path, mark) == {}
    assert traces(tmp_path, "This stays.")


async def test_pages_that_were_split_keep_nothing(parley: Parley, model: ScriptedModel, tmp_path: Path) -> None:
    for number in range(120):
        who, long = (ALICE, BOB)[number % 2], "x" * (number * 37 % 900)
        thread = str(number % 6)
        await turn(parley, model, f"{who.name}-words {long}", f"{who.name}-answer {long}", by=who, thread=thread)
    assert set(traces(tmp_path, "Alice-words")) >= {"parley.db-wal"}
    await parley.alice.command("forget me sure")
    for word in ("Alice-words", "Alice-answer"):
        assert traces(tmp_path, word) == {}
    assert len(texts(parley)) == 120


async def test_what_a_reader_keeps_in_the_log_goes_with_the_next_sweep(
    parley: Parley, model: ScriptedModel, tmp_path: Path
) -> None:
    await turn(parley, model, "The zebra.", "Striped.")
    with closing(sqlite3.connect(parley.core.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        assert (await parley.alice.order("forget sure")).forgot
        assert traces(tmp_path, "zebra")
        reader.execute("ROLLBACK")
    parley.clock.advance(10)
    await parley.clock.asleep()
    await parley.core.sweep.housekeeping.done()
    assert traces(tmp_path, "zebra") == {}


async def test_what_was_not_wiped_before_the_process_died_is_wiped_by_the_next(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parley.db"
    async with parley_at(path, model) as parley:
        await turn(parley, model, "The zebra.", "Striped.")
        with monkeypatch.context() as patched:
            patched.setattr("bot.store.traces.remove", lambda path: False)
            await parley.alice.command("forget sure")
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() != (0,)
    async with parley_at(path, model) as parley:
        await parley.core.sweep.housekeeping.look()  # ten seconds later
        await parley.core.sweep.housekeeping.done()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        assert traces(tmp_path, "zebra") == {}


async def test_of_a_large_file_at_least_the_log_is_cut(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.traces.SMALL", 0)
    await turn(parley, model, "The zebra.", "Striped.")
    log = parley.core.database.path.with_name("parley.db-wal")
    await parley.alice.command("forget sure")
    assert (b"zebra" in log.read_bytes(), parley.core.database.has_traces) == (False, False)


async def test_a_reader_in_the_way_makes_the_file_no_larger_each_time(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces_of, "PATIENCE", 0.05)
    await turn(parley, model, "The zebra.", "x" * 100_000)
    path = parley.core.database.path
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        await parley.alice.order("forget sure")
        log = path.with_name("parley.db-wal").stat().st_size
        for _ in range(3):
            await parley.core.database.wipe()
        assert path.with_name("parley.db-wal").stat().st_size == log
        reader.execute("ROLLBACK")


async def test_what_is_removed_while_another_wipes_is_wiped_as_well(
    parley: Parley, model: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parley.core.database.path
    await turn(parley, model, "The zebra.", "Striped.")
    await turn(parley, model, "The okapi.", "Striped, too.", thread="2")
    change = traces_of._change

    def between(connection: sqlite3.Connection, was: int, to: int) -> bool:
        """Somebody else removes something just when this one is done."""
        monkeypatch.undo()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute(f"PRAGMA user_version = {traces_of._whole(was)}")
        return change(connection, was, to)

    monkeypatch.setattr(traces_of, "_change", between)
    await parley.alice.command("forget sure")
    before = parley.core.database.has_traces
    await parley.core.database.wipe()
    assert (before, parley.core.database.has_traces) == (True, False)
    assert traces(tmp_path, "zebra") == {}


async def test_ones_own_words_in_what_was_refused_go_too(parley: Parley, model: ScriptedModel, tmp_path: Path) -> None:
    await turn(parley, model, "Hello.", "Hi.")
    for words in ("assistant create my-zebra", "tools disable zebra", "budget set zebra day 5", "audit zebra"):
        await parley.alice.command(words, by=Author("U1", "Zelda zebra"))
    await parley.alice.command("forget me sure")
    assert traces(tmp_path, "zebra") == {}


async def test_a_deleted_assistant_leaves_no_instructions(parley: Parley, tmp_path: Path) -> None:
    for words in ("create striped", "use striped", "set instructions You are a zebra " + "x" * 300, "delete striped"):
        await parley.alice.command(f"assistant {words}", admin=True)
    await parley.core.database.wipe()
    assert traces(tmp_path, "x" * 250) == {}
