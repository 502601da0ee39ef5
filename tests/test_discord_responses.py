"""Responses to commands: those of several that are answered together, those that somebody takes away, and the tokens
by which they are written, which nobody but Discord may see.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot import log
from bot.presses import THANKS
from tests.discord_parley import Talk, talk_at
from tests.hand_clock import HandClock
from tests.scripted_model import Gate
from tests.simulators.discord import CALLBACK, Channel, Interaction
from tests.test_discord_deadlines import LINE, asks, asks_in_vain, long_question, quiet, soon, texts

EXPIRED = "This took longer than ten minutes, so I stopped. Please try again."


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def talk(tmp_path: Path, clock: HandClock) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", clock=clock, limits=False) as made:
        yield made


# -- several that are answered together ------------------------------------------------------------------------------


async def busy(talk: Talk, place: str) -> tuple[Channel, Gate]:
    """A thread, or a direct conversation, in which an answer is being made."""
    gate = talk.model.hold(LINE)
    if place == "direct":
        room = talk.world.dm(talk.alice)
        await talk.alice.says("Rome?", room)
    else:
        asked = await talk.asks("Rome?")
        await talk.world.until(lambda: asked.thread)
        room = talk.world.thread(asked)
    await talk.held(gate)
    return room, gate


def pointer(talk: Talk, room: Channel, message: str) -> str:
    """What is said where the answer is not."""
    server = room.guild.id if room.guild else "@me"
    return f"Answered together with the next question: https://discord.com/channels/{server}/{room.id}/{message}"


@pytest.mark.parametrize("place", ["thread", "direct"])
async def test_questions_that_wait_are_answered_together_and_none_stays_thinking(talk: Talk, place: str) -> None:
    async with talk.parley() as parley:
        room, gate = await busy(talk, place)
        waiting = [await asks(talk, f"{name}?", room) for name in ("Oslo", "Bergen", "Tromsø")]
        assert [one.thinking for one in waiting] == [True] * 3
        talk.model.say("Cold.")
        gate.open()
        await soon(talk, lambda: waiting[-1].text == "Cold.")
        await quiet(talk, parley)
    told = pointer(talk, room, waiting[-1].responses[0].id)
    assert [one.text for one in waiting] == [told, told, "Cold."]
    assert talk.model.heard() == ["Rome?", "Oslo?", "Bergen?", "Tromsø?"]


async def test_a_question_that_a_message_follows_says_where_the_answer_is(talk: Talk) -> None:
    async with talk.parley() as parley:
        room, gate = await busy(talk, "thread")
        asked = await asks(talk, "Oslo?", room)
        await talk.bob.says("And Tromsø?", room)
        talk.model.say("Cold.")
        gate.open()
        await soon(talk, lambda: texts(talk, room)[-1] == "Cold.")
        await quiet(talk, parley)
    assert asked.text == pointer(talk, room, talk.ours(room)[-1].id)


async def test_a_question_that_waited_too_long_to_be_told_so_stays_not_thinking(talk: Talk, clock: HandClock) -> None:
    first = talk.model.hold("First.")
    second = talk.model.hold()
    lunch = await talk.bob.says("Lunch?", talk.general)
    room = await talk.bob.opens_thread("Lunch", lunch)
    async with talk.parley(max_concurrent_runs=1) as parley:
        await talk.asks("Rome?", where=talk.guild.channel("random"))
        await talk.held(first)
        old = await asks(talk, "Oslo?", room)
        clock.advance(500)
        new = await asks(talk, "Bergen?", room)
        first.open()
        await talk.held(second)
        clock.advance(500)
        second.open()
        await soon(talk, lambda: new.text == "…")
        await quiet(talk, parley)
    assert ([old.thinking, new.thinking], texts(talk, room)) == ([False, False], ["…"])


async def test_a_question_that_discord_gave_up_is_answered_with_those_that_wait(talk: Talk, clock: HandClock) -> None:
    async with talk.parley() as parley:
        room, gate = await busy(talk, "thread")
        old = await asks_in_vain(talk, clock, where=room)
        await talk.world.until(lambda: talk.world.count(CALLBACK) == 1)
        new = await asks(talk, "Bergen?", room)
        talk.model.say("Cold.")
        gate.open()
        await soon(talk, lambda: new.text == "Cold.")
        await quiet(talk, parley)
    assert (old.responses, texts(talk, room)) == ([], [LINE.strip(), "Cold."])


# -- responses that somebody takes away, or whose answer is given up -------------------------------------------------


async def test_an_answer_that_somebody_deletes_while_it_grows_comes_again(talk: Talk) -> None:
    gate = talk.model.hold(LINE)
    async with talk.parley() as parley:
        asked = await asks(talk)
        await soon(talk, lambda: asked.text == LINE.strip())
        await talk.bob.deletes(asked.responses[0])
        gate.open()
        await soon(talk, lambda: texts(talk, talk.general) == [LINE.strip()])
        await quiet(talk, parley)
    assert talk.ours(talk.general)[0].buttons == ["None", "None", "Why?"]


@pytest.mark.parametrize("private", [False, True])
async def test_an_answer_that_is_given_up_says_so_in_its_place(talk: Talk, clock: HandClock, private: bool) -> None:
    talk.model.hold(LINE)
    place = talk.world.dm(talk.alice) if private else talk.general
    async with talk.parley() as parley:
        asked = await asks(talk, private=private)
        await soon(talk, lambda: asked.text == LINE.strip())
        clock.advance(900)
        await soon(talk, lambda: texts(talk, place) == [f"{LINE}\n{EXPIRED}"])
        await quiet(talk, parley)
    assert len(talk.ours(talk.general)) == (0 if private else 1)


# -- tokens ----------------------------------------------------------------------------------------------------------


def stored(talk: Talk) -> str:
    """All that is in the database."""
    with closing(sqlite3.connect(talk.path)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return repr([file.execute(f"SELECT * FROM {name}").fetchall() for name in names])


async def one_way(talk: Talk, clock: HandClock, end: str) -> tuple[Interaction, Gate]:
    """A question whose answer waits before it ends in one of several ways."""
    if end == "too long":
        return await long_question(talk, clock, private=False, shown=True)
    if end in ("among two", "not taken"):
        talk.alice.closed = end == "not taken"
        return await long_question(talk, clock, private=True, shown=True)
    gate = talk.model.hold(LINE)
    if end == "given up":
        return await asks_in_vain(talk, clock), gate
    if end == "lost":
        talk.world.fails(CALLBACK, after=True)
        return await asks(talk, waits=False), gate
    return await asks(talk), gate


ENDS = ["answered", "stopped", "lost", "given up", "too long", "among two", "not taken"]


@pytest.mark.parametrize("end", ENDS)
async def test_a_token_is_kept_as_long_as_it_is_needed_and_never_told(talk: Talk, clock: HandClock, end: str) -> None:
    lines = io.StringIO()
    log.configure("debug", "json", lines)
    async with talk.parley(max_concurrent_runs=1) as parley:
        asked, gate = await one_way(talk, clock, end)
        await talk.held(gate)
        assert asked.token in stored(talk)
        if end == "stopped":
            await talk.alice.uses("/stop", talk.general)
        gate.open()
        await quiet(talk, parley)
    assert "Oslo?" in stored(talk)
    assert asked.token not in stored(talk)
    assert "run ended" in lines.getvalue() or end == "not taken"
    assert asked.token not in lines.getvalue()


# -- buttons of an answer that moved ---------------------------------------------------------------------------------


async def test_the_buttons_of_an_answer_that_went_on_among_two_work_there(talk: Talk, clock: HandClock) -> None:
    talk.model.say("Cold.")
    room = talk.world.dm(talk.alice)
    async with talk.parley() as parley:
        await asks_in_vain(talk, clock, private=True)
        await soon(talk, lambda: texts(talk, room) == ["Cold."])
        await quiet(talk, parley)
        answer = talk.ours(room)[0]
        good = next(part["custom_id"] for part in answer.parts if "custom_id" in part)
        assert (await talk.alice.presses(answer, good)).text == THANKS
