"""That Slack is acknowledged in time though it is slow itself, and what becomes of what people are still to be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.pace import Pace
from adapters.slack.calls import Calls, connect, limit
from adapters.slack.manifest import SHORTCUT
from adapters.slack.pressing import PERHAPS
from adapters.slack.telling import FAILED, Telling
from bot.access import KEPT_OUT
from bot.app import Core
from bot.clock import SystemClock
from bot.errors import StoreError
from bot.ports import Answer, CommandRequest
from tests.hand_clock import HandClock
from tests.simulators.slack import announce
from tests.simulators.slack.posts import Post
from tests.slack_talk import Talk, talk_at


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        yield made


async def acknowledged(talk: Talk) -> None:
    await talk.workspace.until(lambda: talk.workspace.acks and not talk.workspace.unacknowledged)


async def test_a_refusal_that_slack_does_not_take_yet_delays_nothing(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=["slack:U0000001"]) as talk:
        gate = talk.workspace.holds("chat.postEphemeral")
        await talk.asks("Oslo?")
        await acknowledged(talk)
        assert talk.whispers() == []
        gate.release()
        await talk.workspace.until(lambda: talk.whispers() == [KEPT_OUT])


async def test_a_pause_that_slack_asks_for_delays_no_acknowledgement_and_loses_no_sentence(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path, deny=["slack:U0000001"], clock=clock) as talk:
        talk.workspace.fails("chat.postEphemeral", retry_after=20)
        await talk.asks("Oslo?")
        await acknowledged(talk)
        await talk.workspace.until(lambda: talk.workspace.count("chat.postEphemeral") == 1)

        def a_little_later() -> bool:
            clock.advance(1)
            return talk.whispers() == [KEPT_OUT]

        await talk.workspace.until(a_little_later)


async def test_a_home_that_slack_does_not_show_yet_delays_nothing(talk: Talk) -> None:
    gate = talk.workspace.holds("views.publish")
    await talk.alice.opens_home()
    await acknowledged(talk)
    assert talk.workspace.home(talk.alice) is None
    gate.release()
    await talk.workspace.until(lambda: talk.workspace.home(talk.alice))


async def test_a_form_that_has_to_wait_is_told_of_at_once(talk: Talk) -> None:
    talk.workspace.fails("views.open", retry_after=60)
    answer = await talk.alice.shortcut(SHORTCUT, await talk.bob.says("Lunch?", talk.general))
    await talk.workspace.until(lambda: answer)
    assert answer.text == "Slack did not open the form. Please try again."
    assert talk.workspace.count("views.open") == 1


async def test_a_form_that_is_slow_to_open_is_told_of(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.slack.pressing.OPENED", 0.05)
    gate = talk.workspace.holds("views.open")
    answer = await talk.alice.shortcut(SHORTCUT, await talk.bob.says("Lunch?", talk.general))
    await talk.workspace.until(lambda: answer)
    assert answer.text == PERHAPS
    gate.release()


async def test_who_leaves_waits_for_no_sentence_for_long(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.asides.LEAVING", 0.01)
    clock = SystemClock()
    calls = Calls(connect(talk.workspace.bot_token, talk.workspace.api_url), Pace(clock, limit), clock)
    told = Telling(calls)
    talk.workspace.fails("chat.postEphemeral", retry_after=600)
    told.whisper(talk.general.id, "", talk.alice.id, "Stopped.")
    await talk.workspace.until(lambda: talk.workspace.count("chat.postEphemeral") == 1)
    await told.close()
    assert talk.whispers() == []
    await told.close()  # nothing is left to wait for
    await calls.close()


# -- what Slack delivers again ----------------------------------------------------------------------------------------


async def edited(talk: Talk, asked: Post, text: str) -> None:
    before = len(talk.model.requests)
    await talk.alice.edits(asked, f"{talk.workspace.mention} {text}")
    await talk.workspace.until(lambda: len(talk.model.requests) > before and not talk.workspace.unacknowledged)


async def test_an_old_edit_that_comes_again_changes_nothing(talk: Talk) -> None:
    first, second, third = talk.model.hold("It is "), talk.model.hold("It is "), talk.model.hold("It is dark.")
    asked = await talk.asks("Oslo?")
    await talk.held(first)
    await edited(talk, asked, "Bergen?")
    await edited(talk, asked, "Tromsø?")
    told = len(talk.workspace.acks)
    await talk.workspace.redeliver()
    await talk.workspace.until(lambda: len(talk.workspace.acks) == told + len(talk.workspace.delivery.events))
    third.open()
    assert await talk.answered(asked) == ["It is dark."]
    assert [talk.model.heard(number)[-1] for number in range(3)] == ["Oslo?", "Bergen?", "Tromsø?"]
    assert second.reached.is_set()


async def test_an_edit_that_comes_after_the_deletion_brings_nothing_back(tmp_path: Path) -> None:
    async with talk_at(tmp_path, events=["message.channels"]) as talk:
        gate = talk.model.hold("It is ")
        asked = await talk.asks("Oslo?")
        await talk.held(gate)
        await talk.alice.deletes(asked)
        await talk.settled()
        told = len(talk.workspace.acks)
        announce.changed(talk.workspace, asked, {"type": "message", "ts": asked.ts, "user": asked.user, "text": "B?"})
        announce.said(talk.workspace, asked)
        await talk.workspace.until(lambda: len(talk.workspace.acks) > told)
        await talk.settled()
        assert len(talk.model.requests) == 1


@pytest.mark.parametrize("text", ["Done & dusted.", "", "A line.\n" * 600])
async def test_a_command_that_takes_long_is_acknowledged_and_answered_later(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def slow(_core: Core, _request: CommandRequest) -> Answer:
        await gate.wait()
        done.set()
        return Answer(text)

    monkeypatch.setattr(Core, "command", slow)
    monkeypatch.setattr("adapters.slack.ears.ANSWERED", 0.05)
    answer = await talk.alice.command("/parley", "forget me sure", talk.general)
    assert (answer.text, talk.workspace.responses) == ("", [])
    gate.set()
    await done.wait()
    await talk.workspace.until(lambda: "".join(answer.text.split()) == "".join(text.split()).replace("&", "&amp;"))
    assert all(body["response_type"] == "ephemeral" for body in answer)


@pytest.mark.parametrize("text", ["tools list", "ask Oslo?"])
async def test_a_command_that_the_store_does_not_take_is_told_of(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    async def broken(*_: object) -> None:
        raise StoreError("The disk is full.")

    for name in ("command", "accept"):
        monkeypatch.setattr(Core, name, broken)
    answer = await talk.alice.command("/parley", text, talk.general)
    assert answer.text == FAILED


async def test_a_question_by_a_form_that_the_store_does_not_take_stays_in_the_form(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise StoreError("The disk is full.")

    talk.model.say("At noon.")
    lunch = await talk.bob.says("Lunch?", talk.general)
    await talk.alice.shortcut(SHORTCUT, lunch)
    (form,) = talk.workspace.views
    with monkeypatch.context() as failing:
        failing.setattr(Core, "accept", broken)
        await talk.alice.submits(form, {"question/question": "When?"})
        assert (form.open, form.errors) == (True, {"question": FAILED})
    await talk.alice.submits(form, {"question/question": "When?"})
    assert (await talk.answered(lunch))[-1] == "At noon."
