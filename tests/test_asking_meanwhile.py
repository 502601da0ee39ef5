"""What comes while a call waits for a person and other things go on: tools at work, faults, another process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.asking import LONGEST_ARGUMENTS, _arguments, short
from bot.buttons import Button
from bot.commands.tools import ADMINS_ONLY
from bot.errors import PlatformError, StoreError
from bot.replies import OVER
from bot.store import runs
from bot.view import View
from tests.asking import button, choice, mail, quiz, registry, sent
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import BOB, Post, Room
from tests.scripted_model import ScriptedModel
from tools.asking import Form
from tools.registry import Tool, tool

FRANCE = choice("Of France?", "Lyon", "Paris")
PERU = choice("Of Peru?", "Lima", "Cusco")


@dataclass(slots=True)
class Gate:
    """A tool of our own that works until it is let go."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def tool(self, *, approval: bool = False) -> Tool:
        @tool(approval=approval)
        async def dig(place: str) -> str:
            """Takes its time."""
            self.reached.set()
            await self.opened.wait()
            return f"Dug in {place}."

        return dig


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel, gate: Gate) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "p.db", model, registry=registry(gate.tool())) as made:
        yield made


async def asked(parley: Parley) -> Post:
    await parley.alice.say("Ask me!")
    await parley.quiet()
    return list(parley.room.posts.values())[-1]


DIG = ("dig", {"place": "Rome"})


# -- tools at work ---------------------------------------------------------------------------------------------------


async def test_a_call_that_is_approved_while_another_works_runs_at_once_after_it(
    parley: Parley, model: ScriptedModel, gate: Gate
) -> None:
    _, mailing = model.call(DIG, mail())
    model.say("All done.")
    accepted = await parley.alice.say("Ask me!")
    await gate.reached.wait()
    (run_id,) = [run.id for run in await runs_of(parley, accepted.thread_id)]
    assert await parley.alice.press(Button("approve", run_id, short(mailing))) == ""
    gate.opened.set()
    await parley.quiet()
    assert (len(sent), parley.room.answers) == (1, ["All done."])


async def test_of_two_approved_calls_the_second_does_not_wait_for_the_first(
    tmp_path: Path, model: ScriptedModel, gate: Gate
) -> None:
    async with parley_at(tmp_path / "p.db", model, registry=registry(gate.tool(approval=True))) as parley:
        model.call(DIG, mail())
        model.say("All done.")
        post = await asked(parley)
        digging, mailing = post.asks
        await parley.alice.press(button(digging, "Approve"))
        await gate.reached.wait()
        assert await parley.alice.press(button(mailing, "Approve")) == ""
        gate.opened.set()
        await parley.quiet()
        assert (len(sent), parley.room.answers) == (1, ["All done."])


async def test_a_new_message_while_a_tool_works_puts_the_quiz_away_and_nothing_else(
    parley: Parley, model: ScriptedModel, gate: Gate
) -> None:
    model.call(DIG, quiz(FRANCE), mail())
    model.say("All done.")
    model.say("Four.")
    await parley.alice.say("Ask me!")
    await gate.reached.wait()
    await parley.alice.say("What is two and two?")
    gate.opened.set()
    await parley.quiet()
    (post,) = parley.room.posts.values()
    assert [ask.kind for ask in post.asks] == ["approval"]
    await parley.alice.press(button(post.asks[0], "Approve"))
    await parley.quiet()
    assert parley.room.answers == ["All done.", "Four."]
    assert model.outputs(1)[0] == "Dug in Rome."


async def test_what_is_asked_stands_there_while_another_call_works(
    parley: Parley, model: ScriptedModel, gate: Gate
) -> None:
    model.call(DIG, mail())
    model.say("All done.")
    await parley.alice.say("Ask me!")
    await parley.room.until(lambda room: any(post.asks for post in room.posts.values()))
    (post,) = parley.room.posts.values()
    assert post.text == "calling dig…"
    await parley.alice.press(button(post.asks[0], "Deny"))
    gate.opened.set()
    await parley.quiet()
    assert parley.room.answers == ["All done."]


async def test_a_question_stays_as_it_is_until_the_next_one_is_there(parley: Parley, model: ScriptedModel) -> None:
    seen: list[bool] = []
    model.call(quiz(FRANCE, PERU))
    post = await asked(parley)
    parley.room.before = lambda view: seen.append(bool(view.asks))
    await parley.alice.press(button(post.asks[0], "Paris"))
    await parley.quiet()
    assert set(seen) == {True}
    assert not any("calling" in text for text in post.texts)


# -- faults ----------------------------------------------------------------------------------------------------------


async def test_what_could_not_be_shown_is_shown_when_the_platform_is_back(parley: Parley, model: ScriptedModel) -> None:
    broken = True

    def fail(view: View) -> None:
        if broken:
            raise PlatformError("The room is closed.")

    parley.room.before = fail
    model.call(quiz(FRANCE))
    await parley.alice.say("Ask me!")
    while parley.core.handler._active:
        if len(parley.clock._sleepers) == 2:  # the sweep, and whoever tries to show it
            parley.clock.advance(16)
        await asyncio.sleep(0)
    broken = False
    for _ in range(20):  # one more attempt may be on its way
        await parley.core.sweep.once()
        parley.clock.advance(16)
        for _ in range(50):
            await asyncio.sleep(0)
    await parley.quiet()
    assert [ask.text for post in parley.room.posts.values() for ask in post.asks] == ["**Capitals**\n\nOf France?"]


async def test_what_is_asked_and_was_deleted_is_shown_anew_to_whoever_waits_for_it(
    parley: Parley, model: ScriptedModel
) -> None:
    model.call(mail())
    await asked(parley)
    parley.room.posts.clear()  # by a moderator, say
    accepted = await parley.alice.say("Are you there?", by=BOB)
    assert accepted.note.startswith("Something here has to be approved")
    await parley.quiet()
    (post,) = parley.room.posts.values()
    assert [ask.kind for ask in post.asks] == ["approval"]


async def test_a_question_that_was_shown_and_not_recorded_so_is_followed_by_the_next(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.call(quiz(FRANCE, PERU))
    model.say("Right.")

    async def fail(*_: object, **__: object) -> bool:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as disk:
        disk.setattr(runs, "place", fail)
        disk.setattr(parley.core.handler._settlement, "closing", True)  # one attempt has to do
        post = await asked(parley)
    await parley.alice.press(button(post.asks[0], "Paris"))
    await parley.quiet()
    assert (len(parley.room.posts), post.asks[0].text) == (1, "**Capitals** (2 of 2)\n\nOf Peru?")
    await parley.alice.press(button(post.asks[0], "Lima"))
    await parley.quiet()
    assert parley.room.answers == ["Right."]


async def test_an_answer_by_way_of_another_process_brings_the_next_question(
    tmp_path: Path, model: ScriptedModel
) -> None:
    room, clock = Room(), HandClock()
    model.call(quiz(FRANCE, PERU))
    path, tools = tmp_path / "p.db", registry()
    async with (
        parley_at(path, model, room=room, clock=clock, registry=tools) as ours,
        parley_at(path, ScriptedModel(), room=room, clock=clock, registry=tools) as other,
    ):
        post = await asked(ours)
        assert await other.alice.press(button(post.asks[0], "Paris")) == ""
        await other.quiet()
        assert "Of France?" in post.asks[0].text
        await ours.core.sweep.once()
        await ours.quiet()
        assert "Of Peru?" in post.asks[0].text
        shown = len(post.texts)
        await ours.core.sweep.once()
        await ours.quiet()
        assert len(post.texts) == shown  # and not once more for nothing


async def test_a_press_after_its_time_is_told_that_it_is_over(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE), mail())
    post = await asked(parley)
    parley.clock._now += 3600  # and no sweep has come yet
    assert await parley.alice.press(button(post.asks[0], "Paris")) == OVER
    assert await parley.alice.press(button(post.asks[1], "Approve")) == OVER
    assert sent == []


# -- what is asked ---------------------------------------------------------------------------------------------------


async def test_a_form_that_breaks_or_asks_nothing_is_an_output_for_the_model(
    tmp_path: Path, model: ScriptedModel
) -> None:
    @tool
    def broken(title: str) -> Form:
        """Asks something."""
        raise KeyError(title)

    @tool
    def empty(title: str) -> Form:
        """Asks nothing."""
        return Form(title, [])

    async with parley_at(tmp_path / "p.db", model, registry=registry(broken, empty)) as parley:
        model.call(("broken", {"title": "A"}), ("empty", {"title": "B"}))
        model.say("Sorry.")
        await asked(parley)
        assert parley.room.answers == ["Sorry."]
        told = model.outputs()
        assert told == [
            '{"error":"broken failed unexpectedly (KeyError)."}',
            '{"error":"There is no question in it, so nobody was asked."}',
        ]


async def test_a_long_argument_hides_no_other(parley: Parley, model: ScriptedModel) -> None:
    model.call(("send_mail", {"text": "x\n" * 5_000, "to": "evil\u200b@example.com"}))
    ask = (await asked(parley)).asks[0]
    assert "\nto: evil�@example.com\n" in ask.text
    assert "more characters)" in ask.text
    assert len(ask.text) < LONGEST_ARGUMENTS + 200


@pytest.mark.parametrize("arguments", ["", " \n", "{}", '{"to": ' + "9" * 5_000 + "}", '{"to": ' + "[" * 50_000])
def test_what_python_cannot_read_of_a_call_is_shown_as_it_came(arguments: str) -> None:
    told = "\n".join(_arguments(arguments))
    assert (told == "") is (arguments.strip() in ("", "{}"))
    assert len(told) < LONGEST_ARGUMENTS + 20


def test_many_arguments_are_counted_where_they_are_too_many() -> None:
    told = list(_arguments("{" + ",".join(f'"a{number}": "{"x" * 500}"' for number in range(100)) + "}"))
    assert (len(told), told[-1]) == (21, "… and 80 more")
    assert sum(map(len, told)) < 3 * LONGEST_ARGUMENTS


async def test_a_tool_that_asks_needs_no_approval(parley: Parley) -> None:
    said = await parley.alice.command("tools approve display_quiz on admins", admin=True)
    assert said == "display_quiz asks a person anyway, and needs no approval."
    assert await parley.alice.command("tools approve display_quiz on", by=BOB) == ADMINS_ONLY


async def runs_of(parley: Parley, thread_id: str) -> Any:
    return await parley.core.database.read(lambda c: runs.of_thread(c, thread_id))
