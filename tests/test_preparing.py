"""Raw messages and files: what is looked up before the model reads a question, and what becomes of it."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.again import WAITS
from bot.assistants.types import Author
from bot.attachments import ALL_TEXT, IN_SEARCH
from bot.errors import PlatformError
from bot.models import images
from bot.models.port import AssistantText, UserText
from bot.ports import Earlier, InboundMessage
from bot.store import database as database_file
from bot.view import View
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB, Room
from tests.scripted_model import ScriptedModel

GUEST = Author("U7", "Gus")
NOTES = b"Buy milk.\n"
DOT = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        made.room.names = {"U1": "Alice Smith", "U2": "Bob"}
        made.room.files = {"notes.txt": NOTES, "list.txt": b"Eggs.\n", "film.mov": b"\0\1\2"}
        made.room.guests = {"U7"}
        yield made
        model.assert_done()


def read(model: ScriptedModel, number: int = -1) -> list[str]:
    """What the model read, in its order; who speaks, too."""
    items = model.requests[number].items
    return [
        item.spoken if isinstance(item, UserText) else item.text
        for item in items
        if isinstance(item, UserText | AssistantText)
    ]


async def test_the_model_reads_names_where_the_platform_wrote_ids(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    await parley.alice.say("Ask <@U2>!", raw=True)
    await parley.quiet()
    assert (read(model), parley.room.lookups) == (["Alice Smith (U1):\nAsk @Bob!"], [("Ask <@U2>!", True)])


async def test_a_message_is_accepted_before_anything_is_looked_up(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    go_on = asyncio.Event()
    parley.room.before_lookup = lambda message: go_on.wait()
    accepted = await parley.alice.say("Hello", key="k", raw=True)
    await parley.room.until(lambda room: bool(room.posts))
    assert (await parley.alice.say("Hello", key="k", raw=True)).message_id == accepted.message_id
    assert model.requests == []
    go_on.set()
    await parley.quiet()
    assert parley.room.answers == ["Hi."]


async def test_what_was_said_before_stands_before_the_question(parley: Parley, model: ScriptedModel) -> None:
    parley.room.earlier = [Earlier("Lunch at one?", BOB), Earlier("Noted."), Earlier("Or two?", BOB)]
    model.say("One.")
    model.say("Two.")
    await parley.alice.say("When?", raw=True)
    await parley.quiet()
    await parley.alice.say("Sure?", raw=True)
    await parley.quiet()
    before = ["Bob (U2):\nLunch at one?", "Noted.", "Bob (U2):\nOr two?"]
    assert read(model, 0) == [*before, "Alice Smith (U1):\nWhen?"]
    assert read(model, 1) == [*before, "Alice Smith (U1):\nWhen?", "One.", "Alice Smith (U1):\nSure?"]
    assert parley.room.lookups == [("When?", True), ("Sure?", False)]


async def test_what_was_read_as_said_before_is_not_answered_again_when_it_comes_late(
    parley: Parley, model: ScriptedModel
) -> None:
    parley.room.earlier = [Earlier("Lunch at one?", BOB, "late"), Earlier("Noted.")]
    model.say("At one.")
    await parley.alice.say("When?", raw=True)
    await parley.quiet()
    await parley.alice.say("Lunch at one?", by=BOB, key="late", raw=True)
    await parley.quiet()
    assert parley.room.answers == ["At one."]
    assert read(model) == ["Bob (U2):\nLunch at one?", "Noted.", "Alice Smith (U1):\nWhen?"]


async def test_what_waits_for_its_own_answer_is_not_read_as_said_before(parley: Parley, model: ScriptedModel) -> None:
    parley.room.earlier = [Earlier("Lunch today?", BOB), Earlier("Lunch at one?", BOB, "waits")]
    looking_up, go_on = asyncio.Event(), asyncio.Event()

    async def look_up(_: InboundMessage) -> None:
        looking_up.set()
        await go_on.wait()

    parley.room.before_lookup = look_up
    model.say("At one.")
    model.say("Yes.")
    await parley.alice.say("When?", raw=True)
    await looking_up.wait()
    await parley.alice.say("Lunch at one?", by=BOB, key="waits", raw=True)
    go_on.set()
    await parley.quiet()
    assert parley.room.answers == ["At one.", "Yes."]
    assert read(model, 0) == ["Bob (U2):\nLunch today?", "Alice Smith (U1):\nWhen?"]
    assert read(model, 1)[2:] == ["At one.", "Bob (U2):\nLunch at one?"]


async def test_who_may_not_ask_is_told_so_and_no_model_hears_of_it(parley: Parley, model: ScriptedModel) -> None:
    await parley.alice.say("Secrets?", by=GUEST, raw=True)
    await parley.quiet()
    assert (parley.room.answers, model.requests) == (["Gus may not ask here."], [])
    model.say("Hi.")
    await parley.alice.say("Hello", raw=True)
    await parley.quiet()
    assert read(model) == ["Alice Smith (U1):\nHello"]
    assert parley.room.lookups[-1] == ("Hello", True)


async def test_beside_others_a_refused_person_is_left_out(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("One.")
    model.say("Two.")
    await parley.alice.say("1?")
    await held.reached.wait()
    await parley.alice.say("Secrets?", by=GUEST, raw=True)
    await parley.alice.say("2?", raw=True)
    held.open()
    await parley.quiet()
    assert parley.room.answers == ["One.", "Two.\n\nGus may not ask here."]
    assert model.heard() == ["1?", "2?"]


async def test_a_follow_up_of_a_refused_person_is_passed_over_in_silence(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    await parley.alice.say("Hello", raw=True)
    await parley.quiet()
    await parley.alice.say("And mine?", by=GUEST, raw=True, follow_up=True)
    await parley.quiet()
    assert [post.text for post in parley.room.posts.values()] == ["Hi."]


async def test_a_look_up_that_fails_for_a_while_is_tried_again(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hi.")
    failures = [PlatformError("busy", retry_after=7.0), PlatformError("broken")]

    def fail(message: InboundMessage) -> None:
        if failures:
            raise failures.pop(0)

    parley.room.before_lookup = fail
    await parley.alice.say("Hello", raw=True)
    for wait in (7.0, WAITS[1]):
        await parley.clock.asleep(2)  # the sweep sleeps, too
        assert wait in parley.clock.sleeps
        parley.clock.advance(wait)
    await parley.quiet()
    assert parley.room.answers == ["Hi."]


@pytest.mark.parametrize("permanent", [True, False])
async def test_a_look_up_that_keeps_failing_is_told(parley: Parley, permanent: bool) -> None:
    def fail(message: InboundMessage) -> None:
        raise PlatformError("broken", permanent=permanent)

    parley.room.before_lookup = fail
    await parley.alice.say("Hello", raw=True)
    for wait in () if permanent else WAITS:
        await parley.clock.asleep(2)
        parley.clock.advance(wait)
    await parley.quiet()
    assert parley.room.answers == ["Room did not let me look at the message. Please try again."]


async def test_the_text_of_a_file_is_with_its_message_and_stays_there(parley: Parley, model: ScriptedModel) -> None:
    model.say("Milk.")
    model.say("Still milk.")
    await parley.alice.say("What do I need?", files=["notes.txt"])
    await parley.quiet()
    await parley.alice.say("Sure?")
    await parley.quiet()
    for request in model.requests:
        item = request.items[0]
        assert isinstance(item, UserText)
        assert [(file.name, file.text) for file in item.files] == [("notes.txt", "Buy milk.\n")]
    assert parley.room.answers == ["Milk.", "Still milk."]


async def test_an_image_reaches_the_model_as_it_came(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files["dot.png"] = DOT
    model.say("A dot.")
    await parley.alice.say("What is it?", files=["dot.png"])
    await parley.quiet()
    (item,) = model.requests[0].items
    assert isinstance(item, UserText)
    assert [(file.mime, file.data) for file in item.images] == [("image/png", DOT)]


async def test_a_file_that_cannot_be_read_or_fetched_is_told_beside_the_answer(
    parley: Parley, model: ScriptedModel
) -> None:
    model.say("Milk.")
    parley.room.before_lookup = lambda message: parley.room.files.pop("list.txt")
    await parley.alice.say("What do I need?", files=["notes.txt", "film.mov", "list.txt"], raw=True)
    await parley.quiet()
    (answer,) = parley.room.answers
    assert answer.startswith("Milk.\n\n")
    assert "film.mov was not read" in answer
    assert "list.txt was not read: it could not be downloaded." in answer


async def test_remarks_are_in_each_view_from_then_on_and_once(parley: Parley, model: ScriptedModel) -> None:
    views: list[View] = []
    parley.room.before = views.append
    held = model.hold("Well.")
    await parley.alice.say("Look!", files=["film.mov"])
    await held.reached.wait()
    held.open()
    await parley.quiet()
    assert {len(view.remarks) for view in views if view.text} == {1}


async def test_a_restart_looks_up_again_what_was_not_recorded(tmp_path: Path, model: ScriptedModel) -> None:
    begun = asyncio.Event()

    async def hold(message: InboundMessage) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with parley_at(tmp_path / "p.db", model) as parley:
        room = parley.room
        room.files, room.before_lookup = {"film.mov": b"\0"}, hold
        await parley.alice.say("Hello", raw=True, files=["film.mov"])
        await begun.wait()
        await parley.core.handler.close(grace=0)
    room.before_lookup = lambda message: None
    model.say("Hi.")
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
    assert (room.lookups, len(room.posts)) == ([("Hello", True)], 1)
    assert "film.mov was not read" in room.answers[0]


async def test_a_restart_does_not_look_up_what_was_recorded_and_tells_of_files_again(
    tmp_path: Path, model: ScriptedModel
) -> None:
    held = model.hold("It is ")
    async with parley_at(tmp_path / "p.db", model) as parley:
        room = parley.room
        room.files = {"film.mov": b"\0"}
        await parley.alice.say("Hello", raw=True, files=["film.mov"])
        await held.reached.wait()
        await parley.core.handler.close(grace=0)
    model.say("It is cold.")
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
    assert room.lookups == [("Hello", True)]
    assert room.answers[0].startswith("It is cold.\n\nfilm.mov was not read")


async def test_a_stop_reaches_a_run_that_is_being_prepared(parley: Parley) -> None:
    begun = asyncio.Event()

    async def hold(message: InboundMessage) -> None:
        begun.set()
        await asyncio.Event().wait()

    parley.room.before_lookup = hold
    await parley.alice.say("Hello", raw=True)
    await begun.wait()
    assert await parley.alice.command("stop") == "Stopped."
    await parley.quiet()
    assert parley.room.answers == ["Stopped."]


async def test_a_preparation_is_within_the_ten_minutes(parley: Parley, model: ScriptedModel) -> None:
    begun = asyncio.Event()

    async def hold(message: InboundMessage) -> None:
        begun.set()
        await asyncio.Event().wait()

    parley.room.before_lookup = hold
    await parley.alice.say("Hello", raw=True)
    await begun.wait()
    parley.clock.ring()
    await parley.quiet()
    assert "ten minutes" in parley.room.answers[0]
    assert model.requests == []


async def test_of_many_images_the_newest_are_read_from_the_store(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    parley.room.files["dot.png"] = DOT
    monkeypatch.setattr(images, "MOST_IMAGES", 3)
    for _ in range(2):
        model.say("Dots.")
        await parley.alice.say("How many?", by=ALICE, files=["dot.png"] * 2)
        await parley.quiet()
    asked = [item for item in model.requests[1].items if isinstance(item, UserText)]
    assert [[file.data for file in item.files] for item in asked] == [[b"", DOT], [DOT, DOT]]
    assert [file.size for file in asked[0].files] == [len(DOT)] * 2


async def test_images_are_read_and_written_beside_the_event_loop(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    parley.room.files["dot.png"] = DOT
    here: list[str] = []
    database = parley.core.database
    await database.read(lambda c: c.exec_driver_sql("SELECT 1"))
    execute = database_file._Near._execute

    async def traced(self: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        def noted(*given: Any, **named: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                here.append(str(given[:1]))
            return fn(*given, **named)

        noted.__name__, noted.__self__ = fn.__name__, getattr(fn, "__self__", None)  # type: ignore[attr-defined]
        return await execute(self, noted, *args, **kwargs)

    monkeypatch.setattr(database_file._Near, "_execute", traced)
    model.say("A dot.")
    await parley.alice.say("What is it?", files=["dot.png"])
    await parley.quiet()
    assert [statement for statement in here if " files.data" in statement or "INTO files" in statement] == []
    assert [statement for statement in here if "INTO messages" in statement]


async def test_all_files_that_wait_for_one_answer_share_a_room(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files["long.txt"] = b"x" * 49_800
    held = model.hold("One.")
    model.say("Two.")
    await parley.alice.say("1?")
    await held.reached.wait()
    for number in range(4):
        await parley.alice.say(f"{number}?", raw=True, files=["long.txt"])
    held.open()
    await parley.quiet()
    texts = [file.text for item in model.requests[1].items if isinstance(item, UserText) for file in item.files]
    assert sum(map(len, texts)) <= ALL_TEXT
    assert [len(text) > 40_000 for text in texts] == [True, True, False, False]
    assert texts[2:] == [IN_SEARCH] * 2


async def test_what_was_recorded_before_a_restart_counts_and_is_not_looked_up_again(
    tmp_path: Path, model: ScriptedModel
) -> None:
    begun, room = asyncio.Event(), Room()
    room.files = {"long.txt": b"x" * 49_800}

    async def hold(message: InboundMessage) -> None:
        if message.text == "3?":
            begun.set()
            await asyncio.Event().wait()

    held = model.hold("One.")
    model.say("Two.")
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.alice.say("1?")
        await held.reached.wait()
        room.before_lookup = hold
        await parley.alice.say("2?", raw=True, files=["long.txt", "long.txt"])
        await parley.alice.say("3?", raw=True, files=["long.txt"])
        held.open()
        await begun.wait()
        await parley.core.handler.close(grace=0)
    room.before_lookup = lambda message: None
    async with parley_at(tmp_path / "p.db", model, room=room) as parley:
        await parley.quiet()
    assert room.lookups == [("2?", False), ("3?", False)]
    texts = [file.text for item in model.requests[1].items if isinstance(item, UserText) for file in item.files]
    assert [len(text) for text in texts] == [49_800, 49_800, len(IN_SEARCH)]
