"""The contract: what every adapter does, said once and held on each platform.

Real adapters and clients talk to simulated platforms over sockets, and to a real store; the model is scripted. What a
platform cannot do is among the skills that it lacks, and a claim names those that it needs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.access import KEPT_OUT
from bot.commands.tools import ADMINS_ONLY
from bot.models.port import Call, ModelError, Turn
from tests.contract.claims import (
    HALF,
    WHOLE,
    answered,
    begun,
    broken_off,
    offered,
    quiet,
    said,
    slow_forecast,
    spoken,
    stored,
    unrecorded,
)
from tests.contract.console import CONSOLE
from tests.contract.discord import DISCORD
from tests.contract.piped import PIPED
from tests.contract.slack import SLACK
from tests.contract.stage import Skill, Stage, Who
from tests.scripted_model import Gate, ScriptedModel

PLATFORMS = (CONSOLE, PIPED, SLACK, DISCORD)
LATEST = 8.0 - 5.0
"""Seconds that everything has to end but for the running answers, which have five of the eight to themselves."""


def where(*needed: Skill, without: Skill | None = None) -> pytest.MarkDecorator:
    """The claim holds on the platforms that have these skills."""
    chosen = [one for one in PLATFORMS if one.skills >= {*needed} and without not in one.skills]
    return pytest.mark.parametrize("chat", [pytest.param(one, id=one.name) for one in chosen], indirect=True)


everywhere = where()


@pytest.fixture
async def chat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    model = ScriptedModel()
    async with request.param.stage(tmp_path / "parley.db", model) as stage:
        yield stage
    model.assert_done()


# -- a question and its answer ----------------------------------------------------------------------------------------


@everywhere
async def test_a_question_is_stored_before_anybody_hears_that_it_was_taken(chat: Stage) -> None:
    safe: list[bool] = []
    chat.on_taken(lambda: safe.append(stored(chat, "Oslo?")))
    chat.model.say("Cold.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await quiet(chat)
    assert safe
    assert all(safe)


@everywhere
async def test_each_question_gets_one_whole_answer_and_nothing_else_stays(chat: Stage) -> None:
    chat.model.say("It ", "is ", "cold.")
    chat.model.say("It is colder.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await answered(chat, "It is cold.")
        await chat.asks("And Tromsø?")
        await answered(chat, "It is cold.", "It is colder.")
    assert chat.model.heard() == ["Oslo?", "And Tromsø?"]


@where("redelivers")
async def test_a_message_that_is_delivered_again_is_answered_once(chat: Stage) -> None:
    gate = chat.model.hold(WHOLE)
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.delivers_again()
        gate.open()
        await answered(chat, WHOLE)
        await chat.delivers_again()
        await answered(chat, WHOLE)
    async with chat.parley():
        await chat.delivers_again()
        await answered(chat, WHOLE)
    assert len(chat.model.requests) == 1


@where("live")
async def test_what_is_said_during_an_answer_is_answered_after_it(chat: Stage) -> None:
    gate = chat.model.hold(WHOLE)
    chat.model.say("Colder.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.asks("And Tromsø?", who="Bob")
        await chat.until(lambda: stored(chat, "And Tromsø?"))
        assert len(chat.model.requests) == 1
        gate.open()
        await answered(chat, WHOLE, "Colder.")
    assert chat.model.heard() == ["Oslo?", "And Tromsø?"]


@where("live")
async def test_what_waited_meanwhile_is_answered_together(chat: Stage) -> None:
    gate = chat.model.hold(WHOLE)
    chat.model.say("Colder, and dark.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.asks("And Tromsø?", who="Bob")
        await chat.asks("And Bodø?")
        await chat.until(lambda: stored(chat, "And Bodø?"))
        gate.open()
        await answered(chat, WHOLE, "Colder, and dark.")
    assert chat.model.heard() == ["Oslo?", "And Tromsø?", "And Bodø?"]


@everywhere
async def test_a_long_answer_arrives_whole_and_in_order_and_with_balanced_fences(chat: Stage) -> None:
    words = [f"w{number}" for number in range(1_800)]
    prose, code = [" ".join(words[at : at + 60]) + "." for at in range(0, 600, 60)], "\n".join(words[600:1_200])
    rows = "\n".join(f"| {words[at]} | {words[at + 1]} |" for at in range(1_200, 1_800, 2))
    text = "\n\n".join([*prose, f"```python\n{code}\n```", f"| Place | Degrees |\n|---|---|\n{rows}", "That is all."])
    assert len(text) > 10_000
    chat.model.say(*(text[at : at + 200] for at in range(0, len(text), 200)))
    async with chat.parley():
        await chat.asks("All of it, please.")
        await quiet(chat)
        await chat.until(lambda: chat.shown.texts and chat.shown.texts[-1].endswith("That is all."))
        shown = chat.shown
    assert re.findall(r"\bw\d+\b", "\n".join(shown.texts)) == words
    assert [text for text in shown.texts if len(re.findall(r"(?m)^```", text)) % 2] == []
    assert shown.statuses == ()


# -- tools ------------------------------------------------------------------------------------------------------------


@everywhere
async def test_a_tool_at_work_is_told_by_its_name_and_never_by_its_arguments(chat: Stage) -> None:
    registry, gate = slow_forecast()
    chat.model.call(("forecast", {"place": "Longyearbyen"}))
    chat.model.say("Cold.")
    async with chat.parley(registry=registry):
        await chat.asks("Is it cold up there?")
        await chat.until(lambda: any("forecast" in status for status in chat.shown.statuses))
        gate.open()
        await said(chat, "Cold.")
    assert "Longyearbyen" not in chat.sent
    assert chat.model.outputs() == ["Snow in Longyearbyen."]


@where("takes back")
async def test_of_a_tool_at_work_nothing_is_told_in_the_end(chat: Stage) -> None:
    registry, gate = slow_forecast()
    chat.model.call(("forecast", {"place": "Oslo"}), text="Let me look.")
    chat.model.say("Cold.")
    async with chat.parley(registry=registry):
        await chat.asks("Oslo?")
        await chat.until(lambda: any("forecast" in status for status in chat.shown.statuses))
        gate.open()
        await answered(chat, "Let me look.\n\nCold.")


@everywhere
async def test_a_tool_that_fails_is_told_to_the_model_and_not_to_people(chat: Stage) -> None:
    chat.model.call(("forecast", {"place": "Nowhere"}), ("dig", {}), Call("call_3", "tide", "no JSON"))
    chat.model.say("I do not know.")
    async with chat.parley():
        await chat.asks("And where there is nothing?")
        await said(chat, "I do not know.")
    outputs = chat.model.outputs()
    assert "There is no such place." in outputs[0]
    assert len(outputs) == 3
    assert not any(output in chat.sent for output in [*outputs, "There is no such place."])


@everywhere
async def test_what_an_admin_switches_off_is_gone_from_the_next_question_on(chat: Stage) -> None:
    chat.model.say("Cold.")
    chat.model.say("I cannot tell.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await quiet(chat)
        assert "forecast is off" in await chat.commands("tools disable forecast", who="Ann")
        await chat.asks("And Tromsø?")
        await answered(chat, "Cold.", "I cannot tell.")
    assert (offered(chat, 0), offered(chat, 1)) == (["forecast", "tide"], ["tide"])


@where("people")
async def test_nobody_but_an_admin_switches_a_tool(chat: Stage) -> None:
    chat.model.say("Cold.")
    async with chat.parley():
        assert await chat.commands("tools disable forecast", who="Bob") == ADMINS_ONLY
        await chat.asks("Oslo?")
        await answered(chat, "Cold.")
    assert offered(chat, 0) == ["forecast", "tide"]


# -- how it can end ---------------------------------------------------------------------------------------------------


@everywhere
async def test_a_model_that_fails_is_told_in_one_plain_sentence(chat: Stage) -> None:
    sentence = "The model is overloaded. Please try again."
    chat.model.act(ModelError(sentence))
    chat.model.act("It is ", ModelError(sentence))
    async with chat.parley():
        await chat.asks("Oslo?")
        await answered(chat, sentence)
        await chat.asks("And Tromsø?")
        await quiet(chat)
        await chat.until(lambda: len(chat.shown.texts) == 2)
        assert chat.shown.texts[1].split() == ["It", "is", *sentence.split()]


@where("live")
async def test_a_stop_leaves_what_was_said_and_says_that_it_was_one(chat: Stage) -> None:
    chat.model.hold(HALF.strip())
    chat.model.say("Colder.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.stops()
        await answered(chat, f"{HALF.strip()}\n\nStopped.")
        await chat.asks("And Tromsø?")
        await answered(chat, f"{HALF.strip()}\n\nStopped.", "Colder.")


@where("corrects")
async def test_an_edit_before_the_answer_is_what_is_answered(chat: Stage) -> None:
    chat.model.hold(HALF)
    chat.model.say("Dark.")
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.edits("Tromsø?")
        await chat.until(lambda: len(chat.model.requests) == 2)
        await answered(chat, "Dark.")
    assert chat.model.heard() == ["Tromsø?"]


@where("corrects")
async def test_a_deletion_before_the_answer_leaves_nothing(chat: Stage) -> None:
    chat.model.hold(HALF)
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.deletes()
        await answered(chat)


# -- the end of the process -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@where("live", "looks up")
async def test_an_answer_that_was_broken_off_is_there_once_and_whole(chat: Stage) -> None:
    await broken_off(chat)
    async with chat.parley():
        await answered(chat, WHOLE)


@pytest.mark.usefixtures("impatient")
@where("live", without="looks up")
async def test_where_nothing_can_be_looked_up_a_broken_off_answer_is_announced_and_begun_anew(chat: Stage) -> None:
    await broken_off(chat)
    async with chat.parley():
        await said(chat, WHOLE.split("\n")[0], WHOLE)
        assert "broken off" in chat.shown.statuses[-1]


@pytest.mark.usefixtures("impatient")
@where("looks up")
@pytest.mark.parametrize("records", [True, False])
async def test_an_answer_whose_delivery_was_not_recorded_is_not_said_twice(
    chat: Stage, monkeypatch: pytest.MonkeyPatch, records: bool
) -> None:
    await unrecorded(chat, monkeypatch, records=records)
    async with chat.parley():
        await answered(chat, WHOLE)


@pytest.mark.usefixtures("impatient")
@where(without="looks up")
async def test_where_nothing_can_be_looked_up_it_is_rather_said_twice_than_never(
    chat: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await unrecorded(chat, monkeypatch, records=True)
    async with chat.parley():
        await said(chat, WHOLE, WHOLE)


@pytest.mark.usefixtures("impatient")
@everywhere
async def test_closing_while_an_answer_is_made_ends_in_time_and_loses_nothing(chat: Stage) -> None:
    gate, loop = chat.model.hold(), asyncio.get_running_loop()
    async with chat.parley():
        await chat.asks("Oslo?")
        await chat.until(gate.reached.is_set)
        told = loop.time()
    assert loop.time() - told < LATEST
    chat.model.say("Cold.")
    async with chat.parley():
        await said(chat, "Cold.")
    assert chat.model.heard() == ["Oslo?"]


@pytest.mark.usefixtures("impatient")
@where("live")
async def test_what_waited_when_the_process_ended_is_answered_by_the_next_one(chat: Stage) -> None:
    gate = chat.model.hold()
    async with chat.parley():
        await chat.asks("Oslo?")
        await chat.until(gate.reached.is_set)
        await chat.asks("And Tromsø?", who="Bob")
        await chat.until(lambda: stored(chat, "And Tromsø?"))
    chat.model.say("Cold.")
    chat.model.say("Colder.")
    async with chat.parley():
        await said(chat, "Cold.", "Colder.")


# -- people -----------------------------------------------------------------------------------------------------------


@where("people")
async def test_the_model_knows_who_speaks(chat: Stage) -> None:
    chat.model.say("Cold.")
    chat.model.say("Colder.")
    async with chat.parley():
        await chat.asks("Oslo?", who="Alice")
        await answered(chat, "Cold.")
        await chat.asks("And Tromsø?", who="Bob")
        await answered(chat, "Cold.", "Colder.")
    alice, bob = chat.author("Alice"), chat.author("Bob")
    assert spoken(chat) == [f"Alice ({alice.id}):\nOslo?", f"Bob ({bob.id}):\nAnd Tromsø?"]


@where("people")
@pytest.mark.parametrize(("setting", "whom"), [("deny", "Alice"), ("allow", "Bob")])
async def test_who_is_kept_out_gets_a_sentence_and_the_model_no_question(chat: Stage, setting: str, whom: Who) -> None:
    async with chat.parley(**{setting: [chat.reference(whom)]}):
        await chat.asks("Oslo?", who="Alice")
        await chat.until(lambda: [*chat.shown.texts, *chat.whispers] == [KEPT_OUT])
        await quiet(chat)
    assert ([*chat.shown.texts, *chat.whispers], chat.model.requests) == ([KEPT_OUT], [])


@everywhere
async def test_what_a_model_writes_notifies_nobody_and_steers_no_terminal(chat: Stage) -> None:
    people = " ".join(f"<@{chat.author(who).id}>" for who in ("Alice", "Bob"))
    loud = f"@everyone @here <!channel> <!here> <@&1> {people} \x1b[2J\x1b]52;c;cHduZWQ=\x07 \x9b31m \u202egnp.exe"
    gate = Gate()
    chat.model.act(Turn("", calls=[Call("call_1", "@everyone", "{}"), Call("call_2", "\x1b[2J<!channel>", "{}")]))
    prose = f"It snows, {loud}. " * 30  # more than a message holds: the next one begins with words of the model
    chat.model.act(f"{loud}\n", gate, f"\n```\n{loud}\n```\n{prose}", ModelError(f"Gone: {loud}"))
    async with chat.parley():
        await chat.asks("Wake them all.")
        await chat.until(gate.reached.is_set)
        gate.open()
        await quiet(chat)
        await chat.until(lambda: any("Gone:" in text for text in chat.shown.texts))
    assert chat.alarms == []
    assert "everyone" in chat.shown.texts[0]
