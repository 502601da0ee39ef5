"""The gateway comes and goes: what is said meanwhile is answered once, in its order, and nothing is answered twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import Turn
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hand_clock import HandClock
from tests.hasty_clock import HastyClock
from tests.scripted_model import Gate
from tests.simulators.discord import CALLBACK, Channel, Message

GATEWAY = "GET /gateway/bot"


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False) as made:
        yield made


async def answered(talk: Talk, parley: DiscordParley, where: Channel | Message, *texts: str) -> None:
    """These are Parley's messages there, and no others come."""
    await talk.shows(where, *texts)
    await parley.quiet()
    await talk.shows(where, *texts)


async def talked(talk: Talk, parley: DiscordParley) -> Channel:
    """Alice has been answered in a thread of #general."""
    talk.model.say("Hello.")
    asked = await talk.asks("hello?")
    await answered(talk, parley, asked, "Hello.")
    return talk.world.thread(asked)


# -- sessions that are resumed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["dropped", "told to reconnect", "invalid for now"])
async def test_a_session_that_is_resumed_has_missed_nothing(talk: Talk, loss: str) -> None:
    async with talk.parley() as parley:
        thread = await talked(talk, parley)
        match loss:
            case "dropped":
                talk.world.drop()
            case "told to reconnect":
                talk.world.reconnect()
            case "invalid for now":
                talk.world.invalidate(resumable=True)
        for number in (1, 2):
            talk.model.say(f"Answer {number}.")
        await talk.alice.says("one?", thread)
        await talk.world.connected(2)
        await talk.shows(thread, "Hello.", "Answer 1.")
        await talk.alice.says("two?", thread)
        await answered(talk, parley, thread, "Hello.", "Answer 1.", "Answer 2.")
    assert (talk.world.gateway.identifies, talk.world.gateway.resumes) == (1, 1)


async def test_an_answer_goes_on_while_the_connection_is_lost(talk: Talk) -> None:
    gate = Gate()
    talk.model.act("It snows\n", gate, "now.", Turn("It snows\nnow."))
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.held(gate)
        talk.world.drop(resumable=False)
        gate.open()
        await answered(talk, parley, asked, "It snows\nnow.")
        await talk.world.connected(2)


async def test_whatever_code_the_connection_is_closed_with_it_comes_back(talk: Talk) -> None:
    async with talk.parley() as parley:
        thread, answers = await talked(talk, parley), ["Hello."]
        for number, code in enumerate((4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009), 2):
            talk.world.close(code)
            talk.model.say(f"After {code}.")
            await talk.alice.says("and now?", thread)
            await talk.world.connected(number)
            answers.append(f"After {code}.")
            await answered(talk, parley, thread, *answers)


# -- events that come twice ----------------------------------------------------------------------------------------


async def test_what_is_delivered_again_is_answered_once(talk: Talk) -> None:
    gate = Gate()
    talk.model.act("It snows.\n", gate, "Still.", Turn("It snows.\nStill."))
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.held(gate)
        talk.world.duplicate(9)
        gate.open()
        await answered(talk, parley, asked, "It snows.\nStill.")
        talk.world.duplicate(20)
        talk.model.say("Twice.")
        await talk.alice.says("And twice?", talk.world.thread(asked))
        await answered(talk, parley, asked, "It snows.\nStill.", "Twice.")
    assert len(talk.spoken()) == 2


async def test_a_command_and_a_press_that_are_delivered_again_are_done_once(talk: Talk) -> None:
    gate = talk.model.hold("It snows.\n")
    async with talk.parley() as parley:
        asked = await talk.alice.uses("/ask", talk.general, prompt="rain?")
        talk.world.duplicate()
        await talk.held(gate)
        await talk.world.until(lambda: asked.text == "It snows.")
        pressed = await talk.alice.presses(asked.responses[0], "Stop")
        talk.world.duplicate()
        await answered(talk, parley, talk.general, "It snows.\n\nStopped.")
        marker = await talk.alice.uses("/help", talk.general)
    assert (len(pressed.responses), len(marker.responses)) == (1, 1)
    assert talk.world.count(CALLBACK) == 3


# -- sessions that are lost ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["dropped", "invalid"])
async def test_what_was_asked_while_a_session_was_lost_is_answered_once_and_in_order(talk: Talk, loss: str) -> None:
    async with talk.parley() as parley:
        thread = await talked(talk, parley)
        if loss == "dropped":
            talk.world.drop(resumable=False)
        else:
            talk.world.invalidate()
        gate = talk.model.hold("One.")
        await talk.alice.says("one?", thread)
        await talk.bob.says("two?", thread)
        elsewhere = await talk.asks("elsewhere?")
        await talk.held(gate)
        talk.model.say("Here.")
        await talk.shows(elsewhere, "Here.")
        talk.model.say("Two.")
        gate.open()
        await answered(talk, parley, thread, "Hello.", "One.", "Two.")
        await answered(talk, parley, elsewhere, "Here.")
    assert (talk.world.gateway.identifies, talk.world.gateway.resumes) == (2, 0)


async def test_a_message_right_after_a_session_has_begun_hides_none_that_was_missed(talk: Talk) -> None:
    assert talk.clock is not None
    async with talk.parley() as parley:
        thread = await talked(talk, parley)
        talk.world.drop(resumable=False)
        await talk.alice.says("missed?", thread)
        talk.clock.advance(1_000)
        talk.model.say("First.")
        talk.model.say("Second.")
        await talk.world.connected(2)
        await talk.bob.says("and now?", thread)
        await answered(talk, parley, thread, "Hello.", "First.", "Second.")
    assert talk.spoken() == [*talk.spoken(1), f"Bob ({talk.bob.id}):\nand now?"]


async def test_a_command_right_after_a_session_has_begun_hides_none_either(talk: Talk) -> None:
    assert talk.clock is not None
    async with talk.parley() as parley:
        thread = await talked(talk, parley)
        talk.world.drop(resumable=False)
        await talk.alice.says("missed?", thread)
        talk.clock.advance(1_000)
        talk.model.say("Yes.")
        talk.model.say("Yes.")
        await talk.world.connected(2)
        asked = await talk.bob.uses("/ask", talk.general, prompt="and now?")
        await talk.world.until(lambda: asked.text == "Yes.")
        await answered(talk, parley, thread, "Hello.", "Yes.")


async def test_a_new_session_is_begun_after_the_five_seconds_that_discord_wants(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path / "p.db", clock=clock, limits=False) as talk, talk.parley() as parley:
        talk.world.drop(resumable=False)
        await talk.world.until(lambda: 5.0 in clock.sleeps)
        assert talk.world.gateway.identifies == 1
        clock.advance(5)
        await talk.world.connected(2)
        await talked(talk, parley)


async def test_told_to_go_while_it_waits_for_a_session_it_goes(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path / "p.db", clock=clock, limits=False) as talk:
        async with asyncio.timeout(10):
            async with talk.parley():
                talk.world.drop(resumable=False)
                await talk.world.until(lambda: clock.sleeps[-1] < 10)


async def test_a_discord_that_names_no_gateway_is_asked_again(talk: Talk) -> None:
    talk.world.fails(GATEWAY, times=2)
    async with talk.parley() as parley:
        await talked(talk, parley)
    assert talk.world.count(GATEWAY) == 3


@pytest.mark.parametrize("shard", [0, 1])
async def test_each_of_two_shards_reads_what_it_missed_itself(tmp_path: Path, shard: int) -> None:
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False, shards=2) as talk:
        places = [talk.general, elsewhere(talk), talk.world.dm(talk.alice)]
        async with talk.parley() as parley:
            await talk.world.connected(2)
            talks = []
            for place in places:
                talk.model.say("Hello.")
                asked = await talk.asks("hello?", where=place)
                await answered(talk, parley, asked if place.guild else place, "Hello.")
                talks.append(talk.world.thread(asked) if place.guild else place)
            talk.world.drop(resumable=False, shard=shard)
            for place in talks:
                talk.model.say("Yes.")
                await talk.alice.says("again?", place)
            for place in talks:
                await answered(talk, parley, place, "Hello.", "Yes.")
        assert talk.world.gateway.identifies == 3


async def test_sessions_that_are_lost_again_at_once_are_read_once_they_stay(tmp_path: Path) -> None:
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False, shards=2) as talk:
        room = talk.world.dm(talk.alice)
        async with talk.parley() as parley:
            await talk.world.connected(2)
            for times in (4, 6):
                talk.world.invalidate()
                await talk.world.connected(times)
            talk.model.say("Yes.")
            await talk.alice.says("Do you hear me?", room)
            await answered(talk, parley, room, "Yes.")


def elsewhere(talk: Talk) -> Channel:
    """A channel of a server that belongs to the other shard."""
    assert talk.clock is not None
    while True:
        talk.clock.advance(0.001)
        guild = talk.world.guild("Elsewhere")
        if (int(guild.id) >> 22) % 2 != (int(talk.guild.id) >> 22) % 2:
            guild.joins(talk.alice)
            return guild.channel("random")


# -- what Discord takes away ---------------------------------------------------------------------------------------


async def test_without_the_grant_to_read_messages_it_goes_on_with_mentions(talk: Talk) -> None:
    async with talk.parley() as parley:
        thread = await talked(talk, parley)
        talk.world.grants(message_content=False)
        talk.world.close(4014)
        await talk.world.connected(2)
        await talk.alice.says("Do you hear me?", thread)
        talk.model.say("I do.")
        await talk.asks("And now?", where=thread)
        await answered(talk, parley, thread, "Hello.", "I do.")
    assert talk.spoken()[1:] == [f"Alice ({talk.alice.id}):\nAnd now?"]


async def test_a_token_that_is_taken_back_makes_no_storm(talk: Talk) -> None:
    gate = Gate()
    talk.model.act("It snows\n", gate, "now.", Turn("It snows\nnow."))
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.held(gate)
        await talk.shows(asked, "It snows")
        talk.world.token = "another"
        talk.world.close(4004)
        await talk.world.until(lambda: not talk.world.gateway.connected)
        before = len(talk.world.calls)
        gate.open()
        await parley.quiet()
        assert len(talk.world.calls) - before < 15
    assert talk.world.gateway.identifies == 1
