"""Export: all that is stored of a conversation, or of a person, in a file for people to read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.assistants.types import Author
from bot.buttons import Button
from bot.commands.keeping import EXPORT_FORMS, NOT_YOURS, NOTHING_HERE
from bot.export import TOO_LONG
from bot.store import exporting
from tests.kept import exported
from tests.parley import Parley, parley_at
from tests.room import BOB
from tests.scripted_model import ScriptedModel
from tests.test_preparing import DOT

CAROL = Author("U3", "Carol")
NOW = "2027-01-15T08:00:00.000Z"


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, flood_limit=0) as made:
        yield made
    model.assert_done()


async def turn(parley: Parley, model: ScriptedModel, said: str, answer: str, **fields: Any) -> None:
    model.say(answer)
    await parley.alice.say(said, **fields)
    await parley.quiet()


async def test_a_conversation_is_exported_with_all_that_is_stored_of_it(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files = {"notes.txt": b"Buy milk.", "dot.png": DOT}
    (call,) = model.call(("forecast", {"place": "Oslo"}))
    await turn(parley, model, "How is Oslo?", "Cold.", files=["notes.txt", "dot.png"])
    run_id = parley.room.posts[1].run_id
    await parley.alice.press(Button("feedback", run_id, "good"), by=BOB)
    answer = await parley.alice.order("export")
    assert answer.text == "All that is stored of this conversation."
    assert answer.file is not None
    assert (answer.file.name, answer.file.mime) == ("conversation.json", "application/json")
    told = json.loads(answer.file.content)
    (thread,) = told.pop("conversations")
    assert told == {"exported_at": NOW}
    question, reply = thread["messages"]
    assert question == {
        "id": question["id"],
        "at": NOW,
        "role": "user",
        "author": {"id": "U1", "name": "Alice"},
        "text": "How is Oslo?",
        "files": [
            {"name": "notes.txt", "type": "text/plain", "size": 9, "text": "Buy milk.", "note": ""},
            {"name": "dot.png", "type": "image/png", "size": len(DOT), "text": "", "note": ""},
        ],
        "searchable": [
            {
                "name": "notes.txt",
                "type": "text/plain",
                "size": 9,
                "passages": [{"place": "line 1", "text": "Buy milk."}],
            }
        ],
        "answered_by": run_id,
    }
    assert reply == {"id": reply["id"], "at": NOW, "role": "assistant", "text": "Cold.", "run": run_id}
    (run,) = thread["runs"]
    assert run == {
        "id": run_id,
        "model": "gpt-test",
        "status": "completed",
        "created_at": NOW,
        "ended_at": NOW,
        "error": None,
        "usage": {"prompt_tokens": 20, "completion_tokens": 10},
        "steps": [
            {
                "type": "tool_calls",
                "status": "completed",
                "at": NOW,
                "calls": [
                    {
                        "id": call,
                        "name": "forecast",
                        "arguments": '{"place": "Oslo"}',
                        "output": "Snow in Oslo.",
                        "failed": False,
                        "started_at": NOW,
                        "completed_at": NOW,
                    }
                ],
            },
            {"type": "message_creation", "status": "completed", "at": NOW, "message": reply["id"]},
        ],
        "feedback": [{"by": {"id": "U2", "name": "Bob"}, "value": "good", "at": NOW}],
    }


async def test_a_conversation_is_exported_to_who_spoke_there_and_to_admins(
    parley: Parley, model: ScriptedModel
) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    await turn(parley, model, "And Rome?", "Warm.", by=BOB)
    refused = await parley.alice.order("export", by=CAROL)
    assert (refused.text, refused.file) == (NOT_YOURS, None)
    assert await parley.alice.command("export", thread="2") == NOTHING_HERE
    assert await parley.alice.command("export everything") == EXPORT_FORMS
    found = [await exported(parley, by=who, admin=who is CAROL) for who in (BOB, CAROL)]
    assert found[0] == found[1]
    assert [message["text"] for message in found[0]["conversations"][0]["messages"]] == [
        "How is Oslo?",
        "Cold.",
        "And Rome?",
        "Warm.",
    ]


async def test_one_gets_ones_own_words_and_the_answers_to_them(parley: Parley, model: ScriptedModel) -> None:
    await turn(parley, model, "Alice alone.", "To Alice.", thread="1")
    await turn(parley, model, "Bob alone.", "To Bob.", thread="2", by=BOB)
    gate = model.hold("To Alice.")
    await parley.alice.say("Alice first.", thread="3", channel="C2")
    await gate.reached.wait()
    await parley.alice.say("Alice again.", thread="3", channel="C2")
    await parley.alice.say("Bob, too.", thread="3", channel="C2", by=BOB)
    model.say("To both.")
    gate.open()
    await parley.quiet()
    await parley.alice.press(Button("feedback", parley.room.posts[2].run_id, "bad"))
    await parley.alice.press(Button("feedback", parley.room.posts[1].run_id, "good"), by=BOB)
    await parley.alice.command("tools disable tide", admin=True)
    answer = await parley.alice.order("export me", thread="elsewhere")
    assert answer.text == "All that is stored of you on Room."
    assert answer.file is not None
    assert answer.file.name == "everything-of-you.json"
    told = json.loads(answer.file.content)
    assert [[message["text"] for message in thread["messages"]] for thread in told["conversations"]] == [
        ["Alice alone.", "To Alice."],
        ["Alice first.", "To Alice.", "Alice again.", "To both."],
    ]
    assert [(one["run"], one["value"]) for one in told["feedback"]] == [(parley.room.posts[2].run_id, "bad")]
    assert [(row["channel"], row["runs"]) for row in told["usage"]] == [("C1", 1), ("C2", 1)]
    assert [(change["action"], change["before"], change["after"]) for change in told["changes"]] == [
        ("tools disable", "not set", "off")
    ]
    assert "Bob" not in str(told)


async def test_nothing_stored_is_an_empty_document(parley: Parley) -> None:
    told = await exported(parley, "export me")
    assert told == {"exported_at": NOW, "conversations": [], "feedback": [], "usage": [], "changes": []}


async def test_what_was_deleted_is_not_exported_and_what_waits_is(parley: Parley, model: ScriptedModel) -> None:
    gate = model.hold("Cold.")
    await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    await parley.alice.say("Deleted.", key="k")
    await parley.alice.delete("k")
    parley.room.files = {"notes.txt": b"Buy milk."}
    await parley.alice.say("Waits.", files=["notes.txt"])
    (thread,) = (await exported(parley))["conversations"]
    assert [message["text"] for message in thread["messages"]] == ["How is Oslo?", "Waits."]
    assert thread["messages"][1]["files"] == [{"name": "notes.txt", "type": "text/plain", "size": 9}]
    model.say("Yes.")
    gate.open()
    await parley.quiet()


@pytest.mark.parametrize(("limit", "most"), [("MOST_MESSAGES", 3), ("MOST_TEXT", 14)])
async def test_of_much_only_the_newest_is_exported_and_that_is_said(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    for number in range(3):
        await turn(parley, model, f"Word {number}", "Yes.")
    monkeypatch.setattr(exporting, limit, most)
    answer = await parley.alice.order("export")
    assert (
        answer.text == "All that is stored of this conversation. It is much: only the newest messages are in the file."
    )
    assert answer.file is not None
    told = json.loads(answer.file.content)
    assert told["left_out"] == "Only the newest messages are here, at most 5,000. There are older ones."
    assert [message["text"] for message in told["conversations"][0]["messages"]] == ["Yes.", "Word 2", "Yes."]


async def test_of_a_long_file_only_its_name_is_exported(
    parley: Parley, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    parley.room.files = {"notes.txt": b"Buy milk."}
    await turn(parley, model, "How is Oslo?", "Cold.", files=["notes.txt"])
    monkeypatch.setattr(exporting, "MOST_TEXT", 30)
    (thread,) = (await exported(parley))["conversations"]
    assert thread["messages"][0]["searchable"] == [
        {"name": "notes.txt", "type": "text/plain", "size": 9, "left_out": TOO_LONG}
    ]


async def test_an_export_beside_a_forgetting_is_whole_or_refused(parley: Parley, model: ScriptedModel) -> None:
    await turn(parley, model, "How is Oslo?", "Cold.")
    answer, forgotten = await asyncio.gather(parley.alice.order("export"), parley.alice.order("forget sure"))
    assert forgotten.forgot
    assert answer.file is not None or answer.text == NOTHING_HERE
