"""Messages that are deleted: before they are answered, while they are, and too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.models.port import AssistantText, UserText
from bot.store import runs
from bot.toolbox import RegistryToolbox
from tests.parley import Parley, parley_at
from tests.room import BOB
from tests.scripted_model import ScriptedModel
from tests.test_races import after_commit, newest
from tools.registry import Registry, tool


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made
        model.assert_done()


async def stored(parley: Parley, query: str) -> list[Any]:
    return list((await parley.core.database.read(lambda c: c.execute(text(query)))).scalars())


async def test_a_deleted_message_that_waits_gets_no_answer(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("One.")
    await parley.alice.say("1?")
    await held.reached.wait()
    await parley.alice.say("Oh no", key="k")
    await parley.alice.delete("k")
    held.open()
    await parley.quiet()
    assert parley.room.answers == ["One."]
    assert "Oh no" not in await stored(parley, "SELECT text FROM messages")


async def test_a_redelivery_of_a_deleted_message_is_known_for_one(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("One.")
    await parley.alice.say("1?")
    await held.reached.wait()
    await parley.alice.say("Oh no", key="k")
    await parley.alice.delete("k")
    assert (await parley.alice.say("Oh no", key="k")).duplicate
    held.open()
    await parley.quiet()
    assert (parley.room.answers, len(model.requests)) == (["One."], 1)


async def test_the_reply_to_a_deleted_message_vanishes(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("It is ")
    model.say("Hello.")
    accepted = await parley.alice.say("How is Oslo?", key="k")
    await held.reached.wait()
    await parley.room.until(lambda room: any(post.text == "It is" for post in room.posts.values()))
    await parley.alice.delete("k")
    await parley.quiet()
    assert (parley.room.posts, (await newest(parley, accepted.thread_id)).status) == ({}, "cancelled")
    await parley.alice.say("Hi")
    await parley.quiet()
    assert [type(item) for item in model.requests[-1].items] == [UserText]
    assert parley.room.answers == ["Hello."]


async def test_what_a_withdrawn_run_said_before_its_tools_is_not_read_later(
    parley: Parley, model: ScriptedModel
) -> None:
    model.call(("forecast", {"place": "Oslo"}), text="Let me look.")
    held = model.hold("Cold")
    model.say("Hello.")
    await parley.alice.say("How is Oslo?", key="k")
    await held.reached.wait()
    await parley.alice.delete("k")
    await parley.quiet()
    await parley.alice.say("Hi")
    await parley.quiet()
    assert (model.heard(), parley.room.answers) == (["Hi"], ["Hello."])
    assert not [item for item in model.requests[-1].items if isinstance(item, AssistantText)]


async def test_of_several_messages_the_others_are_answered(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("One.")
    second = model.hold("Two and th")
    model.say("Two.")
    await parley.alice.say("1?")
    await held.reached.wait()
    await parley.alice.say("2?", by=BOB)
    await parley.alice.say("3?", key="k")
    held.open()
    await second.reached.wait()
    await parley.alice.delete("k")
    await parley.quiet()
    assert parley.room.answers == ["One.", "Two."]
    assert model.heard() == ["1?", "2?"]


async def test_a_deleted_message_leaves_what_is_answered(parley: Parley, model: ScriptedModel) -> None:
    model.say("One.")
    await parley.alice.say("1?", key="k")
    await parley.quiet()
    await parley.alice.delete("k")
    await parley.quiet()
    assert (parley.room.answers, await stored(parley, "SELECT text FROM messages")) == (["One."], ["1?", "One."])


async def test_messages_behind_a_deleted_one_are_answered(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("One.")
    model.say("Two.")
    await parley.alice.say("1?", key="k")
    await held.reached.wait()
    await parley.alice.say("2?")
    await parley.alice.delete("k")
    await parley.quiet()
    assert (parley.room.answers, model.heard()) == (["Two."], ["2?"])


@pytest.mark.parametrize("number", range(1, 6))
async def test_a_deletion_at_any_commit_leaves_the_whole_answer_or_nothing(tmp_path: Path, number: int) -> None:
    model = ScriptedModel()
    model.call(("forecast", {"place": "Oslo"}))
    for _ in range(3):
        model.say("Cold.")
    deleting: list[asyncio.Task[None]] = []

    async with parley_at(tmp_path / "p.db", model) as parley:

        async def delete() -> None:
            deleting.append(asyncio.create_task(parley.alice.delete("k")))

        after_commit(parley, number, delete)
        accepted = await parley.alice.say("How is Oslo?", key="k")
        await parley.quiet()
        await asyncio.gather(*deleting)
        await parley.quiet()
        run = await newest(parley, accepted.thread_id)
        found = await parley.core.database.read(lambda c: runs.unfinished(c, run.id))
        assert (run.status, parley.room.answers, found.open) in [
            ("completed", ["Cold."], False),
            ("cancelled", [], False),
        ]
        assert (run.status == "cancelled") is not (
            await stored(parley, "SELECT 1 FROM messages WHERE text <> ''") != []
        )


async def test_a_reply_that_is_to_vanish_does_so_after_a_restart(tmp_path: Path, model: ScriptedModel) -> None:
    held = model.hold("It is ")
    async with parley_at(tmp_path / "p.db", model) as parley:
        room = parley.room
        await parley.alice.say("How is Oslo?", key="k")
        await held.reached.wait()
        await room.until(lambda room: bool(room.posts))
        await parley.core.handler.close(grace=0)
        await parley.alice.delete("k")
    assert len(room.posts) == 1
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
    assert room.posts == {}


async def test_a_deletion_in_another_process_reaches_the_owner_by_its_sweep(
    tmp_path: Path, model: ScriptedModel
) -> None:
    path = tmp_path / "p.db"
    held = model.hold("It is ")
    async with parley_at(path, model) as one, parley_at(path, ScriptedModel(), room=one.room) as other:
        await one.alice.say("How is Oslo?", key="k")
        await held.reached.wait()
        await other.alice.delete("k")
        await one.core.sweep.once()
        await one.quiet()
        assert one.room.posts == {}


@pytest.mark.parametrize("by_sweep", [False, True])
async def test_of_a_deletion_in_another_process_nothing_is_shown_or_read_later(
    tmp_path: Path, model: ScriptedModel, by_sweep: bool
) -> None:
    path = tmp_path / "p.db"
    held = model.hold("It is ", "cold.")
    async with parley_at(path, model) as one, parley_at(path, ScriptedModel(), room=one.room) as other:
        await one.alice.say("How is Oslo?", key="k")
        await held.reached.wait()
        await one.room.until(lambda room: bool(room.posts))
        await other.alice.delete("k")
        if by_sweep:
            await one.core.sweep.once()
        held.open()  # else the owner learns of it when it commits the answer
        await one.quiet()
        assert one.room.posts == {}
        model.say("Hello.")
        await one.alice.say("Hi")
        await one.quiet()
        assert [type(item) for item in model.requests[-1].items] == [UserText]


async def test_a_deleted_message_ends_a_run_that_waits_for_someone(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    @tool
    async def approve() -> str:
        """Somebody outside answers this."""
        return ""

    monkeypatch.setattr(RegistryToolbox, "own", lambda self, run: set())
    model.call(("approve", {}))
    async with parley_at(tmp_path / "p.db", model, registry=Registry([approve])) as parley:
        accepted = await parley.alice.say("Go?", key="k")
        await parley.quiet()
        assert (await newest(parley, accepted.thread_id)).status == "requires_action"
        await parley.alice.delete("k")
        await parley.quiet()
        assert (parley.room.posts, (await newest(parley, accepted.thread_id)).status) == ({}, "cancelled")
