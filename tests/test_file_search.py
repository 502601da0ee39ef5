"""Files that people attach: what a question in their thread finds of them, how that is cited, and who finds nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot import pdf as prompted
from bot.assistants.types import new_id
from bot.attachments import CUT
from bot.documents import extracting
from bot.errors import NotFound
from bot.library import BATCH, Library
from bot.models.port import Call, CallOutput, Turn, UserText
from bot.ownership import Ownership
from bot.store import library as stored
from bot.store.library import Shelf
from bot.store.words import match
from tests.documents import pdf, word
from tests.documents import text as document
from tests.parley import Parley, parley_at
from tests.room import BOB
from tests.scripted_model import Gate, ScriptedModel
from tools.file_search import NO_FILES, NOTHING, file_search
from tools.registry import Registry

TRAVEL = b"Trains are first class.\n\nHotels: up to 120 euro a night, breakfast is paid on top.\n"


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, registry=Registry([file_search])) as made:
        made.room.files = {"travel.txt": TRAVEL}
        yield made
        model.assert_done()


async def found(parley: Parley, model: ScriptedModel, query: str, **message: Any) -> dict[str, Any]:
    """What the model is told when it searches for something, asked by a message."""
    model.act(Turn("", calls=(Call("call_1", "file_search", json.dumps({"query": query})),)))
    model.say("Noted.")
    await parley.alice.say("Look it up.", **message)
    await parley.quiet()
    (output,) = [item.output for item in model.requests[-1].items if isinstance(item, CallOutput)][-1:]
    told: dict[str, Any] = json.loads(output)
    return told


async def test_a_file_of_the_thread_is_found_with_its_place(parley: Parley, model: ScriptedModel) -> None:
    told = await found(parley, model, "hotel night", files=["travel.txt"])
    (passage,) = told["passages"]
    assert (passage["file"], passage["place"]) == ("travel.txt", "lines 1–3")
    assert "up to 120 euro" in passage["text"]


async def test_later_questions_find_it_too(parley: Parley, model: ScriptedModel) -> None:
    await found(parley, model, "trains", files=["travel.txt"])
    assert (await found(parley, model, "breakfast"))["passages"][0]["file"] == "travel.txt"


async def test_people_read_where_it_stands(parley: Parley, model: ScriptedModel) -> None:
    told = await found(parley, model, "hotels", files=["travel.txt"])
    mark = told["passages"][0]["mark"]
    model.act(Turn("", calls=(Call("call_2", "file_search", '{"query": "hotels"}'),)))
    model.say(f"Up to 120 € {mark}.")
    await parley.alice.say("How much?")
    await parley.quiet()
    assert parley.room.answers[-1] == "Up to 120 € [1].\n\nSources: [1] travel.txt, lines 1–3"


async def test_a_later_answer_may_cite_what_was_found_for_an_earlier_one(parley: Parley, model: ScriptedModel) -> None:
    told = await found(parley, model, "hotels", files=["travel.txt"])
    for message in ({}, {"raw": True}):
        model.say(f"As I said, 120 € {told['passages'][0]['mark']}, and not 130 【99】.")
        await parley.alice.say("How much was it?", **message)
        await parley.quiet()
        said = "As I said, 120 € [1], and not 130.\n\nSources: [1] travel.txt, lines 1–3"
        assert parley.room.answers[-1] == said


async def test_another_thread_may_not_cite_it(parley: Parley, model: ScriptedModel) -> None:
    told = await found(parley, model, "hotels", files=["travel.txt"])
    model.say(f"It is 120 € {told['passages'][0]['mark']}.")
    await parley.alice.say("How much?", thread="2")
    await parley.quiet()
    assert parley.room.answers[-1] == "It is 120 €."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rules.pdf", pdf(["Trains are first class.", "Hotels: up to 120 euro."])),
        ("rules.docx", word("Hotels: up to 120 euro.")),
    ],
)
async def test_pdf_and_word_files_are_found(parley: Parley, model: ScriptedModel, name: str, content: bytes) -> None:
    parley.room.files[name] = content
    (passage,) = (await found(parley, model, "hotels", files=[name]))["passages"][:1]
    assert (passage["file"], "120 euro" in passage["text"]) == (name, True)


async def test_without_files_the_model_is_told_how_there_can_be_some(parley: Parley, model: ScriptedModel) -> None:
    assert await found(parley, model, "hotels") == {"error": NO_FILES}


async def test_where_no_word_fits_the_model_is_told_what_there_is(parley: Parley, model: ScriptedModel) -> None:
    told = await found(parley, model, "zebra", files=["travel.txt"])
    assert (told["note"], told["files"], told["passages"]) == (NOTHING, ["travel.txt"], [])


async def test_a_broken_word_file_is_told_of_and_leaves_nothing(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files["plan.docx"] = b"PK\3\4 broken"
    model.say("Noted.")
    await parley.alice.say("Look.", files=["plan.docx"])
    await parley.quiet()
    assert parley.room.answers == ["Noted.\n\nplan.docx was not read: it is damaged, or not what its name says."]
    assert await parley.core.database.read(stored.count) == 0


async def test_a_long_text_that_cannot_be_searched_is_told_of_and_promised_to_nobody(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extracting, "MOST", 3)
    parley.room.files["long.txt"] = b"Trains are first class.\n" * 2_500
    model.say("Noted.")
    await parley.alice.say("Look.", files=["long.txt"])
    await parley.quiet()
    (said,) = [item.spoken for item in model.requests[-1].items if isinstance(item, UserText)]
    assert CUT in said
    assert "file_search" not in said
    assert parley.room.answers == [
        "Noted.\n\nlong.txt is long: I read only the first 49,991 of its 60,000 characters.\n"
        "long.txt cannot be searched: it has more than 5,000 passages (some 4 MB of text). Please split it and send "
        "the parts."
    ]


async def test_what_has_no_room_in_the_prompt_is_found(parley: Parley, model: ScriptedModel) -> None:
    names = ["a.txt", "b.txt", "c.txt", "d.pdf"]
    parley.room.files |= {name: name.encode() + b" is full of zebras.\n" * 4_000 for name in names}
    parley.room.files["d.pdf"] = pdf(["d.pdf is full of zebras."])
    told = await found(parley, model, "zebras", files=names)
    assert [name for name in names if name in parley.room.answers[-1]] == ["a.txt", "b.txt"]  # which are long
    assert told["passages"]
    (thread_id,) = {request.cache_key for request in model.requests}
    listed = await parley.core.database.read(lambda c: stored.on(c, Shelf("room", "T1", "C1", thread_id)))
    assert [one.name for one in listed] == names


async def test_a_pdf_that_takes_too_long_for_the_prompt_is_found(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompted, "read", partial(prompted.read, seconds=0.001))
    parley.room.files["rules.pdf"] = pdf(["Hotels: up to 120 euro."])
    (passage,) = (await found(parley, model, "hotels", files=["rules.pdf"]))["passages"]
    assert passage["file"] == "rules.pdf"


async def test_the_same_file_twice_is_there_once(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files["again.txt"] = TRAVEL
    told = await found(parley, model, "hotels", files=["travel.txt", "again.txt"])
    assert [passage["file"] for passage in told["passages"]] == ["travel.txt"]


async def test_a_file_that_two_people_brought_stays_when_one_of_them_is_forgotten(
    parley: Parley, model: ScriptedModel
) -> None:
    await found(parley, model, "hotels", files=["travel.txt"])
    told = await found(parley, model, "hotels", files=["travel.txt"], by=BOB)
    assert [passage["file"] for passage in told["passages"]] == ["travel.txt"]
    await parley.alice.command("forget me sure")
    told = await found(parley, model, "hotels", by=BOB)
    assert [passage["file"] for passage in told["passages"]] == ["travel.txt"]


@pytest.mark.parametrize("query", ["酒店一晚多少钱？", "旅馆酒店"])
async def test_languages_without_spaces_are_found_by_two_characters(
    parley: Parley, model: ScriptedModel, query: str
) -> None:
    parley.room.files["rules.txt"] = "火车坐头等舱。\n\n酒店最多每晚一百二十欧元。\n".encode()
    told = await found(parley, model, query, files=["rules.txt"])
    assert "酒店最多每晚一百二十欧元" in told["passages"][0]["text"]


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("The r\u00e9sum\u00e9 is in.", "re\u0301sume\u0301"),
        ("The re\u0301sume\u0301 is in.", "R\u00e9sum\u00e9"),
        ("ホテルは高い。", "\uff8e\uff83\uff99"),
        ("\uff8e\uff83\uff99は高い。", "ホテル"),
        ("Costs of the o\ufb03ce.", "office"),
    ],
)
async def test_a_word_is_found_however_its_letters_are_encoded(
    parley: Parley, model: ScriptedModel, said: str, query: str
) -> None:
    await kept(parley, SHELVES["mine"], "letters.txt", said)
    assert [passage["text"] for passage in (await found(parley, model, query))["passages"]] == [said]


async def test_of_two_copies_that_are_read_at_once_one_stays(parley: Parley) -> None:
    library, data = parley_library(parley), b"Trains are first class. " * 20 * 3 * BATCH
    copies = [library.place(SHELVES["mine"], name, "text/plain", len(data), "U1") for name in ("a.txt", "b.txt")]
    for copy in copies:
        await library.begin(copy)
    outcomes = await asyncio.gather(*(library.read(copy, data, begun=True) for copy in copies))
    assert sorted(bool(outcome.problem) for outcome in outcomes) == [False, True]
    listed = await parley.core.database.read(lambda c: stored.on(c, SHELVES["mine"]))
    assert [one.status for one in listed].count("ready") == 1


async def test_a_long_file_tells_how_far_its_reading_is(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files["long.txt"] = b"".join(b"Line %d tells of hotels. " % n * 20 + b"\n\n" for n in range(3 * BATCH))
    await found(parley, model, "hotels", files=["long.txt"])
    shown = [line for post in parley.room.posts.values() for text in post.texts for line in text.split("\n")]
    assert any(line.startswith("reading long.txt (") for line in shown)


async def test_what_was_deleted_with_its_message_is_found_by_nobody(parley: Parley, model: ScriptedModel) -> None:
    gate = Gate()
    model.act(gate, Turn("Too late."))
    await parley.alice.say("Look.", key="k", files=["travel.txt"])
    await gate.reached.wait()
    assert await parley.core.database.read(stored.count) == 1
    await parley.core.withdraw(parley.alice.where("1", "C1"), "k")
    await parley.quiet()
    assert await found(parley, model, "hotels") == {"error": NO_FILES}
    await parley.next_sweep()
    assert await parley.core.database.read(stored.count) == 0


@pytest.mark.parametrize("batch", [1, 2])
async def test_a_file_whose_message_is_deleted_while_it_is_read_is_not_kept(
    parley: Parley, model: ScriptedModel, batch: int
) -> None:
    class Deleting:
        model = "vectors of nothing"
        asked = 0

        async def embed(self, texts: Sequence[str]) -> list[bytes]:
            self.asked += 1
            if self.asked == batch:
                await parley.alice.delete("k")
            return [bytes(4) for _ in texts]

    held = model.hold()
    accepted = await parley.alice.say("Look.", key="k")
    await held.reached.wait()
    elsewhere = Library(parley.core.database, "test", parley.clock, Deleting())  # the run's driver cannot stop it
    shelf, data = Shelf("room", "T1", "C1", accepted.thread_id), b"Trains are first class. " * 20 * 3 * BATCH
    placed = elsewhere.place(shelf, "t.txt", "text/plain", len(data), "U1", accepted.message_id)
    with pytest.raises(NotFound):
        await elsewhere.read(placed, data, begun=False)
    await parley.quiet()
    await stored.clear(parley.core.database)
    assert await parley.core.database.read(stored.count) == 0


async def test_other_threads_do_not_find_a_file_of_this_one(parley: Parley, model: ScriptedModel) -> None:
    await found(parley, model, "hotels", files=["travel.txt"])
    assert await found(parley, model, "hotels", thread="2") == {"error": NO_FILES}
    assert await found(parley, model, "hotels", thread="2", by=BOB) == {"error": NO_FILES}


# -- shelves ----------------------------------------------------------------------------------------------------------


async def kept(parley: Parley, shelf: Shelf, name: str, words: str) -> None:
    library = parley_library(parley)
    placed = library.place(shelf, name, "text/plain", len(words), "U1")
    assert (await library.read(placed, words.encode(), begun=False)).problem == ""


def parley_library(parley: Parley) -> Library:
    return Library(parley.core.database, "test", parley.clock)


SHELVES = {
    "mine": Shelf("room", "T1", "C1"),
    "everybody's": Shelf("room", "T1"),
    "another channel's": Shelf("room", "T1", "C2"),
    "another workspace's": Shelf("room", "W2"),
    "the same channel's elsewhere": Shelf("room", "W2", "C1"),
    "another platform's": Shelf("slack", "T1", "C1"),
}


async def test_a_channel_finds_its_own_files_and_those_of_its_workspace_only(
    parley: Parley, model: ScriptedModel
) -> None:
    for number, (whose, shelf) in enumerate(SHELVES.items()):
        await kept(parley, shelf, f"{whose}.txt", f"Hotels number {number}.")
    told = await found(parley, model, "hotels")
    assert {passage["file"] for passage in told["passages"]} == {"mine.txt", "everybody's.txt"}


async def test_only_passages_in_reach_are_ranked(parley: Parley) -> None:
    for whose, shelf in SHELVES.items():
        await kept(parley, shelf, f"{whose}.txt", "Hotels.")
    ranked = text("SELECT count(*) FROM passages_fts WHERE passages_fts MATCH :wanted")
    wanted = {"wanted": stored.within(SHELVES["mine"], match("Hotels?"))}
    assert (await parley.core.database.read(lambda c: c.execute(ranked, wanted))).scalar() == 2


async def test_no_word_of_a_query_is_taken_for_a_shelf(parley: Parley) -> None:
    others = SHELVES["another workspace's"]
    await kept(parley, others, "secret.txt", "Hotels.")
    key, by_words = stored._key(others), partial(stored.by_words, of=others, most=5)
    for query in (key, f"shelf: {key}", f'") OR shelf: ("{key}'):
        assert await parley.core.database.read(partial(by_words, query=query)) == []


async def test_nobody_reaches_a_passage_of_others_by_its_number(parley: Parley) -> None:
    database = parley.core.database
    for number, (whose, shelf) in enumerate(SHELVES.items()):
        await kept(parley, shelf, f"{whose}.txt", f"Hotels number {number}.")
    all_numbers = range(1, len(SHELVES) + 1)
    own = await database.read(lambda c: stored.these(c, SHELVES["mine"], all_numbers))
    assert {hit.name for hit in own} == {"mine.txt", "everybody's.txt"}
    listed = await database.read(lambda c: stored.in_reach(c, SHELVES["another workspace's"]))
    assert [one.name for one in listed] == ["another workspace's.txt"]
    strangers = Shelf("room", "W3", "C1", new_id("thread"))
    assert await database.read(lambda c: stored.these(c, strangers, all_numbers)) == []


async def test_a_mark_of_others_files_cites_nothing(parley: Parley, model: ScriptedModel) -> None:
    await kept(parley, SHELVES["another workspace's"], "secret.txt", "Hotels are a secret.")
    told = await found(parley, model, "hotels", files=["travel.txt"])
    others = int(told["passages"][0]["mark"].strip("【】")) - 1
    model.act(Turn("", calls=(Call("call_9", "file_search", '{"query": "hotels"}'),)))
    model.say(f"So it is 【{others}】.")
    await parley.alice.say("And?")
    await parley.quiet()
    assert parley.room.answers[-1] == "So it is."


async def test_the_mark_of_a_removed_file_is_never_that_of_another_one(parley: Parley, model: ScriptedModel) -> None:
    await kept(parley, SHELVES["mine"], "old.txt", "Hotels were cheap.")
    (old,) = (await found(parley, model, "hotels"))["passages"]
    await parley.alice.command("files remove old.txt", admin=True)
    await parley.next_sweep()
    await kept(parley, SHELVES["mine"], "new.txt", "Hotels are expensive.")
    (new,) = (await found(parley, model, "hotels"))["passages"]
    assert (new["file"], new["mark"] == old["mark"]) == ("new.txt", False)


async def test_what_nobody_finished_reading_is_not_found(parley: Parley, model: ScriptedModel) -> None:
    library = parley_library(parley)
    placed = library.place(SHELVES["mine"], "half.txt", "text/plain", 10, "U1")
    await library.begin(placed)
    await parley.core.database.write(
        lambda tx: stored.add(tx, placed, 0, [stored.Kept("Hotels.", "Hotels.", "line 1")])
    )
    assert await found(parley, model, "hotels") == {"error": NO_FILES}
    await library.recover({library.owner})
    (left,) = await parley.core.database.read(lambda c: stored.on(c, SHELVES["mine"]))
    assert (left.status, left.problem) == (
        "failed", "half.txt was not read: Parley ended meanwhile. Please add it again.",
    )  # fmt: skip
    await parley.next_sweep()
    assert await parley.core.database.read(stored.count) == 0


async def test_forgetting_a_thread_forgets_its_files(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files["handbook.md"] = document("handbook.md").encode()
    await found(parley, model, "holidays", files=["handbook.md"])
    assert await parley.core.database.read(stored.count) > 0
    said = await parley.alice.command("forget sure")
    assert said.startswith("Forgotten: ")
    assert await parley.core.database.read(stored.count) == 0


async def test_who_is_forgotten_is_no_longer_the_one_who_added_a_file(parley: Parley, model: ScriptedModel) -> None:
    await kept(parley, SHELVES["mine"], "mine.txt", "Hotels.")
    model.say("Hi.")
    await parley.alice.say("Hello")
    await parley.quiet()
    await parley.alice.command("forget me sure")
    (left,) = await parley.core.database.read(lambda c: stored.on(c, SHELVES["mine"]))
    assert (left.name, left.person) == ("mine.txt", "")


@pytest.mark.parametrize("of_thread", [False, True])
async def test_what_a_process_was_reading_is_given_up_by_the_next_sweep_after_its_death(
    parley: Parley, model: ScriptedModel, of_thread: bool
) -> None:
    model.say("Hi.")
    accepted = await parley.alice.say("Hello")
    await parley.quiet()
    shelf = replace(SHELVES["mine"], thread_id=accepted.thread_id) if of_thread else SHELVES["mine"]
    sibling = Ownership(parley.core.database.path)
    library = Library(parley.core.database, sibling.name, parley.clock)
    await library.begin(library.place(shelf, "half.txt", "text/plain", 10, "U1"))
    await parley.next_sweep()
    assert [one.status for one in await parley.core.database.read(lambda c: stored.on(c, shelf))] == ["reading"]
    sibling.release()
    await parley.next_sweep()
    left = await parley.core.database.read(lambda c: stored.on(c, shelf))
    assert [one.status for one in left] == ([] if of_thread else ["failed"])
