"""Discord's rates: an answer that is written for long stays inside of them, and its end waits for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import Turn
from tests.discord_parley import Talk, talk_at
from tests.hand_clock import HandClock
from tests.scripted_model import Gate
from tests.simulators.discord import CREATE, EDIT, FROM_MESSAGE, ORIGINAL, Call, Channel, Message, Permission


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", clock=HandClock()) as made:
        yield made


def writes(talk: Talk, count: int) -> list[Gate]:
    """An answer of so many lines, each of which waits at a gate."""
    gates = [Gate() for _ in range(count)]
    lines = [f"Line {number}.\n" for number in range(count)]
    talk.model.act(*(act for pair in zip(lines, gates, strict=True) for act in pair), Turn("".join(lines)))
    return gates


def calls(talk: Talk, *routes: str) -> list[Call]:
    return [call for call in talk.world.calls if call.route in routes]


async def shown_again(talk: Talk, route: str) -> None:
    """Time passes, no more than it takes, until a state on the way is shown."""
    clock, before = talk.clock, talk.world.count(route)
    assert clock is not None
    while talk.world.count(route) == before:
        due, slept = await clock.asleep(2), len(clock.sleeps)  # the watch over runs is one of those who sleep
        clock.advance(due)
        await talk.world.until(lambda slept=slept: talk.world.count(route) > before or len(clock.sleeps) > slept)  # type: ignore[misc]


async def all_answered(talk: Talk, asked: list[Message]) -> None:
    """As many whole answers are there, in threads or in the channel."""
    places: list[Channel | Message] = [*asked, talk.general]
    await talk.world.until(
        lambda: [one.buttons for place in places for one in talk.ours(place)] == [["None", "None", "Why?"]] * len(asked)
    )


@pytest.mark.parametrize("by_command", [False, True])
async def test_an_answer_that_is_written_for_long_is_never_told_to_slow_down(talk: Talk, by_command: bool) -> None:
    first, route = (ORIGINAL, ORIGINAL) if by_command else (CREATE, EDIT)
    *gates, last = writes(talk, 30)
    async with talk.parley() as parley:
        await (talk.alice.uses("/ask", talk.general, prompt="count") if by_command else talk.asks("count"))
        await talk.world.until(lambda: talk.world.count(first))
        for gate in gates:
            await talk.held(gate)
            gate.open()
            await shown_again(talk, route)
        last.open()
        await parley.quiet()
        assert talk.world.limited == 0
        before_the_last, the_last = calls(talk, route)[-2:]
        assert the_last.at == before_the_last.at


@pytest.mark.parametrize("states", range(6))
async def test_the_last_state_waits_for_none_on_the_way(talk: Talk, states: int) -> None:
    """However many of them have been shown: there is room for it."""
    *gates, last = writes(talk, states + 1)
    async with talk.parley() as parley:
        asked = await talk.asks("count")
        await talk.world.until(lambda: talk.ours(asked))
        for gate in gates:
            await talk.held(gate)
            gate.open()
            await shown_again(talk, EDIT)
        await talk.held(last)
        now = talk.world.now()
        last.open()
        await talk.world.until(lambda: talk.ours(asked)[-1].buttons == ["None", "None", "Why?"])
        await parley.quiet()
        assert calls(talk, EDIT)[-1].at == now
        assert talk.world.limited == 0


async def test_two_answers_in_one_channel_share_its_rate(talk: Talk) -> None:
    talk.guild.withholds(Permission.CREATE_PUBLIC_THREADS)
    answers = [writes(talk, 8) for _ in range(2)]
    async with talk.parley() as parley:
        for gates in answers:
            await talk.asks("count")
            await talk.held(gates[0])
        await talk.world.until(lambda: talk.world.count(CREATE) == 2)
        for both in zip(*answers, strict=True):
            for gate in both:
                await talk.held(gate)
                gate.open()
            if gate is not answers[-1][-1]:
                await shown_again(talk, EDIT)
        await parley.quiet()
    assert talk.world.limited == 0
    assert [one.text for one in talk.ours(talk.general)] == ["\n".join(f"Line {number}." for number in range(8))] * 2


async def test_where_no_more_threads_may_be_opened_for_minutes_it_answers_in_the_channel(talk: Talk) -> None:
    talk.world.limits.allow("threads", 2, 300.0)
    asked: list[Message] = []
    async with talk.parley() as parley:
        for _ in range(4):
            talk.model.say("Yes.")
            asked.append(await talk.asks("now?"))
            await all_answered(talk, asked)
        await parley.quiet()
    assert [one.thread is None for one in asked] == [False, False, True, True]
    assert [one.reply_to for one in talk.ours(talk.general)] == asked[2:]
    assert talk.world.count(FROM_MESSAGE) == 2


async def test_those_who_ask_at_once_do_not_wait_for_threads_either(talk: Talk) -> None:
    talk.world.limits.allow("threads", 2, 300.0)
    opening = talk.world.holds(FROM_MESSAGE)
    asked: list[Message] = []
    async with talk.parley() as parley:
        for _ in range(4):
            talk.model.say("Yes.")
            asked.append(await talk.asks("now?"))
        await talk.world.until(lambda: len(talk.model.requests) == 4)
        opening.release()
        await all_answered(talk, asked)
        await parley.quiet()
    assert [one.thread is None for one in asked].count(True) == 2
    assert talk.world.count(FROM_MESSAGE) == 2
    assert talk.world.limited == 0
