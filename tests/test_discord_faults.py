"""Whatever goes wrong between Discord and Parley: each question has exactly one whole answer in the end.

discord.py itself waits a second and more of real time at 500, 502 and 504, so that most errors here are 503.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.models.port import ModelError, Turn
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hasty_clock import HastyClock
from tests.scripted_model import Gate
from tests.simulators.discord import CALLBACK, CREATE, EDIT, FROM_MESSAGE, ORIGINAL, TYPING, Message, Permission

DELETE = "DELETE /channels/{channel_id}/messages/{message_id}"
BUSY = ModelError("Busy.", retryable=True)
LONG = "A line of prose, and some more.\n" * 100
HALF, REST = "It snows in Oslo,\n", "and in Tromsø too."
WHOLE = HALF + REST

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "unavailable": {"status": 503},
    "unavailable after it was done": {"status": 503, "after": True},
    "too many calls": {"status": 429, "times": 2},
    "kept out by the network before Discord": {"banned": True},
    "a broken connection": {"drop": True},
    "an answer that is lost": {"after": True, "times": 2},
}


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False) as made:
        yield made


def half(talk: Talk) -> Gate:
    """An answer that waits half way."""
    gate = Gate()
    talk.model.act(HALF, gate, REST, Turn(WHOLE))
    return gate


async def in_mid_answer(talk: Talk, gate: Gate) -> Message:
    """Alice has asked, and sees half of the answer."""
    asked = await talk.asks()
    await talk.held(gate)
    await talk.world.until(lambda: talk.ours(asked) and HALF.strip() in talk.ours(asked)[-1].text)
    return asked


async def answered(talk: Talk, parley: DiscordParley, asked: Message, *texts: str) -> list[Message]:
    """These are Parley's messages in the thread, whole, and nothing else is left."""
    await talk.shows(asked, *texts)
    await parley.quiet()
    shown = await talk.shows(asked, *texts)
    assert all(one.buttons == ["None", "None", "Why?"] for one in shown[-1:])
    return shown


# -- calls that fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [FROM_MESSAGE, TYPING, CREATE, EDIT])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_call_that_fails_does_not_fail_the_answer(talk: Talk, route: str, fault: str) -> None:
    talk.world.fails(route, **FAULTS[fault])
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.held(gate)
        gate.open()
        await answered(talk, parley, asked, WHOLE)
    assert talk.world.count(route) >= (1 if route == TYPING else 2)


@pytest.mark.parametrize("status", [403, 404])
async def test_an_answer_does_without_the_typing_that_is_refused(talk: Talk, status: int) -> None:
    talk.world.fails(TYPING, status=status, times=9)
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        await answered(talk, parley, await talk.asks(), "Yes.")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_message_too_many_is_deleted_even_if_that_fails_at_first(talk: Talk, fault: str) -> None:
    talk.world.fails(DELETE, **FAULTS[fault])
    gate = Gate()
    talk.model.act(LONG, gate, BUSY)
    talk.model.say("Short.")
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.held(gate)
        await talk.world.until(lambda: len(talk.ours(asked)) == 2)
        gate.open()
        await answered(talk, parley, asked, "Short.")


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("route", [CALLBACK, ORIGINAL])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_command_s_call_that_fails_does_not_fail_its_answer(
    talk: Talk, route: str, fault: str, private: bool
) -> None:
    talk.world.fails(route, **FAULTS[fault])
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await talk.alice.uses("/ask", talk.general, waits=False, prompt="rain?", private=private)
        await talk.held(gate)
        gate.open()
        await parley.quiet()
        room = talk.world.dm(talk.alice) if private else talk.general
        shown = {one.id: one.text for one in (*asked.responses, *talk.ours(room)) if not one.deleted}
        assert [*shown.values()] == [WHOLE]
        assert not asked.thinking


@pytest.mark.parametrize("status", [500, 502])
async def test_what_discord_py_itself_tries_again_is_one_message_too(talk: Talk, status: int) -> None:
    talk.world.fails(CREATE, status=status, after=True)
    talk.model.say("Once.")
    async with talk.parley() as parley:
        asked = await talk.asks()
        await answered(talk, parley, asked, "Once.")


async def test_a_message_that_was_not_heard_of_is_the_same_message(talk: Talk) -> None:
    talk.world.fails(CREATE, after=True, times=3)
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        (before,) = talk.ours(asked)
        gate.open()
        assert await answered(talk, parley, asked, WHOLE) == [before]
    assert talk.world.count(CREATE) == 4


async def test_a_message_that_was_given_up_is_gone_on_with_once_it_is_found(talk: Talk) -> None:
    talk.world.fails(CREATE, after=True, times=4)
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        gate.open()
        await answered(talk, parley, asked, WHOLE)


async def test_a_call_that_nobody_answers_is_made_again(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.discord.pen.TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    silent = talk.world.holds(CREATE, after=True)
    talk.model.say("Once.")
    async with talk.parley() as parley:
        asked = await talk.asks()
        await answered(talk, parley, asked, "Once.")
    silent.release()


async def test_a_discord_that_is_down_for_a_while_gets_the_answer_later(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        talk.world.fails(EDIT, times=9)
        gate.open()
        await answered(talk, parley, asked, WHOLE)


async def test_a_discord_that_asks_for_a_pause_is_left_alone_for_so_long(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        talk.world.fails(EDIT, banned=True)
        before = len(talk.world.calls)
        gate.open()
        await answered(talk, parley, asked, WHOLE)
    refused, *later = talk.world.calls[before:]
    assert (refused.status, [call.status for call in later]) == (429, [200])
    assert later[0].at - refused.at >= 5


# -- what people do meanwhile --------------------------------------------------------------------------------------


async def test_a_thread_that_is_archived_meanwhile_is_opened_again(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        await talk.alice.archives(talk.world.thread(asked))
        gate.open()
        await answered(talk, parley, asked, WHOLE)


async def test_where_the_thread_is_locked_meanwhile_the_one_who_asked_is_told(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        await talk.alice.archives(talk.world.thread(asked), locked=True)
        gate.open()
        await parley.quiet()
        (told,) = talk.ours(talk.world.dm(talk.alice))
    assert told.text == "I have an answer for you, but Discord does not let me post it there (50013)."


@pytest.mark.parametrize("deletes", ["thread", "channel"])
async def test_where_all_is_deleted_meanwhile_the_one_who_asked_is_told(talk: Talk, deletes: str) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        talk.world.forget(talk.world.thread(asked))
        if deletes == "channel":
            del talk.world.channels[talk.general.id]
        gate.open()
        await parley.quiet()
        (told,) = talk.ours(talk.world.dm(talk.alice))
    assert told.text == "I have an answer for you, but Discord does not let me post it there (10003)."


async def test_an_answer_that_a_moderator_deletes_is_said_anew_once(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await in_mid_answer(talk, gate)
        (before,) = talk.ours(asked)
        await talk.bob.deletes(before)
        gate.open()
        assert await answered(talk, parley, asked, WHOLE) != [before]


async def test_a_response_that_a_moderator_deletes_is_said_anew_once(talk: Talk) -> None:
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await talk.alice.uses("/ask", talk.general, prompt="rain?")
        await talk.held(gate)
        await talk.world.until(lambda: HALF.strip() in asked.text)
        await talk.bob.deletes(asked.responses[0])
        gate.open()
        await parley.quiet()
    assert [one.text for one in talk.ours(talk.general)] == [WHOLE]


# -- what Parley may not do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing", [Permission.CREATE_PUBLIC_THREADS, Permission.SEND_MESSAGES_IN_THREADS], ids=["open", "write in"]
)
@pytest.mark.parametrize("history", [True, False], ids=["with history", "without"])
async def test_where_it_may_have_no_threads_it_answers_in_the_channel(
    talk: Talk, missing: Permission, history: bool
) -> None:
    talk.guild.withholds(missing, *([] if history else [Permission.READ_MESSAGE_HISTORY]))
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.held(gate)
        gate.open()
        await parley.quiet()
        (answer,) = await talk.shows(talk.general, WHOLE)
    assert answer.reply_to is (asked if history else None)


async def test_where_it_may_attach_nothing_a_long_answer_comes_in_messages_alone(talk: Talk) -> None:
    talk.guild.withholds(Permission.ATTACH_FILES)
    talk.model.say(LONG * 5)
    async with talk.parley() as parley:
        asked = await talk.asks()
        await talk.world.until(lambda: talk.ours(asked) and talk.ours(asked)[-1].buttons == ["None", "None", "Why?"])
        await parley.quiet()
        shown = talk.ours(asked)
    assert "".join("".join(one.text for one in shown).split()) == "".join((LONG * 5).split())
    assert not any(one.files for one in shown)


async def test_where_it_may_write_nothing_the_one_who_asked_is_told(talk: Talk) -> None:
    talk.general.denies(Permission.SEND_MESSAGES, Permission.SEND_MESSAGES_IN_THREADS)
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        await talk.asks()
        await talk.world.until(lambda: talk.ours(talk.world.dm(talk.alice)))
        await parley.quiet()
        (told,) = talk.ours(talk.world.dm(talk.alice))
    assert "does not let me post it there" in told.text
