"""Parley goes in the middle of an answer and comes back: there is one whole answer, and nothing is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import Turn
from tests.scripted_model import Gate
from tests.simulators.slack import Post
from tests.slack_parley import JUDGED, Scene, SlackParley, scene

HALF, REST = "It snows in Oslo, ", "and in Tromsø too."
WHOLE = HALF + REST


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def half(chat: Scene, *before: str) -> Gate:
    """An answer that stops half way, for good."""
    gate = Gate()
    chat.model.act(*before, HALF, gate, Turn(""))
    return gate


async def parked(chat: Scene, parley: SlackParley, gate: Gate) -> None:
    """The process is told to go while the model still writes."""
    async with asyncio.timeout(20):
        await gate.reached.wait()
    await parley.core.handler.close(grace=0)
    chat.model.assert_done()
    chat.clock.advance(5)


def is_quiet(chat: Scene, asked: Post) -> bool:
    return not chat.waits(asked) and not any(post.streaming for post in chat.posts(asked))


@pytest.mark.parametrize("sessions", [True, False])
@pytest.mark.parametrize("form", ["stream", "edit", "whole"])
async def test_an_answer_goes_on_in_its_message(chat: Scene, form: str, sessions: bool) -> None:
    chat.workspace.offers(streaming=form != "edit", sessions=sessions)
    if form == "whole":
        chat.workspace.fails("chat.startStream", status=429)
    gate = half(chat)
    async with chat.parley() as parley:
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.posts(asked) or (form == "whole" and gate.reached.is_set()))
        await parked(chat, parley, gate)
    before = [post.ts for post in chat.posts(asked)]
    chat.model.say(HALF, REST)
    async with chat.parley():
        (answer,) = await chat.answered(asked, WHOLE)
        assert before in ([], [answer.ts])
    assert [block["type"] for block in answer.blocks if block["type"] != "markdown"] == JUDGED


async def test_an_answer_that_was_stopped_before_a_word_is_begun_anew(chat: Scene) -> None:
    gate = chat.model.hold()
    async with chat.parley() as parley:
        asked = await chat.asks()
        await parked(chat, parley, gate)
    chat.model.say(WHOLE)
    async with chat.parley():
        await chat.answered(asked, WHOLE)


async def test_a_session_that_was_begun_is_ended_also_where_it_could_not_be_begun_again(chat: Scene) -> None:
    held = chat.workspace.holds("agents.sessions.setStatus", after=True)
    gate = chat.model.hold()
    async with chat.parley() as parley:
        asked = await chat.asks()
        async with asyncio.timeout(20):
            await held.reached()
        await parked(chat, parley, gate)
    held.release()
    chat.workspace.fails("agents.sessions.setStatus")
    chat.model.say(WHOLE)

    def a_second_later() -> bool:
        chat.clock.advance(1)
        return is_quiet(chat, asked)

    async with chat.parley():
        await chat.shows(asked, WHOLE)
        await chat.workspace.until(a_second_later)


@pytest.mark.parametrize("ended", ["at once", "at a second attempt"])
async def test_a_session_that_goes_on_with_the_end_of_a_broken_stream_is_ended(chat: Scene, ended: str) -> None:
    chat.model.say("Yes.")
    async with chat.parley() as parley:
        asked = await chat.asks()
        await chat.answered(asked, "Yes.")
        chat.workspace.fails("agents.sessions.setStatus")
        gate = half(chat)
        await chat.asks(thread=asked)
        await chat.workspace.until(lambda: len(chat.posts(asked)) == 2)
        await parked(chat, parley, gate)
    chat.model.say(HALF, REST)
    if ended != "at once":
        chat.workspace.fails("chat.stopStream", after=True)

    def a_second_later() -> bool:
        chat.clock.advance(1)
        return is_quiet(chat, asked)

    async with chat.parley():
        await chat.workspace.until(lambda: a_second_later() and chat.posts(asked)[-1].text == WHOLE)
        await chat.answered(asked, "Yes.", WHOLE)


async def test_an_answer_of_two_messages_stays_one_of_two(chat: Scene) -> None:
    prose = "A line of prose, and some more.\n" * 400
    gate = half(chat, prose)
    async with chat.parley() as parley:
        asked = await chat.asks()
        await chat.workspace.until(lambda: len(chat.posts(asked)) == 2)
        await parked(chat, parley, gate)
    before = [post.ts for post in chat.posts(asked)]
    chat.model.say(prose, HALF, REST)
    async with chat.parley():
        await chat.workspace.until(lambda: chat.posts(asked)[-1].text.endswith(REST) and is_quiet(chat, asked))
        posts = chat.posts(asked)
    assert [post.ts for post in posts] == before
    assert "".join("".join(post.text for post in posts).split()) == "".join((prose + WHOLE).split())


async def test_an_answer_that_becomes_shorter_leaves_no_message_behind(chat: Scene) -> None:
    gate = half(chat, "A line of prose, and some more.\n" * 400)
    async with chat.parley() as parley:
        asked = await chat.asks()
        await chat.workspace.until(lambda: len(chat.posts(asked)) == 2)
        await parked(chat, parley, gate)
    chat.model.say("Short.")
    async with chat.parley():
        await chat.answered(asked, "Short.")


async def test_an_answer_that_was_whole_but_not_recorded_is_not_said_twice(chat: Scene) -> None:
    held = chat.workspace.holds("chat.stopStream", after=True)
    chat.model.say(WHOLE)
    async with chat.parley() as parley:
        asked = await chat.asks()
        async with asyncio.timeout(20):
            await held.reached()
        await parley.core.handler.close(grace=0)
    held.release()
    async with chat.parley():
        await chat.answered(asked, WHOLE)


@pytest.mark.parametrize("form", ["stream", "edit", "whole"])
async def test_a_question_by_command_is_posted_and_answered_once(chat: Scene, form: str) -> None:
    chat.workspace.offers(streaming=form != "edit")
    if form == "whole":
        chat.workspace.fails("chat.startStream", status=429)
    gate = half(chat)
    async with chat.parley() as parley:
        await chat.alice.command("/parley", "ask Where does it snow?", chat.general)
        await chat.workspace.until(lambda: chat.workspace.posts(chat.general))
        (asked,) = [post for post in chat.workspace.posts(chat.general) if post.root == post.ts]
        chat.clock.advance(1)
        await chat.workspace.until(lambda: chat.posts(asked)[1:] or (form == "whole" and gate.reached.is_set()))
        await parked(chat, parley, gate)
    chat.model.say(HALF, REST)
    async with chat.parley():
        await chat.answered(asked, asked.text, WHOLE)
    assert [post.root for post in chat.workspace.posts(chat.general)] == [asked.ts] * 2


async def test_a_question_whose_post_was_not_heard_of_is_looked_up(chat: Scene) -> None:
    held, gate = chat.workspace.holds("chat.postMessage", after=True), half(chat)
    async with chat.parley() as parley:
        await chat.alice.command("/parley", "ask Where does it snow?", chat.general)
        async with asyncio.timeout(20):
            await held.reached()
        await parked(chat, parley, gate)
    held.release()
    (asked,) = chat.workspace.posts(chat.general)
    chat.model.say(WHOLE)
    async with chat.parley():
        await chat.workspace.until(lambda: len(chat.workspace.posts(chat.general)) == 2 and is_quiet(chat, asked))
        assert [post.text for post in chat.posts(asked)] == [asked.text, WHOLE]


async def test_a_clock_that_is_ahead_of_slack_s_does_not_hide_what_was_posted(chat: Scene) -> None:
    held, gate = chat.workspace.holds("chat.postMessage", after=True), half(chat)
    chat.workspace.now = lambda: chat.clock.now() - 60
    async with chat.parley() as parley:
        await chat.alice.command("/parley", "ask Where does it snow?", chat.general)
        async with asyncio.timeout(20):
            await held.reached()
        await parked(chat, parley, gate)
    held.release()
    chat.model.say(WHOLE)
    async with chat.parley():
        await chat.workspace.until(lambda: len(chat.workspace.posts(chat.general)) == 2)
        (asked, answer) = chat.workspace.posts(chat.general)
        await chat.workspace.until(lambda: answer.text == WHOLE and is_quiet(chat, asked))


async def test_where_the_thread_may_not_be_read_the_answer_is_said_all_the_same(chat: Scene) -> None:
    gate = chat.model.hold()
    async with chat.parley() as parley:
        asked = await chat.asks()
        await parked(chat, parley, gate)
    chat.workspace.fails("conversations.replies", "missing_scope", times=9)
    chat.model.say(WHOLE)
    async with chat.parley():
        await chat.answered(asked, WHOLE)


async def test_what_was_read_as_said_before_is_no_question_when_slack_brings_it_again(chat: Scene) -> None:
    chat.model.say("At one.")
    async with chat.parley():
        lunch = await chat.alice.says("Lunch?", chat.general)
        await chat.alice.says("At one?", chat.general, thread=lunch)
        await chat.asks("is it?", thread=lunch)
        await chat.answered(lunch, "At one.")
    async with chat.parley() as parley:
        await chat.workspace.redeliver()
        await parley.settled()
        await chat.answered(lunch, "At one.")
