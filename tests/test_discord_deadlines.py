"""Discord's deadlines: three seconds for a first answer, fifteen minutes for all further ones, and answers that are
lost. Nobody waits for ever, nothing is said twice, and what was private stays so.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.discord import patience
from adapters.discord.interactions import NOT_STORED
from adapters.discord.patience import FAILED
from bot.presses import THANKS
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hand_clock import HandClock
from tests.scripted_model import Gate
from tests.simulators.discord import CALLBACK, CREATE, EDIT, ORIGINAL, Channel, Interaction, Message

LINE = "It snows in Oslo, and it will go on to do so for the whole of the day.\n"
"""So much of an answer is shown while it grows."""
FRESH = "A fresh conversation begins here. I no longer see what was said before."
NO_RESPONSE = "The application did not respond"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def talk(tmp_path: Path, clock: HandClock) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", clock=clock, limits=False) as made:
        yield made


async def soon(talk: Talk, condition: Callable[[], object]) -> None:
    """Wait until it is so, while the clock goes on a little at each look."""

    def look() -> object:
        assert talk.clock is not None
        talk.clock.advance(0.1)
        return condition()

    await talk.world.until(look)


async def quiet(talk: Talk, parley: DiscordParley) -> None:
    """Wait until nothing more is to come."""
    waiting = asyncio.create_task(parley.quiet(), name="quiet")
    await soon(talk, waiting.done)


async def asks(talk: Talk, prompt: str = "Oslo?", where: Channel | None = None, **options: Any) -> Interaction:
    return await talk.alice.uses("/ask", where or talk.general, prompt=prompt, **options)


async def asks_in_vain(talk: Talk, clock: HandClock, where: Channel | None = None, **options: Any) -> Interaction:
    """A command that Discord gives up, since it hears of it after more than three seconds only."""
    gate = talk.world.holds(CALLBACK)
    asked = await asks(talk, where=where, waits=False, **options)
    await gate.reached()
    clock.advance(3)
    gate.release()
    return asked


def texts(talk: Talk, place: Channel) -> list[str]:
    return ["(thinking)" if one.loading else one.text for one in talk.ours(place)]


@contextmanager
def locked(talk: Talk) -> Iterator[None]:
    """Another program writes into the database, and takes its time."""
    with closing(sqlite3.connect(talk.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def button(answer: Message, ends: str) -> str:
    found = (str(part["custom_id"]) for part in answer.parts if "custom_id" in part)
    return next(id_ for id_ in found if id_.endswith(ends))


# -- three seconds, and a store that has none ------------------------------------------------------------------------


@pytest.mark.parametrize("private", [False, True])
async def test_a_question_is_acknowledged_though_the_store_is_slow(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.01)
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        with locked(talk):
            asked = await asks(talk, private=private)
            assert (asked.deferred, asked.ephemeral, talk.model.requests) == (True, private, [])
        await talk.world.until(lambda: asked.text)
        await quiet(talk, parley)
        assert asked.text == "Cold."


async def test_commands_and_presses_are_acknowledged_though_the_store_is_slow(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.01)
    talk.model.say("Cold.")
    room = talk.world.dm(talk.alice)
    async with talk.parley() as parley:
        asked = await asks(talk, where=room)
        await talk.world.until(lambda: asked.text)
        await quiet(talk, parley)
        with locked(talk):
            pressed = await talk.alice.presses(asked.responses[0], button(asked.responses[0], "good"))
            renewed = await talk.alice.uses("/new", room)
            assert [one.thinking and one.ephemeral for one in (pressed, renewed)] == [True, True]
        await talk.world.until(lambda: (pressed.text, renewed.text) == (THANKS, FRESH))


@pytest.mark.parametrize("at_once", [True, False])
async def test_people_are_told_when_the_store_fails(talk: Talk, monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    if not at_once:
        monkeypatch.setattr(patience, "PATIENCE", 0.01)
    told = await talk.bob.says("Lunch?", talk.general)
    async with talk.parley() as parley:
        parley.core.database.hurry()
        with locked(talk):
            done = [await asks(talk), await asks(talk, private=True)]
            opened = await talk.alice.menu("Ask Parley about this", told)
            done.append(await talk.alice.submits(opened, {"question": "When?"}))
            done.append(await talk.alice.uses("/new", talk.world.dm(talk.alice)))
            await talk.world.until(lambda: all(one.text for one in done))
    assert [one.text for one in done] == [NOT_STORED, NOT_STORED, NOT_STORED, FAILED]
    assert [one.ephemeral for one in done] == [at_once, True, at_once, True]


# -- answers that are lost, and dispatches that come twice -----------------------------------------------------------

LOST: list[dict[str, Any]] = [{"after": True}, {"drop": True}, {"status": 503}, {"status": 503, "after": True}]


@pytest.mark.parametrize("how", LOST, ids=str)
async def test_an_acknowledgement_that_is_lost_is_repeated_and_harmless(talk: Talk, how: dict[str, Any]) -> None:
    talk.model.say("Cold.")
    lunch = await talk.bob.says("Lunch?", talk.general)
    async with talk.parley() as parley:
        talk.world.fails(CALLBACK, **how)
        asked = await asks(talk, waits=False)
        await soon(talk, lambda: asked.text == "Cold.")
        talk.world.fails(CALLBACK, **how)
        listed = await talk.alice.uses("/tools list", talk.general, waits=False)
        await soon(talk, lambda: listed.text)
        talk.world.fails(CALLBACK, **how)
        opened = await talk.alice.menu("Ask Parley about this", lunch, waits=False)
        await soon(talk, lambda: opened.modal)
        await soon(talk, lambda: talk.world.count(CALLBACK) == 6)
        await quiet(talk, parley)
    assert ([asked.error, listed.error, opened.error], texts(talk, talk.general)) == ([""] * 3, ["Cold."])


async def test_a_dispatch_that_comes_twice_is_answered_once(talk: Talk) -> None:
    talk.model.say("Cold.")
    ada = talk.guild.person("Ada", admin=True)
    lunch = await talk.bob.says("Lunch?", talk.general)
    async with talk.parley() as parley:
        asked = await asks(talk)
        await soon(talk, lambda: asked.text == "Cold.")
        await ada.uses("/tools disable", talk.general, tool="tide")
        await talk.alice.menu("Ask Parley about this", lunch)
        before = talk.world.count(CALLBACK)
        talk.world.duplicate(20)
        last = await talk.alice.uses("/tools list", talk.general)
        await quiet(talk, parley)
    assert talk.world.count(CALLBACK) == before + 1
    assert (texts(talk, talk.general), last.text) == (["Cold."], "forecast: on\ntide: off (set for this server)")


@pytest.mark.parametrize("lost", ["state", "last state"])
async def test_an_answer_that_discord_took_without_saying_so_is_there_once(talk: Talk, lost: str) -> None:
    gate = talk.model.hold(LINE * 40)
    async with talk.parley() as parley:
        if lost == "state":
            talk.world.fails(ORIGINAL, after=True)
        asked = await asks(talk)
        await soon(talk, lambda: asked.text)
        if lost == "last state":
            for route in (ORIGINAL, CREATE, EDIT):
                talk.world.fails(route, after=True, times=2)
        gate.open()
        await quiet(talk, parley)
    assert [word for text in texts(talk, talk.general) for word in text.split()] == (LINE * 40).split()
    assert [one.buttons for one in talk.ours(talk.general)] == [[], ["None", "None", "Why?"]]


# -- a first answer that comes too late ------------------------------------------------------------------------------


async def test_a_question_that_discord_gave_up_is_answered_in_the_channel_once(talk: Talk, clock: HandClock) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    async with talk.parley() as parley:
        asked = await asks_in_vain(talk, clock)
        await soon(talk, lambda: texts(talk, talk.general) == ["Cold."])
        await quiet(talk, parley)
        assert (asked.error, asked.responses) == (NO_RESPONSE, [])
        await talk.bob.says("And Tromsø?", talk.general, reply_to=talk.ours(talk.general)[0])
        await soon(talk, lambda: texts(talk, talk.general) == ["Cold.", "Colder."])
        await quiet(talk, parley)
    assert talk.model.heard() == ["Oslo?", "And Tromsø?"]


async def test_a_private_question_that_discord_gave_up_is_answered_among_two(talk: Talk, clock: HandClock) -> None:
    gate = talk.model.hold(LINE)
    room = talk.world.dm(talk.alice)
    async with talk.parley() as parley:
        asked = await asks_in_vain(talk, clock, private=True)
        await talk.held(gate)
        await soon(talk, lambda: texts(talk, room) == [LINE.strip()])
        gate.open()
        await soon(talk, lambda: talk.ours(room)[0].buttons != ["Stop"])
        await quiet(talk, parley)
    assert (asked.error, texts(talk, talk.general), texts(talk, room)) == (NO_RESPONSE, [], [LINE.strip()])


# -- fifteen minutes -------------------------------------------------------------------------------------------------


async def long_question(talk: Talk, clock: HandClock, *, private: bool, shown: bool) -> tuple[Interaction, Gate]:
    """A question that waits ten minutes for room, and whose answer takes as long again.

    The clock stands at its end; `shown`: its beginning could be read before the fifteen minutes were over.
    """
    first = talk.model.hold("First.")
    gate = talk.model.hold(LINE if shown else "")
    other = talk.guild.channel("random")
    await talk.asks("Rome?", who=talk.bob, where=other)
    await talk.held(first)
    asked = await asks(talk, private=private)
    clock.advance(500)
    first.open()
    await talk.held(gate)
    if shown:
        await soon(talk, lambda: asked.text == LINE.strip())
    clock.advance(500)
    return asked, gate


@pytest.mark.parametrize("shown", [True, False])
async def test_a_long_answer_goes_on_in_the_channel_when_its_command_is_over(
    talk: Talk, clock: HandClock, shown: bool
) -> None:
    async with talk.parley(max_concurrent_runs=1) as parley:
        asked, gate = await long_question(talk, clock, private=False, shown=shown)
        before = [one.id for one in talk.ours(talk.general)]
        gate.open()
        whole = LINE.strip() if shown else "…"
        await soon(
            talk, lambda: texts(talk, talk.general) == [whole] and talk.ours(talk.general)[0].buttons != ["Stop"]
        )
        await quiet(talk, parley)
    (answer,) = talk.ours(talk.general)
    assert (answer.buttons, asked.thinking, answer.id in before) == (["None", "None", "Why?"], False, shown)


@pytest.mark.parametrize("shown", [True, False])
async def test_a_long_private_answer_goes_on_among_two(talk: Talk, clock: HandClock, shown: bool) -> None:
    room = talk.world.dm(talk.alice)
    async with talk.parley(max_concurrent_runs=1) as parley:
        _, gate = await long_question(talk, clock, private=True, shown=shown)
        gate.open()
        await soon(talk, lambda: texts(talk, room) == [LINE.strip() if shown else "…"])
        await quiet(talk, parley)
    assert texts(talk, talk.general) == []


async def test_a_long_private_answer_stays_private_where_nobody_takes_it(talk: Talk, clock: HandClock) -> None:
    talk.alice.closed = True
    async with talk.parley(max_concurrent_runs=1) as parley:
        _, gate = await long_question(talk, clock, private=True, shown=True)
        gate.open()
        await quiet(talk, parley)
    assert (texts(talk, talk.general), texts(talk, talk.world.dm(talk.alice))) == ([], [])
