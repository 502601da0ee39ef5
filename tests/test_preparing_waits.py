"""How long the preparation of a question waits for a platform: not so long that no time is left for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.again import WAITS
from bot.assistants.types import JSON
from bot.errors import PlatformError
from bot.ports import InboundMessage
from bot.preparing import DOWNLOAD, DOWNLOADS, LONGEST_PAUSE, LONGEST_WAIT
from tests.parley import Parley, parley_at
from tests.scripted_model import ScriptedModel


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        made.room.files = {"notes.txt": b"Buy milk.", "list.txt": b"Eggs."}
        yield made
        model.assert_done()


async def test_a_wait_that_a_platform_names_has_a_limit(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    failures = [PlatformError("busy", retry_after=86_400.0)]

    def fail(message: InboundMessage) -> None:
        if failures:
            raise failures.pop()

    parley.room.before_lookup = fail
    await parley.alice.say("Hello", raw=True)
    await parley.clock.asleep(2)
    assert LONGEST_WAIT in parley.clock.sleeps
    parley.clock.advance(LONGEST_WAIT)
    await parley.quiet()
    assert parley.room.answers == ["Hi."]


async def test_a_file_server_that_is_always_busy_costs_a_file_and_no_answer(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(attachment: JSON, limit: int) -> bytes:
        raise PlatformError("busy", retry_after=3_600.0)

    monkeypatch.setattr(parley.alice, "download", busy)
    model.say("Milk.")
    await parley.alice.say("What?", files=["notes.txt"])
    for _ in WAITS:
        await parley.clock.asleep(2)
        parley.clock.advance(LONGEST_PAUSE)
    await parley.quiet()
    assert parley.room.answers == ["Milk.\n\nnotes.txt was not read: it could not be downloaded."]


async def test_files_that_do_not_come_leave_time_for_the_answer(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def hang(attachment: JSON, limit: int) -> bytes:
        asked.put_nowait(attachment["name"])
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(parley.alice, "download", hang)
    model.say("Milk.")
    await parley.alice.say("What?", files=["notes.txt", "list.txt"] * 2)
    for seconds in (DOWNLOAD, DOWNLOAD, DOWNLOADS - 2 * DOWNLOAD):
        await asked.get()
        parley.clock.advance(seconds)
    await parley.quiet()
    (answer,) = parley.room.answers
    assert answer.startswith("Milk.\n\nnotes.txt was not read: it could not be downloaded.")
    assert asked.empty()
