"""What interrupts an answer in the making: a model or a stream that breaks, messages that go, questions taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import ModelError, Turn
from tests.scripted_model import Gate
from tests.slack_parley import JUDGED, Scene, buttons, growing, scene

BUSY = ModelError("Busy.", retryable=True)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_broken_model_stream_leaves_the_new_text_only(chat: Scene, streaming: bool) -> None:
    chat.workspace.offers(streaming=streaming)
    broken, going = Gate(), Gate()
    chat.model.act("It rains ", broken, BUSY)
    chat.model.act("It snows ", going, "in Oslo.", Turn("It snows in Oslo."))
    async with chat.parley():
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.posts(asked))
        assert "It rains" in chat.posts(asked)[0].text
        broken.open()
        while not going.reached.is_set():
            chat.clock.advance(await chat.clock.asleep())
            await asyncio.sleep(0)
        chat.clock.advance(2)
        await chat.workspace.until(lambda: "It snows" in chat.posts(asked)[0].text)
        going.open()
        (answer,) = await chat.answered(asked, "It snows in Oslo.")
    assert not any("rains" in version and "snows" in version for version in answer.versions)
    assert buttons(answer) == JUDGED


async def test_a_pause_that_slack_asks_for_does_not_end_the_stream(chat: Scene) -> None:
    gates = [Gate(), Gate()]
    chat.model.act("It ", gates[0], "snows ", gates[1], "now.", Turn("It snows now."))
    async with chat.parley():
        asked = await chat.asks()
        await chat.shows(asked, "It")
        chat.workspace.fails("chat.appendStream", status=429, retry_after=5)
        chat.clock.advance(1)
        gates[0].open()
        await chat.workspace.until(lambda: chat.workspace.count("chat.appendStream"))
        async with asyncio.timeout(20):
            await gates[1].reached.wait()
        gates[1].open()
        (answer,) = await chat.answered(asked, "It snows now.")
    assert growing(answer)
    assert chat.workspace.count("chat.update") == 0


async def test_a_stream_that_expired_is_edited_from_then_on(chat: Scene) -> None:
    gates = [Gate(), Gate()]
    chat.model.act("It ", gates[0], "snows ", gates[1], "now.", Turn("It snows now."))
    async with chat.parley():
        asked = await chat.asks()
        await chat.shows(asked, "It")
        chat.workspace.expire_streams()
        chat.clock.advance(2)
        gates[0].open()
        (answer,) = await chat.shows(asked, "It snows")
        assert buttons(answer) == ["actions"]
        gates[1].open()
        (answer,) = await chat.answered(asked, "It snows now.")
    assert buttons(answer) == JUDGED


async def test_a_message_that_somebody_deleted_is_posted_anew(chat: Scene) -> None:
    gate = chat.model.hold("It snows.")
    async with chat.parley():
        asked = await chat.asks()
        (answer,) = await chat.shows(asked, "It snows.")
        answer.deleted = True
        gate.open()
        await chat.answered(asked, "It snows.")


async def test_a_message_that_slack_does_not_let_edit_is_replaced(chat: Scene) -> None:
    chat.workspace.offers(streaming=False)
    gate = Gate()
    chat.model.act("It ", gate, "snows.", Turn("It snows."))
    async with chat.parley():
        asked = await chat.asks()
        await chat.shows(asked, "It")
        chat.workspace.fails("chat.update", "block_mismatch")
        gate.open()
        await chat.workspace.until(lambda: chat.workspace.count("chat.delete"))
        chat.clock.advance(1)
        (answer,) = await chat.answered(asked, "It snows.")
    assert buttons(answer) == JUDGED


@pytest.mark.parametrize("streaming", [True, False])
async def test_of_a_question_that_is_taken_back_nothing_of_ours_remains(chat: Scene, streaming: bool) -> None:
    chat.workspace.offers(streaming=streaming)
    chat.model.hold("It snows.")
    async with chat.parley() as parley:
        asked = await chat.asks()
        await chat.shows(asked, "It snows.")
        await chat.alice.deletes(asked)
        await chat.answered(asked)
        await parley.quiet()


@pytest.mark.parametrize("text", ["", " \n ", "\n\n"])
async def test_an_answer_without_words_is_a_sentence(chat: Scene, text: str) -> None:
    chat.model.act(*([text] if text else []), Turn(text))
    async with chat.parley():
        asked = await chat.asks()
        (answer,) = await chat.answered(asked, "The model gave no answer. Please try again.")
    assert buttons(answer) == []


async def test_a_run_that_fails_says_so_in_one_sentence(chat: Scene) -> None:
    chat.model.act("Half of ", ModelError("The model is gone. Please try again."))
    chat.model.act(ModelError("The model is gone. Please try again."))
    async with chat.parley():
        asked = await chat.asks()
        await chat.answered(asked, "Half of \n\nThe model is gone. Please try again.")
        chat.clock.advance(1)  # a channel takes one message a second, and this one may have been posted as a whole
        again = await chat.asks("and now?")
        (answer,) = await chat.answered(again, "The model is gone. Please try again.")
    assert buttons(answer) == []
