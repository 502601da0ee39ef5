"""Flood: so many messages a minute from one person, and no more; whoever brings more is told how long to wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Refused
from bot.flood import PEOPLE, Flood
from bot.ports import Conversation, InboundMessage
from bot.settings import Settings
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel

ELSEWHERE = Conversation("room", "T2", "C1", "1")
A_LOT = "That is a lot at once: I take 2 messages a minute of each person. Please wait 60 seconds and send it again."


async def asked_twice(parley: Parley, model: ScriptedModel) -> None:
    """All that Alice may ask in a minute."""
    for question in ("one", "two"):
        model.say(f"Answer {question}.")
        await parley.alice.say(question, key=question, thread=question)
        await parley.quiet()


async def test_one_message_too_many_is_refused_with_the_time_to_wait(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        await asked_twice(parley, model)
        with pytest.raises(Refused) as caught:
            await parley.alice.say("three", thread="three")
        assert str(caught.value) == A_LOT
        parley.clock.advance(45)
        with pytest.raises(Refused, match="Please wait 20 seconds"):
            await parley.alice.say("three", thread="three")
        parley.clock.advance(15)
        model.say("Answer three.")
        await parley.alice.say("three", thread="three")
        await parley.quiet()
        assert parley.room.answers == ["Answer one.", "Answer two.", "Answer three."]


async def test_what_is_refused_is_not_stored_and_does_not_count(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        await asked_twice(parley, model)
        parley.clock.advance(30)
        for _ in range(50):
            with pytest.raises(Refused):
                await parley.alice.say("three", thread="three")
        parley.clock.advance(30)
        model.say("Answer four.")
        await parley.alice.say("four", thread="three")
        await parley.quiet()
        assert model.heard() == ["four"]


async def test_others_and_the_same_person_elsewhere_are_not_held_up(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        await asked_twice(parley, model)
        model.say("Hello Bob.")
        await parley.alice.say("Hello", by=BOB, thread="bob")
        await parley.quiet()
        model.say("Hello Alice.")
        await parley.core.accept(InboundMessage(ELSEWHERE, ALICE, "Hello", "e"))
        await parley.quiet()
        assert parley.room.answers[2:] == ["Hello Bob.", "Hello Alice."]


async def test_a_message_that_was_accepted_is_taken_again_however_often_and_late_it_comes(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        await asked_twice(parley, model)
        for _ in range(10):
            assert (await parley.alice.say("one", key="one", thread="one")).duplicate
        parley.clock.advance(60)  # they are not remembered any more, only stored
        for question in ("three", "four"):
            model.say(f"Answer {question}.")
            await parley.alice.say(question, key=question, thread=question)
        assert (await parley.alice.say("one", key="one", thread="one")).duplicate
        await parley.quiet()
        assert len(parley.room.answers) == 4


async def test_a_follow_up_that_is_for_parley_is_refused_like_any_other_message(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        await asked_twice(parley, model)
        with pytest.raises(Refused, match="a lot at once"):
            await parley.alice.send("And then?", thread="one", follow_up=True)


async def test_chatter_that_is_not_for_parley_is_neither_counted_nor_told_anything(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        for _ in range(10):
            assert await parley.alice.send("Lunch?", thread="theirs", follow_up=True) is None
        await asked_twice(parley, model)
        assert await parley.alice.send("Lunch?", thread="theirs", follow_up=True) is None


async def test_what_was_missed_while_parley_was_down_is_not_a_flood(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=2) as parley:
        await asked_twice(parley, model)
        for number in range(5):
            model.say(f"Late {number}.")
            await parley.alice.say("late", thread=f"late {number}", missed=True)
            await parley.quiet()
        assert parley.room.answers[2:] == [f"Late {number}." for number in range(5)]


async def test_with_a_limit_of_0_anybody_may_ask_as_often_as_they_like(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "p.db", model, flood_limit=0) as parley:
        for number in range(30):
            model.say("Yes.")
            await parley.alice.say("Really?", thread=str(number))
        await parley.quiet()
        assert len(parley.room.answers) == 30


async def test_the_operators_own_terminal_is_not_counted(tmp_path: Path) -> None:
    terminal = Conversation("console", "local", "console", "main")
    async with parley_at(tmp_path / "p.db", ScriptedModel(), flood_limit=1) as parley:
        for number in range(3):
            await parley.core.handler._inbox.admit(InboundMessage(terminal, ALICE, "Rain?", str(number)))


def test_without_a_setting_twenty_messages_a_minute_are_taken(tmp_path: Path) -> None:
    clock = HandClock()
    flood = Flood(Settings.model_fields["flood_limit"].default, clock)
    waits = [flood.let_in("U1", str(number)) for number in range(21)]
    assert waits == [0] * 20 + [60]


def test_the_minute_slides_and_the_wait_is_never_too_short() -> None:
    clock = HandClock()
    flood = Flood(3, clock)
    let_in: list[float] = []
    for number in range(600):
        wait = flood.let_in("U1", str(number))
        if not wait:
            let_in.append(clock.now())
            assert len([at for at in let_in if at > clock.now() - 60]) <= 3
        else:
            assert let_in[-3] + 60 <= clock.now() + wait < let_in[-3] + 71
        clock.advance(0.7)
    assert len(let_in) == 3 * 7


def test_no_more_people_are_remembered_than_there_is_room_for() -> None:
    flood = Flood(1, HandClock())
    for number in range(PEOPLE + 5):
        assert flood.let_in(number, "key") == 0
    assert len(flood._kept) == PEOPLE
    assert [flood.let_in(person, "other") for person in (PEOPLE + 4, 0)] == [60, 0]
