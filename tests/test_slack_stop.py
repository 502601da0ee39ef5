"""Stopping an answer that is being made, in each way that Slack has, for those who may and those who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import Turn
from bot.stopping import NOT_YOURS
from tests.scripted_model import Gate
from tests.simulators.slack import Person, Post
from tests.slack_parley import Scene, scene
from tools.registry import Registry, tool

HALF, WHOLE = "The first half.", "The first half. The second half."


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def answering(chat: Scene) -> Gate:
    """An answer that is half made, until the gate opens."""
    gate = Gate()
    chat.model.act(HALF, gate, " The second half.", Turn(WHOLE))
    return gate


async def half(chat: Scene) -> Post:
    asked = await chat.asks()
    await chat.shows(asked, HALF)
    return asked


async def stop(chat: Scene, asked: Post, how: str, who: Person | None = None) -> None:
    person = who or chat.alice
    if how == "native":
        await person.stops(chat.general, asked)
    elif how == "button":
        await person.presses(chat.posts(asked)[-1], "stop")
    else:
        await chat.asks("!stop", thread=asked, person=person)


async def told(chat: Scene, person: Person) -> str:
    """What only this person sees."""
    await chat.workspace.until(lambda: any(one.user == person.id for one in chat.workspace.ephemerals))
    return next(one.text for one in chat.workspace.ephemerals if one.user == person.id)


WAYS = pytest.mark.parametrize(
    ("how", "streaming"),
    [("native", True), ("native", False), ("button", False), ("command", True), ("command", False)],
)


@WAYS
async def test_the_asker_stops_an_answer_at_once(chat: Scene, how: str, streaming: bool) -> None:
    chat.workspace.offers(streaming=streaming)
    answering(chat)
    async with chat.parley() as parley:
        asked = await half(chat)
        await stop(chat, asked, how)
        (answer,) = await chat.answered(asked, f"{HALF}\n\nStopped.")
        await parley.quiet()
    assert [block for block in answer.blocks if block["type"] in ("actions", "context_actions")] == []


@WAYS
async def test_somebody_else_is_refused_and_the_answer_goes_on(chat: Scene, how: str, streaming: bool) -> None:
    chat.workspace.offers(streaming=streaming)
    gate, bob = answering(chat), chat.workspace.person("Bob")
    async with chat.parley():
        asked = await half(chat)
        await stop(chat, asked, how, bob)
        assert await told(chat, bob) == NOT_YOURS
        assert chat.waits(asked)
        gate.open()
        await chat.answered(asked, WHOLE)


@WAYS
async def test_an_admin_may_stop_anybody_s_answer(chat: Scene, how: str, streaming: bool) -> None:
    chat.workspace.offers(streaming=streaming)
    answering(chat)
    boss = chat.workspace.person("Ann", admin=True)
    async with chat.parley():
        asked = await half(chat)
        await stop(chat, asked, how, boss)
        await chat.answered(asked, f"{HALF}\n\nStopped.")


async def test_a_tool_at_work_is_stopped_too(chat: Scene) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def dig(depth: int) -> str:
        """Digs."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "deep"

    chat.model.call(("dig", {"depth": 3}))
    async with chat.parley(registry=Registry([dig])):
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.posts(asked) and begun.is_set())
        await chat.alice.stops(chat.general, asked)
        (answer,) = await chat.answered(asked, "Stopped.")
        assert ended.is_set()
    assert not [state for _, state in answer.tasks if state == "in_progress"]


async def test_a_question_is_stopped_before_a_word_was_said(chat: Scene) -> None:
    thinking = chat.model.hold()
    async with chat.parley():
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.waits(asked) and thinking.reached.is_set())
        await chat.alice.stops(chat.general, asked)
        await chat.answered(asked, "Stopped.")


async def test_a_stop_that_comes_when_all_is_over_changes_nothing(chat: Scene) -> None:
    chat.model.say(WHOLE)
    async with chat.parley():
        asked = await chat.asks()
        await chat.answered(asked, WHOLE)
        await chat.asks("!stop", thread=asked)
        assert "Stopped" not in await told(chat, chat.alice)
        await chat.answered(asked, WHOLE)


async def test_a_late_press_on_an_old_answer_does_not_stop_a_newer_one(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    first, second = answering(chat), answering(chat)
    async with chat.parley():
        asked = await half(chat)
        (old,) = chat.posts(asked)
        button = old.element("stop")
        first.open()
        await chat.answered(asked, WHOLE)
        chat.clock.advance(2)
        await chat.asks("and now?", thread=asked)
        await chat.shows(asked, WHOLE, HALF)
        old.blocks = [button[0]]  # a client that has not heard of the end
        await chat.alice.presses(old, "stop")
        assert await told(chat, chat.alice) == "That answer is finished already."
        second.open()
        await chat.workspace.until(lambda: chat.posts(asked)[-1].text == WHOLE)


async def test_the_next_question_is_answered_after_a_stop(chat: Scene) -> None:
    answering(chat)
    chat.model.say("Cold.")
    async with chat.parley():
        asked = await half(chat)
        await chat.alice.says("And Tromsø?", chat.general, thread=asked)
        await chat.alice.stops(chat.general, asked)
        await chat.answered(asked, f"{HALF}\n\nStopped.", "Cold.")
