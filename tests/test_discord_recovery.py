"""Parley goes in the middle of an answer and comes back: there is one whole answer, and nothing is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.models.port import Turn
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hasty_clock import HastyClock
from tests.scripted_model import Gate
from tests.simulators.discord import CALLBACK, CREATE, EDIT, FROM_MESSAGE, ORIGINAL, TYPING, Message, Permission
from tests.simulators.openai.script import Gate as Held

HALF, REST = "It snows in Oslo,", "\nand in Tromsø too."
WHOLE = HALF + REST
LONG = "A line of prose, and some more.\n" * 60
WAYS = ("mention", "follow-up", "direct message", "reply", "command", "private command")
Shown = Callable[[], list[Message]]


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    monkeypatch.setattr("adapters.door.GRACE", 0.0)
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False) as made:
        yield made


def half(talk: Talk, *before: str) -> Gate:
    """An answer that stops half way, for good."""
    gate = Gate()
    talk.model.act(*before, HALF, gate, Turn(""))
    return gate


async def known(talk: Talk, parley: DiscordParley, way: str) -> None:
    """There is a conversation to go on with, where one way to ask wants it."""
    if way in ("follow-up", "reply"):
        talk.model.say("Hello.")
        if way == "follow-up":
            await talk.shows(await talk.asks("hello?"), "Hello.")
        else:
            await talk.alice.uses("/ask", talk.general, prompt="hello?")
            await talk.shows(talk.general, "Hello.")
        await parley.quiet()


async def asks(talk: Talk, way: str, *, waits: bool = True) -> Shown:
    """Alice asks in one of the ways; returns what shows Parley's messages, also one that says it is thinking."""
    general, alice = talk.general, talk.alice
    match way:
        case "mention":
            asked = await talk.asks()
            return lambda: talk.ours(asked)
        case "follow-up":
            (thread,) = talk.world.threads(general)
            await alice.says("rain?", thread)
            return lambda: talk.ours(thread)[1:]
        case "direct message":
            room = talk.world.dm(alice)
            await alice.says("rain?", room)
            return lambda: talk.ours(room)
        case "reply":
            await alice.says("rain?", general, reply_to=talk.ours(general)[0])
            return lambda: talk.ours(general)[1:]
        case "private command":
            used = await alice.uses("/ask", general, waits=waits, prompt="rain?", private=True)
            return lambda: [one for one in (*used.responses, *talk.ours(talk.world.dm(alice))) if not one.deleted]
        case _:
            await alice.uses("/ask", general, waits=waits, prompt="rain?")
            return lambda: talk.ours(general)


async def parked(talk: Talk, parley: DiscordParley, *, seconds: float = 400) -> None:
    """The process is told to go, whatever it is about. It is away for longer than Discord knows a nonce."""
    await parley.core.handler.close(grace=0)
    talk.model.assert_done()
    assert talk.clock is not None
    talk.clock.advance(seconds)


async def reached(held: Held) -> None:
    async with asyncio.timeout(20):
        await held.reached()


async def answered(talk: Talk, parley: DiscordParley, shown: Shown, *texts: str) -> list[Message]:
    """These are Parley's messages, and none is left that says anything else."""
    await talk.world.until(lambda: [one.text for one in shown()] == [*texts])
    await parley.quiet()
    assert [one.text for one in shown()] == [*texts]
    assert (shown()[-1].loading, shown()[-1].buttons) == (False, ["None", "None", "Why?"])
    return shown()


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_goes_on_in_its_message(talk: Talk, way: str) -> None:
    async with talk.parley() as parley:
        await known(talk, parley, way)
        gate = half(talk)
        shown = await asks(talk, way)
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == [HALF])
        (before,) = shown()
        await parked(talk, parley)
    talk.model.say(HALF, REST)
    async with talk.parley() as parley:
        assert await answered(talk, parley, shown, WHOLE) == [before]


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_that_was_stopped_before_a_word_is_begun_in_its_message(talk: Talk, way: str) -> None:
    async with talk.parley() as parley:
        await known(talk, parley, way)
        gate = talk.model.hold()
        shown = await asks(talk, way)
        await talk.held(gate)
        await talk.world.until(shown)
        (before,) = shown()
        await parked(talk, parley)
    talk.model.say(WHOLE)
    async with talk.parley() as parley:
        assert await answered(talk, parley, shown, WHOLE) == [before]


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_that_was_whole_but_not_recorded_is_not_said_twice(talk: Talk, way: str) -> None:
    async with talk.parley() as parley:
        await known(talk, parley, way)
        gate = Gate()
        talk.model.act(HALF, gate, REST, Turn(WHOLE))
        shown = await asks(talk, way)
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == [HALF])
        unheard = talk.world.holds(ORIGINAL if "command" in way else EDIT, after=True)
        gate.open()
        await reached(unheard)
        (before,) = shown()
        await parked(talk, parley)
    unheard.release()
    async with talk.parley() as parley:
        assert await answered(talk, parley, shown, WHOLE) == [before]


@pytest.mark.parametrize("after", [False, True], ids=["before it has its effect", "after that"])
@pytest.mark.parametrize("call", [FROM_MESSAGE, TYPING, CREATE, EDIT, CALLBACK, ORIGINAL])
async def test_whichever_call_it_was_in_there_is_one_answer(talk: Talk, call: str, after: bool) -> None:
    held = talk.world.holds(call, after=after)
    begins, ends = Gate(), Gate()
    talk.model.act(begins, HALF, ends, Turn(""))
    async with talk.parley() as parley:
        shown = await asks(talk, "command" if call in (CALLBACK, ORIGINAL) else "mention", waits=False)
        await talk.held(begins)
        if call in (EDIT, ORIGINAL):
            await talk.world.until(shown)
        begins.open()
        await reached(held)
        await parked(talk, parley)
    held.release()
    talk.model.say(WHOLE)
    async with talk.parley() as parley:
        await answered(talk, parley, shown, WHOLE)


# -- answers of several messages -----------------------------------------------------------------------------------


async def long_and_half(talk: Talk, way: str) -> Shown:
    """An earlier life of Parley has written two messages, and not the end of its answer."""
    gate = half(talk, LONG)
    async with talk.parley() as parley:
        shown = await asks(talk, way)
        await talk.held(gate)
        await talk.world.until(lambda: len(shown()) == 2 and shown()[-1].text.endswith(HALF))
        await parked(talk, parley)
    return shown


def bare(messages: list[Message]) -> str:
    return "".join("".join(one.text for one in messages).split())


@pytest.mark.parametrize("way", ["mention", "command"])
async def test_an_answer_of_two_messages_stays_one_of_two(talk: Talk, way: str) -> None:
    shown = await long_and_half(talk, way)
    before = shown()
    talk.model.say(LONG, HALF, REST)
    async with talk.parley() as parley:
        await talk.world.until(lambda: shown()[-1].text.endswith(REST))
        await parley.quiet()
    assert shown() == before
    assert bare(shown()) == "".join((LONG + WHOLE).split())


@pytest.mark.parametrize("way", ["mention", "command"])
async def test_an_answer_that_became_shorter_leaves_no_message_behind(talk: Talk, way: str) -> None:
    shown = await long_and_half(talk, way)
    talk.model.say("Short.")
    async with talk.parley() as parley:
        await answered(talk, parley, shown, "Short.")


async def test_where_the_first_of_two_was_deleted_meanwhile_both_are_said_anew_and_in_order(talk: Talk) -> None:
    shown = await long_and_half(talk, "mention")
    await talk.bob.deletes(shown()[0])
    talk.model.say(LONG, HALF, REST)
    async with talk.parley() as parley:
        await talk.world.until(lambda: len(shown()) == 2 and shown()[-1].text.endswith(REST))
        await parley.quiet()
    assert bare(shown()) == "".join((LONG + WHOLE).split())


async def test_a_message_that_was_sent_and_not_heard_of_is_no_message_too_many(talk: Talk) -> None:
    """It was one of several that came at once, and what is said after the restart is shorter."""
    gate = Gate()
    talk.model.act("Short.\n", gate, LONG * 3, Gate(), Turn(""))
    async with talk.parley() as parley:
        shown = await asks(talk, "mention")
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == ["Short."])
        unheard = talk.world.holds(CREATE, after=True)
        gate.open()
        await reached(unheard)
        await parked(talk, parley)
    unheard.release()
    talk.model.say("Short.")
    async with talk.parley() as parley:
        await answered(talk, parley, shown, "Short.")


async def test_a_message_that_was_just_gone_on_from_is_not_forgotten(talk: Talk) -> None:
    gate = Gate()  # it has lost its button, and the one after it is not sent yet
    talk.model.act("Short.\n", gate, LONG * 3, Gate(), Turn(""))
    async with talk.parley() as parley:
        shown = await asks(talk, "mention")
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == ["Short."])
        unheard = talk.world.holds(EDIT, after=True)
        gate.open()
        await reached(unheard)
        await parked(talk, parley)
    unheard.release()
    (before,) = shown()
    talk.model.say("Something else.")
    async with talk.parley() as parley:
        assert await answered(talk, parley, shown, "Something else.") == [before]


async def test_a_thread_that_is_there_is_found_where_none_may_be_opened_now(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        shown = await asks(talk, "mention")
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == [HALF])
        (before,) = shown()
        await parked(talk, parley)
    talk.world.fails(FROM_MESSAGE, status=429, retry_after=60, times=9)
    talk.model.say(WHOLE)
    async with talk.parley() as parley:
        assert await answered(talk, parley, shown, WHOLE) == [before]
    assert talk.ours(talk.general) == []


# -- where nothing can be looked up ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["mention", "reply", "command"])
async def test_where_no_history_is_shown_the_message_is_found_by_its_nonce(talk: Talk, way: str) -> None:
    talk.guild.withholds(Permission.READ_MESSAGE_HISTORY)
    async with talk.parley() as parley:
        await known(talk, parley, way)
        gate = half(talk)
        shown = await asks(talk, way)
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == [HALF])
        (before,) = shown()
        await parked(talk, parley, seconds=5)
    talk.model.say(WHOLE)
    async with talk.parley() as parley:
        assert await answered(talk, parley, shown, WHOLE) == [before]


async def test_what_is_found_by_its_nonce_is_brought_to_the_last_state(talk: Talk) -> None:
    talk.guild.withholds(Permission.READ_MESSAGE_HISTORY)
    gate = Gate()
    talk.model.act(HALF, gate, REST, Turn(WHOLE))
    async with talk.parley() as parley:
        shown = await asks(talk, "mention")
        await talk.held(gate)
        await talk.world.until(lambda: [one.text for one in shown()] == [HALF])
        unsent = talk.world.holds(EDIT)
        gate.open()
        await reached(unsent)
        await parked(talk, parley, seconds=5)
    async with talk.parley() as parley:
        await answered(talk, parley, shown, WHOLE)
