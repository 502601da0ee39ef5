"""What people see of an answer in the making, and what is left of that in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.slack import working
from bot.models.port import Call, ModelError, Turn
from bot.store.schema import feedback
from tests.scripted_model import Gate
from tests.simulators.slack import Workspace
from tests.slack_parley import JUDGED, Scene, buttons, growing, scene
from tools.registry import Registry, tool

CALLING, DONE = "calling forecast…", ("calling forecast…", "complete")


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def calls(workspace: Workspace, method: str) -> list[dict[str, Any]]:
    return [call.arguments for call in workspace.calls if call.method == method]


def waiting_tool() -> tuple[Registry, Gate]:
    """A forecast that is not there before the gate opens."""
    gate = Gate()

    @tool
    async def forecast(place: str) -> str:
        """The weather."""
        await gate.wait()
        return f"Snow in {place}."

    return Registry([forecast]), gate


async def at_gate(chat: Scene, gate: Gate) -> None:
    async with asyncio.timeout(20):
        await gate.reached.wait()
    assert chat.model.requests


# -- the status -----------------------------------------------------------------------------------------------------


async def test_the_session_is_processing_at_once_and_titled_by_the_question(chat: Scene) -> None:
    gate = chat.model.hold()
    async with chat.parley():
        asked = await chat.asks("Will it rain in Oslo?")
        await chat.workspace.until(lambda: chat.workspace.session(chat.general, asked))
        session = chat.workspace.session(chat.general, asked)
        assert session
        assert (session.status, session.title, session.initiator) == (
            "processing",
            "Will it rain in Oslo?",
            chat.alice.id,
        )
        gate.open()
        await chat.answered(asked, "…")
        assert session.history == ["processing", "active"]


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("sessions", [True, False])
@pytest.mark.parametrize("end", ["completed", "failed", "incomplete", "expired", "stopped", "empty"])
async def test_nobody_is_told_to_wait_in_the_end(chat: Scene, end: str, sessions: bool, streaming: bool) -> None:
    chat.workspace.offers(sessions=sessions, streaming=streaming)
    gate = Gate()
    finish: Any = {"incomplete": "length"}.get(end, "stop")
    text = "" if end == "empty" else "Cold."
    last = ModelError("The model is gone.") if end == "failed" else Turn(text, finish=finish)
    chat.model.act(*([text] if text else []), gate, last)
    async with chat.parley() as parley:
        asked = await chat.asks()
        await at_gate(chat, gate)
        await chat.workspace.until(lambda: len(chat.posts(asked)) if text else chat.waits(asked))
        if end == "expired":
            chat.clock.advance(601)
        elif end == "stopped":
            await chat.asks("!stop", thread=asked)
        else:
            gate.open()
        await chat.workspace.until(lambda: not chat.waits(asked))
        chat.clock.advance(60)  # Slack's patience, where there are pauses
        await parley.quiet()
        assert not chat.waits(asked)
        assert not any(post.streaming for post in chat.posts(asked))


async def test_without_sessions_the_thread_says_that_it_is_thinking(chat: Scene) -> None:
    chat.workspace.offers(sessions=False)
    gate = chat.model.hold()
    chat.model.say("Colder.")
    async with chat.parley():
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.workspace.status(chat.general, asked) == "is thinking…")
        gate.open()
        await chat.answered(asked, "…")
        await chat.asks("and Tromsø?", thread=asked)
        await chat.answered(asked, "…", "Colder.")
    assert chat.workspace.count("agents.sessions.setStatus") == 1
    assert chat.workspace.statuses[-1].text == ""


async def test_where_no_status_is_to_be_had_the_answer_still_comes(chat: Scene) -> None:
    chat.workspace.offers(sessions=False)
    chat.workspace.fails("assistant.threads.setStatus", "not_allowed_token_type", times=9)
    chat.model.say("Cold.")
    async with chat.parley():
        asked = await chat.asks()
        await chat.answered(asked, "Cold.")


async def test_a_status_that_hangs_holds_no_answer_back(chat: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "PATIENCE", 0.05)
    held = chat.workspace.holds("agents.sessions.setStatus")
    gate = chat.model.hold("Cold.")
    async with chat.parley():
        asked = await chat.asks()
        await chat.shows(asked, "Cold.")
        held.release()
        await chat.workspace.until(lambda: chat.waits(asked))
        gate.open()
        await chat.answered(asked, "Cold.")


async def test_a_status_whose_answer_was_lost_is_cleared_all_the_same(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    chat.workspace.fails("agents.sessions.setStatus", after=True)
    gate = chat.model.hold("Cold.")
    async with chat.parley():
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.waits(asked) and chat.posts(asked))
        gate.open()
        await chat.answered(asked, "Cold.")


async def test_a_status_that_cannot_be_cleared_does_not_undo_the_answer(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    gate = chat.model.hold()
    async with chat.parley() as parley:
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.waits(asked))
        chat.workspace.fails("agents.sessions.setStatus", "session_not_found", times=9)
        gate.open()
        await chat.shows(asked, "…")
        await parley.quiet()
        assert chat.workspace.count("agents.sessions.setStatus") == 2


# -- tools ----------------------------------------------------------------------------------------------------------


async def test_a_tool_at_work_has_a_card_that_turns_complete(chat: Scene) -> None:
    registry, gate = waiting_tool()
    chat.model.call(("forecast", {"place": "Oslo-Secret"}))
    chat.model.say("Snow.")
    async with chat.parley(registry=registry):
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.posts(asked))
        assert chat.posts(asked)[0].tasks == [(CALLING, "in_progress")]
        gate.open()
        chat.clock.advance(1)
        (answer,) = await chat.answered(asked, "Snow.")
        assert answer.tasks == [DONE]
    assert "Secret" not in json.dumps([call.arguments for call in chat.workspace.calls])


async def test_a_tool_that_failed_and_one_that_did_not_have_a_card_each(chat: Scene) -> None:
    chat.model.call(("forecast", {"place": "Nowhere"}), ("tide", {"place": "Oslo"}))
    gate = chat.model.hold("High.")
    async with chat.parley():
        asked = await chat.asks()
        await at_gate(chat, gate)
        chat.clock.advance(1)
        cards = [(CALLING, "error"), ("calling tide…", "complete")]
        await chat.workspace.until(lambda: chat.posts(asked) and chat.posts(asked)[0].tasks == cards)
        gate.open()
        (answer,) = await chat.answered(asked, "High.")
        assert answer.tasks == cards


async def test_no_card_goes_on_turning_when_a_run_is_stopped_in_mid_call(chat: Scene) -> None:
    registry, _ = waiting_tool()
    chat.model.call(("forecast", {"place": "Oslo"}))
    async with chat.parley(registry=registry):
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.posts(asked))
        await chat.asks("!stop", thread=asked)
        (answer,) = await chat.answered(asked, "Stopped.")
        assert answer.tasks == [(CALLING, "error")]


async def test_a_message_that_is_ended_in_mid_call_leaves_no_card_turning(chat: Scene) -> None:
    registry, gate = waiting_tool()
    long = "A line of prose.\n" * 640
    chat.model.act(long, Turn(long, calls=[Call("call_1", "forecast", '{"place": "Oslo"}')]))
    end = chat.model.hold("A line of prose.\n" * 100)
    async with chat.parley(registry=registry):
        asked = await chat.asks()
        await chat.workspace.until(lambda: any(post.tasks for post in chat.posts(asked)))
        chat.clock.advance(1)
        gate.open()
        await at_gate(chat, end)
        end.open()
        await chat.workspace.until(lambda: not chat.waits(asked))
        posts = chat.posts(asked)
        assert [task for post in posts for task in post.tasks] == [DONE]
        assert len(posts) == 2


# -- streamed text --------------------------------------------------------------------------------------------------


async def test_text_is_streamed_by_its_new_parts_with_buttons_at_the_end(chat: Scene) -> None:
    gates = [Gate(), Gate(), Gate()]
    chat.model.act("It ", gates[0], "snows ", gates[1], "in **Oslo**", gates[2], Turn("It snows in **Oslo** now."))
    async with chat.parley():
        asked = await chat.asks()
        for gate, shown in zip(gates, ["It", "It snows", "It snows in **Oslo**"], strict=True):
            (post,) = await chat.shows(asked, shown)
            assert not buttons(post)
            chat.clock.advance(1)
            gate.open()
        (answer,) = await chat.answered(asked, "It snows in **Oslo** now.")
    assert growing(answer)
    assert buttons(answer) == JUDGED
    streamed = [call["chunks"][0]["text"] for call in calls(chat.workspace, "chat.appendStream")]
    assert streamed[:2] == [" snows", " in **Oslo**"]
    assert chat.workspace.count("chat.update") == 0


async def test_a_press_on_a_thumb_is_stored_and_thanked_for(chat: Scene) -> None:
    chat.model.say("Cold.")
    async with chat.parley() as parley:
        asked = await chat.asks()
        (answer,) = await chat.answered(asked, "Cold.")
        run_id = answer.metadata["event_payload"]["run"] if answer.metadata else ""
        for value in ("good", "bad"):
            await chat.alice.presses(answer, "feedback", f"feedback:{run_id}:{value}")
            await chat.workspace.until(lambda: chat.workspace.ephemerals)
            said = chat.workspace.ephemerals.pop()
            assert (said.user, said.text) == (chat.alice.id, "Thank you for telling me.")
            rows = await parley.core.database.read(lambda c: c.execute(select(feedback.c.value)))
            assert rows.scalars().all() == [value]


# -- without streams ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["unknown_method", "not_allowed_token_type", "channel_type_not_supported"])
async def test_where_streams_are_not_to_be_had_a_message_is_edited(chat: Scene, error: str) -> None:
    chat.workspace.fails("chat.startStream", error)
    registry, gate = waiting_tool()
    chat.model.call(("forecast", {"place": "Oslo"}))
    end = chat.model.hold("Snow.")
    async with chat.parley(registry=registry):
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.posts(asked))
        (post,) = chat.posts(asked)
        assert (post.footnotes, buttons(post)) == (["⏳ calling forecast…"], ["actions"])
        gate.open()
        await at_gate(chat, end)
        chat.clock.advance(2)
        (post,) = await chat.shows(asked, "Snow.")
        assert (post.footnotes, buttons(post)) == (["✅ calling forecast…"], ["actions"])
        end.open()
        (post,) = await chat.answered(asked, "Snow.")
        assert (post.footnotes, buttons(post)) == ([], JUDGED)


async def test_streams_that_are_unknown_are_not_asked_for_again(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    async with chat.parley():
        for text in ("One.", "Two."):
            gate = chat.model.hold(text)
            asked = await chat.asks()
            await chat.shows(asked, text)
            gate.open()
            await chat.answered(asked, text)
            chat.clock.advance(1)
    assert chat.workspace.count("chat.startStream") == 1


async def test_a_message_is_edited_at_a_bounded_pace(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    gates = [Gate() for _ in range(60)]
    acts = [act for number, gate in enumerate(gates) for act in (f"line {number}\n", gate)]
    chat.model.act(*acts, Turn("".join(act for act in acts if isinstance(act, str))))
    async with chat.parley():
        asked = await chat.asks()
        for gate in gates:
            await at_gate(chat, gate)
            chat.clock.advance(0.5)
            gate.open()
        posts = await chat.answered(asked, "\n".join(f"line {number}" for number in range(60)))
    assert len(posts) == 1
    assert 2 <= chat.workspace.count("chat.update") <= 22
    assert chat.workspace.limited == 0


async def test_text_that_cannot_be_shown_yet_is_a_placeholder(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    gate = Gate()
    chat.model.say("Cold.")
    chat.model.act("`", gate, "code`", Turn("`code`"))
    async with chat.parley():
        await chat.answered(await chat.asks(), "Cold.")
        chat.clock.advance(1)
        asked = await chat.asks("and in code?")
        await chat.shows(asked, "…")
        gate.open()
        await chat.answered(asked, "`code`")


async def test_when_the_budget_of_streams_is_spent_answers_are_posted_whole(chat: Scene) -> None:
    numbers = range(25)
    places = [chat.workspace.channel(f"c{number}") for number in numbers]
    for number in numbers:
        chat.model.say("It ", f"snows {number}.")
    async with chat.parley(flood_limit=0) as parley:
        asked = [await chat.alice.says(f"{chat.workspace.mention} rain?", place) for place in places]
        await chat.workspace.until(lambda: all(chat.posts(one) and not chat.posts(one)[-1].streaming for one in asked))
        await parley.quiet()
        posts = [chat.posts(one) for one in asked]
    assert sorted(post.text for (post,) in posts) == sorted(f"It snows {number}." for number in numbers)
    assert not any(chat.waits(one) for one in asked)
    assert chat.workspace.limited == 0
    assert chat.workspace.count("chat.startStream") <= 20
