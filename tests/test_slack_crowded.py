"""Many answers at once, and two in one thread: each has its own messages, its status, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.working import RENEWAL, SESSION, STATUS, THINKING
from bot.models.port import Turn
from tests.scripted_model import Gate
from tests.slack_parley import JUDGED, Scene, buttons, scene

REPLIES = "conversations.replies"


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def held(chat: Scene, *before: str) -> Gate:
    gate = Gate()
    chat.model.act(*before, gate, Turn("".join(before)))
    return gate


async def test_no_session_is_begun_that_could_not_be_ended_at_once(chat: Scene) -> None:
    gates = [held(chat, "It snows.") for _ in range(40)]
    async with chat.parley(flood_limit=0) as parley:
        places = [chat.workspace.channel(f"room-{number}") for number in range(40)]
        asked = [await chat.alice.says(f"{chat.workspace.mention} rain?", place) for place in places]
        await asyncio.gather(*(gate.reached.wait() for gate in gates))
        await chat.workspace.until(lambda: chat.workspace.count(SESSION) + chat.workspace.count(STATUS) == 40)
        begun = chat.workspace.count(SESSION)
        for gate in gates:
            gate.open()
        await parley.quiet()
        assert begun == 25
        assert not any(map(chat.waits, asked))
        assert chat.workspace.limited == 0


async def test_an_answer_without_a_stream_is_shown_by_edits_with_a_stop_button(chat: Scene) -> None:
    chat.workspace.fails("chat.startStream", status=429, retry_after=30)
    gate = held(chat, "It snows.")
    async with chat.parley():
        asked = await chat.asks()
        (post,) = await chat.shows(asked, "It snows.")
        assert buttons(post) == ["actions"]
        gate.open()
        (post,) = await chat.answered(asked, "It snows.")
        assert buttons(post) == JUDGED


async def test_the_status_of_an_answer_that_comes_whole_does_not_go_out(
    chat: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.answers.EDITED", 0)
    chat.workspace.offers(streaming=False, sessions=False)
    gate = held(chat, "It snows.")
    async with chat.parley():
        asked = await chat.asks()
        await gate.reached.wait()
        for times in (2, 3, 4):
            await chat.workspace.until(lambda: RENEWAL in chat.clock.sleeps)
            chat.clock.advance(RENEWAL)
            await chat.workspace.until(lambda times=times: chat.workspace.count(STATUS) == times)  # type: ignore[misc]
            assert chat.workspace.status(chat.general, asked) == THINKING
        gate.open()
        await chat.answered(asked, "It snows.")


async def test_who_cannot_be_answered_in_the_channel_is_told(chat: Scene) -> None:
    chat.workspace.fails("chat.postMessage", "restricted_action", times=9)
    chat.model.say("It snows.")
    async with chat.parley() as parley:
        await chat.alice.command("/parley", "ask rain?", chat.general)
        while not chat.workspace.ephemerals:
            await chat.clock.asleep()
            chat.clock.advance(1)
            await asyncio.sleep(0)
        await parley.quiet()
        assert "does not let me post it here" in chat.workspace.ephemerals[0].text


async def test_two_undelivered_answers_of_a_thread_keep_apart_over_a_restart(chat: Scene) -> None:
    stopping = chat.workspace.holds("chat.stopStream", times=5)
    chat.model.say("First answer.")
    gate = held(chat, "Second ")
    async with chat.parley() as parley:
        asked = await chat.asks("one?")
        await stopping.reached()
        await chat.alice.says("two?", chat.general, thread=asked)
        await gate.reached.wait()
        await chat.workspace.until(lambda: len(chat.posts(asked)) == 2)
        await parley.core.handler.close(grace=0)
    stopping.release()
    chat.model.say("Second answer.")
    async with chat.parley():
        await chat.answered(asked, "First answer.", "Second answer.")


async def test_a_stream_of_which_nobody_knows_is_taken_by_one_of_two_undelivered_answers(chat: Scene) -> None:
    stopping = chat.workspace.holds("chat.stopStream", times=5)
    chat.model.say("First answer.")
    gate = held(chat, "Second ")
    async with chat.parley() as parley:
        asked = await chat.asks("one?")
        await stopping.reached()
        chat.workspace.fails("chat.startStream", after=True)
        await chat.alice.says("two?", chat.general, thread=asked)
        await gate.reached.wait()
        await chat.workspace.until(lambda: len(chat.posts(asked)) == 2)
        await parley.core.handler.close(grace=0)
    stopping.release()
    looking_up = [chat.workspace.holds(REPLIES, after=True) for _ in ("one?", "two?")]
    deleting = chat.workspace.holds("chat.delete")
    chat.model.say("Second answer.")
    async with chat.parley() as parley:
        await looking_up[0].reached()
        await _as_far_as_they_come()
        for look in looking_up:
            look.release()
        await _as_far_as_they_come()
        deleting.release()
        await parley.quiet()
        await chat.answered(asked, "First answer.", "Second answer.")


async def _as_far_as_they_come() -> None:
    for _ in range(500):
        await asyncio.sleep(0)
