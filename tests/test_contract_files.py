"""Files that tools make, on each platform: there once, with the answer, whatever happens to Parley meanwhile."""

from __future__ import annotations

import pytest

from tests.contract.claims import HALF, WHOLE, answered, begun, quiet, said, unrecorded
from tests.contract.stage import Stage
from tests.drawing import DRAWN, drawing
from tests.test_contract import chat, everywhere, where  # noqa: F401 - a fixture


def draws(on: Stage) -> None:
    on.model.call(("draw", {"place": "Oslo"}))


@everywhere
async def test_what_a_tool_has_made_is_shown_once_with_its_answer(chat: Stage) -> None:  # noqa: F811
    draws(chat)
    chat.model.say("Cold.")
    chat.model.say("Colder.")
    async with chat.parley(registry=drawing()):
        await chat.asks("Oslo?")
        await said(chat, "Cold.")
        await chat.until(lambda: chat.files == DRAWN)
        await chat.asks("And Tromsø?")
        await said(chat, "Cold.", "Colder.")
    async with chat.parley(registry=drawing()):
        await quiet(chat)
    assert chat.files == DRAWN


@pytest.mark.usefixtures("impatient")
@where("looks up")
@pytest.mark.parametrize("records", [True, False])
async def test_files_whose_delivery_was_not_recorded_are_not_shown_twice(
    chat: Stage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    records: bool,
) -> None:
    draws(chat)
    await unrecorded(chat, monkeypatch, records=records, registry=drawing())
    async with chat.parley(registry=drawing()):
        await answered(chat, WHOLE)
        await chat.until(lambda: chat.files == DRAWN)
    assert chat.files == DRAWN


@pytest.mark.usefixtures("impatient")
@where(without="looks up")
async def test_where_nothing_can_be_looked_up_a_file_is_told_of_twice_and_kept_once(
    chat: Stage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draws(chat)
    await unrecorded(chat, monkeypatch, records=True, registry=drawing())
    async with chat.parley(registry=drawing()):
        await said(chat, WHOLE, WHOLE)
    assert chat.files == DRAWN
    assert chat.sent.count("A file for you: ") == 4


@where("corrects")
async def test_an_answer_that_is_taken_back_shows_no_file(chat: Stage) -> None:  # noqa: F811
    draws(chat)
    chat.model.hold(HALF)
    async with chat.parley(registry=drawing()):
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.deletes()
        await answered(chat)
    assert chat.files == []


@where("live")
async def test_a_stopped_answer_shows_what_was_made_for_it(chat: Stage) -> None:  # noqa: F811
    draws(chat)
    chat.model.hold(HALF.strip())
    async with chat.parley(registry=drawing()):
        await chat.asks("Oslo?")
        await begun(chat)
        await chat.stops()
        await said(chat, f"{HALF.strip()}\n\nStopped.")
        await chat.until(lambda: chat.files == DRAWN)
