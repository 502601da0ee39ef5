"""Questions in a terminal: the next line that is typed answers them, in the chat and through a pipe."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.console import PipedConsole
from adapters.console.asks import HINTS
from bot.app import running
from bot.asking import PUT_AWAY
from tests.asking import choice, free, mail, quiz, registry, sent
from tests.contract.console import ConsoleStage, stage
from tests.files import ready
from tests.parley import settings_for
from tests.scripted_model import ScriptedModel

FRANCE = choice("Of France?", "Lyon", "Paris")
NUMBERED = f"**Capitals**\n\nOf France?\n1. Lyon\n2. Paris\n{HINTS['choice']}"


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@asynccontextmanager
async def chatting(path: Path, model: ScriptedModel) -> AsyncIterator[ConsoleStage]:
    async with stage(ready(path), model) as terminal:
        assert isinstance(terminal, ConsoleStage)
        async with terminal.parley(registry=registry()):
            await terminal.asks("Ask me!")
            await terminal.quiet()
            yield terminal


async def types(terminal: ConsoleStage, text: str) -> list[str]:
    await terminal.asks(text)
    await terminal.quiet()
    return list(terminal.shown.texts)


async def piped(path: Path, model: ScriptedModel, *lines: str) -> list[str]:
    answers = io.StringIO()
    console = PipedConsole(io.StringIO("".join(f"{line}\n" for line in lines)), answers, io.StringIO())
    async with running(settings_for(ready(path)), [console], model=model, registry=registry()):
        await console.talk()
    return answers.getvalue().splitlines()


@pytest.mark.parametrize("typed", ["2", "paris", " Paris "])
async def test_a_choice_is_typed_by_its_number_or_its_words(tmp_path: Path, model: ScriptedModel, typed: str) -> None:
    model.call(quiz(FRANCE), text="Here it comes.")
    model.say("Right.")
    async with chatting(tmp_path / "p.db", model) as terminal:
        assert terminal.shown.texts[-1] == f"Here it comes.\n{NUMBERED}"
        assert not terminal.shown.statuses[1:]
        assert (await types(terminal, typed))[-1].endswith("Right.")
    assert model.outputs() == ['["Paris"]']


async def test_a_choice_that_is_a_number_itself_is_meant_before_its_place(tmp_path: Path, model: ScriptedModel) -> None:
    model.call(quiz(choice("Two and two?", "5", "4", "2")))
    model.say("Well.")
    async with chatting(tmp_path / "p.db", model) as terminal:
        await types(terminal, "2")
    assert model.outputs() == ['["2"]']


async def test_words_answer_a_question_without_choices(tmp_path: Path, model: ScriptedModel) -> None:
    model.call(quiz(free("Why?")))
    model.say("I see.")
    async with chatting(tmp_path / "p.db", model) as terminal:
        await types(terminal, "2 reasons.")
    assert model.outputs() == ['["2 reasons."]']


async def test_anything_else_is_a_message_and_puts_the_quiz_away(tmp_path: Path, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    model.say("Four.")
    async with chatting(tmp_path / "p.db", model) as terminal:
        shown = "\n".join(await types(terminal, "What is two and two?"))
        assert PUT_AWAY in shown
        assert shown.endswith("Four.")
        model.say("You are welcome.")
        await types(terminal, "2")
        assert model.requests[-1].items[-1].text == "2"  # type: ignore[union-attr]


@pytest.mark.parametrize(("typed", "mails"), [("Yes", 1), ("n", 0)])
async def test_a_call_is_approved_or_denied(tmp_path: Path, model: ScriptedModel, typed: str, mails: int) -> None:
    model.call(mail())
    model.say("Done.")
    async with chatting(tmp_path / "p.db", model) as terminal:
        assert "to: bob@example.com" in terminal.shown.texts[-1]
        assert (await types(terminal, typed))[-1].endswith("Done.")
    assert len(sent) == mails


async def test_a_message_beside_an_approval_waits_and_says_so(tmp_path: Path, model: ScriptedModel) -> None:
    model.call(mail())
    model.say("Done.")
    model.say("Here I am.")
    async with chatting(tmp_path / "p.db", model) as terminal:
        await types(terminal, "Are you there?")
        assert any("approved or denied first" in status for status in terminal.shown.statuses)
        assert "\n".join(await types(terminal, "yes")).endswith("Here I am.")


async def test_a_question_is_asked_anew_after_a_restart(tmp_path: Path, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    assert await piped(tmp_path / "p.db", model, "Ask me!") == NUMBERED.splitlines()
    model.say("Right.")
    assert await piped(tmp_path / "p.db", model, "2") == [*NUMBERED.splitlines(), "Right."]
    assert model.outputs() == ['["Paris"]']


async def test_a_pipe_answers_line_by_line(tmp_path: Path, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE, free("Why?")))
    model.say("Fine.")
    told = await piped(tmp_path / "p.db", model, "Ask me!", "1", "It is on the Rhône.")
    assert told[-1] == "Fine."
    assert model.outputs() == ['["Lyon", "It is on the Rhône."]']
