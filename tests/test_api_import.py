"""What was exported from the Assistants API is brought in whole and under its own ids, or not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.api import importing, objects, parcel, shell
from bot.api.exported import NotImportable
from bot.assistants.types import Message, Thread
from bot.errors import NotFound, ParleyError
from bot.settings import Settings
from bot.store import files, programs, threads, uploads
from bot.store.database import Database
from bot.store.importing import add_thread
from bot.store.paging import Page
from bot.store.uploads import Upload
from bot.tenants import DEFAULT, Tenant
from tests.files import ready
from tests.hand_clock import HandClock

SLACK = Tenant("slack", "T1")
JSON = dict[str, Any]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(ready(tmp_path / "parley.db"))
    yield database
    await database.close()


def assistant(id_: str = "asst_1", **more: Any) -> JSON:
    """https://platform.openai.com/docs/api-reference/assistants/object"""
    made = {
        "id": id_,
        "object": "assistant",
        "created_at": 1_700_000_000,
        "name": "Math Tutor",
        "description": None,
        "model": "gpt-4o",
        "instructions": "Be kind.",
        "tools": [{"type": "code_interpreter"}],
        "tool_resources": {},
        "metadata": {"team": "blue"},
        "temperature": 0.5,
        "top_p": 1.0,
        "response_format": "auto",
    }
    return {**made, **more}


def thread(id_: str = "thread_1", **more: Any) -> JSON:
    made = {"id": id_, "object": "thread", "created_at": 1_700_000_000, "metadata": {}, "tool_resources": {}}
    return {**made, **more}


def text(said: str, *annotations: JSON) -> JSON:
    return {"type": "text", "text": {"value": said, "annotations": list(annotations)}}


def message(id_: str, said: str | Sequence[JSON], at: int = 0, role: str = "user", **more: Any) -> JSON:
    """https://platform.openai.com/docs/api-reference/messages/object"""
    made = {
        "id": id_,
        "object": "thread.message",
        "created_at": 1_700_000_000 + at,
        "thread_id": "thread_1",
        "role": role,
        "content": [text(said)] if isinstance(said, str) else list(said),
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": {},
    }
    return {**made, **more}


def listed(*data: JSON) -> JSON:
    return {"object": "list", "data": list(data), "first_id": None, "last_id": None, "has_more": False}


def lines(*values: Any) -> bytes:
    return "\n".join(map(json.dumps, values)).encode()


async def bring(database: Database, value: Any, tenant: Tenant = DEFAULT) -> list[str]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list((await importing.bring(database, tenant, parcel.read(data))).told())


async def messages(database: Database, thread_id: str = "thread_1") -> list[JSON]:
    found, _ = await database.read(lambda c: programs.list_messages(c, thread_id, Page(100, "asc")))
    return [objects.message(one) for one in found]


async def read_by_the_model(database: Database, thread_id: str = "thread_1") -> list[str]:
    found, _ = await database.read(lambda c: programs.list_messages(c, thread_id, Page(100)))
    return [one.text for one in sorted(found, key=lambda one: one.position or 0)]


def holds(given: Mapping[str, Any], **wanted: Any) -> None:
    assert {name: given[name] for name in wanted} == wanted


# -- what is kept --------------------------------------------------------------------------------------------------


async def test_what_comes_in_goes_out_as_it_was(database: Database) -> None:
    function = {"name": "f", "description": "Does f.", "parameters": {"type": "object"}, "strict": True}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}}
    tutor = assistant(
        tools=[
            {"type": "code_interpreter"},
            {"type": "file_search", "file_search": {"max_num_results": 5}},
            {"type": "function", "function": function},
        ],
        response_format=form,
    )
    place, asked = thread(metadata={"case": "7"}), message("msg_1", "2 + 2?", metadata={"user": "ada"})
    said = message("msg_2", "4", 1, role="assistant", assistant_id="asst_1")
    assert await bring(database, {"assistants": [tutor], "threads": [place], "messages": [said, asked]}) == [
        "Imported: 1 assistant, 1 thread, 2 messages."
    ]
    kept = await database.read(lambda c: programs.assistant(c, DEFAULT, "asst_1"))
    assert objects.assistant(kept) == tutor
    assert kept.name == "asst_1"
    assert objects.thread(await database.read(lambda c: programs.thread(c, DEFAULT, "thread_1"))) == place
    for was, now in zip([asked, said], await messages(database), strict=True):
        holds(now, **was)


CITED = text("As told【1】.", {"type": "file_citation", "text": "【1】", "file_citation": {"file_id": "file-1"}})
PICTURE = {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "auto"}}
URL = "https://example.com/a/cat.png?size=2"
LINK = {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ([text("Hi")], "Hi"),
        ([text("Hi"), text("there")], "Hi\n\nthere"),
        ([CITED], "As told【1】."),
        ([PICTURE], ""),
        ([PICTURE, text("What is it?")], "What is it?"),
        ([{"type": "refusal", "refusal": "No."}], "No."),
        ([], ""),
    ],
)
async def test_content_is_kept_block_by_block_and_the_model_reads_its_text(
    database: Database, content: list[JSON], read: str
) -> None:
    await bring(database, [thread(), message("msg_1", content)])
    assert [one["content"] for one in await messages(database)] == [content]
    assert await read_by_the_model(database) == [read]


async def test_content_as_requests_write_it_is_taken_too(database: Database) -> None:
    plain = message("msg_2", "") | {"content": "there"}
    await bring(database, [thread(), message("msg_1", [{"type": "text", "text": "Hi"}]), plain])
    assert [one["content"] for one in await messages(database)] == [[text("Hi")], [text("there")]]


async def test_an_image_with_an_address_is_shown_to_the_model(database: Database) -> None:
    await bring(database, [thread(), message("msg_1", [LINK]), message("msg_2", [LINK], 1, role="assistant")])
    found = await database.read(lambda c: files.of_messages(c, ["msg_1", "msg_2"]))
    assert {id_: [(one.name, one.url) for one in of] for id_, of in found.items()} == {"msg_1": [("cat.png", URL)]}


async def test_runs_are_not_brought_and_assistants_that_are_not_here_are_not_named(database: Database) -> None:
    said = [message(f"msg_{of}", "Hi", assistant_id=of, run_id="run_1", role="assistant") for of in ("asst_1", "x")]
    told = await bring(database, [assistant(), thread(), *said, {"object": "thread.run"}, {"object": "thread.run"}])
    assert told[1:] == ["Left out, since only assistants, threads and messages are imported: thread.run (2)."]
    assert [(one["assistant_id"], one["run_id"]) for one in await messages(database)] == [
        ("asst_1", None),
        (None, None),
    ]


async def test_a_message_that_was_being_written_is_incomplete(database: Database) -> None:
    broken = message("msg_1", "Well", role="assistant", status="in_progress")
    cut = message("msg_2", "So", 1, role="assistant", status="incomplete", incomplete_details={"reason": "max_tokens"})
    await bring(database, [thread(), broken, cut])
    assert [(one["status"], one["incomplete_details"]) for one in await messages(database)] == [
        ("incomplete", {"reason": "run_cancelled"}),
        ("incomplete", {"reason": "max_tokens"}),
    ]


async def test_tools_reach_only_the_files_that_the_tenant_has(database: Database) -> None:
    for tenant, id_ in ((DEFAULT, "file-mine"), (SLACK, "file-theirs")):
        upload = Upload(id_, "a.txt", "text/plain", 1, "assistants", 1.0)
        await database.write(partial(uploads.add, tenant=tenant, upload=upload, content=b"x"))
    code = {"code_interpreter": {"file_ids": ["file-mine", "file-theirs", "file-none"]}}
    told = await bring(
        database,
        [
            assistant(tool_resources={**code, "file_search": {"vector_store_ids": ["vs_1"]}}),
            thread(tool_resources=code),
        ],
    )
    assert told[1:] == [
        "Left out of the tools of assistants and threads: 3 files and vector stores that are not here. "
        "Bring them again, and name them."
    ]
    mine = {"code_interpreter": {"file_ids": ["file-mine"]}}
    kept = await database.read(lambda c: programs.assistant(c, DEFAULT, "asst_1"))
    assert kept.tool_resources == {**mine, "file_search": {"vector_store_ids": []}}
    assert (await database.read(lambda c: programs.thread(c, DEFAULT, "thread_1"))).tool_resources == mine


# -- the forms of a file -------------------------------------------------------------------------------------------

A, T, M = assistant(), thread(), message("msg_1", "Hi")
BARE = {"id": "thread_1", "created_at": 1, "messages": [{**M, "thread_id": "thread_1"}]}


@pytest.mark.parametrize(
    "value",
    [
        {"assistants": [A], "threads": [T], "messages": [M]},
        {"assistants": listed(A), "threads": listed(T), "messages": listed(M), "exported_at": 1},
        {"assistants": [A], "threads": [{**T, "messages": [M]}]},
        {"assistants": [A], "threads": [{**T, "messages": listed(M)}], "messages": None},
        {"assistants": [{name: A[name] for name in ("id", "created_at", "model")}], "threads": [BARE]},
        [M, T, A],
        [listed(M), listed(A, T)],
        listed(A, T, M),
        lines(A, T, M),
        lines(listed(A), {**T, "messages": [M]}) + b"\n\n",
        lines({"threads": [T], "messages": [M]}, {"assistants": [A]}),
        b"\xef\xbb\xbf" + lines([A, T, M]),
        json.dumps([A, T, M], indent=2).encode(),
    ],
    ids=str,
)
async def test_every_form_of_a_file_is_read(database: Database, value: Any) -> None:
    assert await bring(database, value) == ["Imported: 1 assistant, 1 thread, 1 message."]
    assert [one["id"] for one in await messages(database)] == ["msg_1"]


async def test_a_single_object_is_a_file_too(database: Database) -> None:
    assert await bring(database, A) == ["Imported: 1 assistant."]
    assert await bring(database, {**T, "messages": [M]}) == ["Imported: 1 thread, 1 message."]


# -- order ---------------------------------------------------------------------------------------------------------

TIMES = [0, 5, 5, 9]
SAID = [message(f"msg_{number}", str(number), at) for number, at in enumerate(TIMES)]


@pytest.mark.parametrize("said", [SAID, SAID[::-1], [*SAID[2:][::-1], *SAID[:2][::-1]]])
async def test_messages_stand_in_the_order_of_their_times_however_they_were_listed(
    database: Database, said: list[JSON]
) -> None:
    await bring(database, [thread(), *said])
    assert [one["id"] for one in await messages(database)] == ["msg_0", "msg_1", "msg_2", "msg_3"]
    assert await read_by_the_model(database) == ["0", "1", "2", "3"]


async def test_of_messages_of_one_second_the_order_of_the_file_counts(database: Database) -> None:
    await bring(database, [thread(), *(message(f"msg_{number}", str(number)) for number in (3, 1, 2))])
    assert await read_by_the_model(database) == ["3", "1", "2"]


async def test_what_comes_later_finds_its_place_among_what_is_there(database: Database) -> None:
    def some(*numbers: int) -> list[JSON]:
        return [message(f"msg_{number}", str(number), number) for number in numbers]

    await bring(database, [thread(), *some(2, 5)])
    assert await bring(database, some(1, 2, 3, 4, 5, 6, 7)) == [
        "Imported: 5 messages.",
        "Left as they are here already: 2 messages.",
    ]
    assert await read_by_the_model(database) == list("1234567")
    assert [one["id"][-1] for one in await messages(database)] == list("1234567")


async def test_a_thread_goes_on_after_what_was_imported(database: Database) -> None:
    await bring(database, [thread(), *SAID])
    new = Message("msg_9", "thread_1", 1_800_000_000.0, "user", "9")
    await database.write(lambda tx: threads.add_message(tx, new))
    assert await read_by_the_model(database) == ["0", "1", "2", "3", "9"]


# -- what is there already -----------------------------------------------------------------------------------------


async def test_a_second_time_nothing_is_changed(database: Database) -> None:
    everything = {"assistants": [A], "threads": [T], "messages": SAID}
    await bring(database, everything)
    changed = {
        "assistants": [assistant(name="Other")],
        "threads": [thread(metadata={"x": "y"})],
        "messages": [message("msg_0", "Other")],
    }
    for value, number in ((everything, "4 messages"), (changed, "1 message")):
        assert await bring(database, value) == [
            "Imported: nothing.",
            f"Left as they are here already: 1 assistant, 1 thread, {number}.",
        ]
    assert (await database.read(lambda c: programs.assistant(c, DEFAULT, "asst_1"))).title == "Math Tutor"
    assert await read_by_the_model(database) == ["0", "1", "2", "3"]


async def test_what_stands_twice_in_a_file_is_taken_once(database: Database) -> None:
    assert await bring(database, [A, T, M, A, T, message("msg_1", "Other")]) == [
        "Imported: 1 assistant, 1 thread, 1 message.",
        "Left as they are here already: 1 assistant, 1 thread, 1 message.",
    ]
    assert await read_by_the_model(database) == ["Hi"]


@pytest.mark.parametrize("value", [[A], [T], [thread("thread_2"), message("msg_1", "Hi", thread_id="thread_2")], [M]])
async def test_what_is_another_tenants_is_refused_before_anything_is_kept(
    database: Database, value: list[JSON]
) -> None:
    await bring(database, [A, T, M], SLACK)
    with pytest.raises(NotImportable, match=r"^\[\d\]: \w+, or its thread, belongs to another tenant\.$"):
        await bring(database, [assistant("asst_9"), *value])
    with pytest.raises(NotFound):
        await database.read(lambda c: programs.assistant(c, DEFAULT, "asst_9"))
    assert (await database.read(lambda c: programs.assistant(c, SLACK, "asst_1"))).title == "Math Tutor"
    assert await read_by_the_model(database) == ["Hi"]


async def test_messages_of_unknown_threads_are_left_out_and_told(database: Database) -> None:
    strays = [message(f"msg_{number}", "Hi", thread_id=f"thread_x{number}") for number in range(7)]
    assert await bring(database, [T, M | {"id": "msg_a"}, *strays]) == [
        "Imported: 1 thread, 1 message.",
        "Left out: 7 messages of threads that are neither in the file nor here "
        "(thread_x0, thread_x1, thread_x2, thread_x3, thread_x4, …).",
    ]


async def test_a_thread_is_kept_with_its_messages_or_not_at_all(database: Database) -> None:
    said = [Message(id_, "thread_1", 1.0, "user", "Hi") for id_ in ("msg_1", "msg_1")]
    with pytest.raises(ParleyError):
        await database.write(lambda tx: add_thread(tx, DEFAULT, "thread_1", Thread("thread_1", 1.0), said))
    with pytest.raises(NotFound):
        await database.read(lambda c: programs.thread(c, DEFAULT, "thread_1"))


# -- what cannot be imported ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "The file is empty."),
        (b" \n", "The file is empty."),
        (b"{", "line 1, column 2: This is not JSON (Expecting property name enclosed in double quotes)."),
        (b'[\n{"object": "thread",}]', "line 2, column 2"),
        (b"id,role\n1,user\n", "line 1, column 1: This is not JSON (Expecting value)."),
        (lines(A, T) + b'\n{"object": ', "line 3, column 12: This is not JSON (Expecting value)."),
        (b"[1, NaN]", "This is not JSON (NaN is no number)."),
        (b"[1e999]", "This is not JSON (1e999 is too large a number)."),
        (lines(A, T) + b"\n{\xff}", "line 3: The file is not in UTF-8."),
        (b"[" * 100_000, "The file is nested too deeply."),
        (b"[" * 100 + b"]" * 100, "There is nothing in it."),
        (b"[]", "There is nothing in it."),
        (b"7", "There should be an object here."),
        (b'["x"]', "[0]: There should be an object here."),
        (lines({"runs": []}), "There is neither an “object”, which tells what this is, nor “assistants”,"),
        (lines([A, {}]), "[1]: There is neither an “object”"),
        (lines({"object": 7}), "object: This should be a word, but is 7."),
        (lines({"object": "list"}), "data: There should be an object here."),
        (lines({"threads": [A]}), 'threads[0].object: This should be “thread”, but is "assistant".'),
        (lines({"threads": listed(T, {})}), "threads.data[1]: Missing required parameter: 'id'."),
        (lines([{**T, "messages": [T]}]), "[0].messages[0].object: This should be “thread.message”, but is"),
        (
            lines([{**T, "messages": [{**M, "thread_id": "thread_2"}]}]),
            "[0].messages[0].thread_id: This is not the thread that the message stands in.",
        ),
        (lines(A, {**T, "created_at": None}), "line 2: Invalid type for 'created_at': expected a number, but got null"),
        (lines(A, listed(T, {**M, "role": "system"})), "line 2: data[1]: Invalid value: 'system'. Supported values"),
        (lines(A, [{**M, "content": [{"type": "audio"}]}]), "line 2: [0]: Invalid value: 'audio'. Supported values"),
        (lines([{**M, "content": [{"type": "text", "text": {}}]}]), "[0]: Missing required parameter: 'content[0]."),
        (lines([{**M, "id": "../x"}]), "[0]: Invalid 'id': string does not match pattern"),
        (lines([{**A, "tools": [{"type": "retrieval"}]}]), "[0]: Invalid value: 'retrieval'. Supported values are:"),
        (lines([{**A, "metadata": {"a": 1}}]), "[0]: Invalid type for 'metadata.a': expected a string, but got an"),
        (lines([{**A, "model": ""}]), "[0]: Invalid 'model': string too short."),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_wrong_is_told_with_its_place(data: bytes, told: str) -> None:
    with pytest.raises(NotImportable) as caught:
        parcel.read(data)
    assert str(caught.value)[: len(told)] == told


async def test_texts_that_are_no_unicode_are_mended_and_zeros_kept(database: Database) -> None:
    await bring(database, b"[%s, %s]" % (lines(T), lines(M).replace(b'"Hi"', b'"a\\ud800b\\u0000c"')))
    assert await read_by_the_model(database) == ["a\ufffdb\0c"]


def test_an_error_carries_no_control_characters_of_the_file_to_the_terminal() -> None:
    with pytest.raises(NotImportable) as caught:
        parcel.read(lines([{**M, "role": "\x1b[31m\n"}]))
    assert "\x1b" not in str(caught.value)


# -- the command ---------------------------------------------------------------------------------------------------


def settings_at(folder: Path, **changes: Any) -> Settings:
    return Settings.model_construct(database_url=f"sqlite:///{folder / 'parley.db'}", **changes)


async def test_the_command_makes_the_database_where_there_is_none(tmp_path: Path) -> None:
    file = written(tmp_path / "export.json", lines([A, T, M]))
    told = await shell.bring(settings_at(tmp_path), file, SLACK)
    assert told == ["Imported: 1 assistant, 1 thread, 1 message."]
    database = await Database.look(tmp_path / "parley.db")
    assert (await database.read(lambda c: programs.thread(c, SLACK, "thread_1"))).id == "thread_1"
    await database.close()


async def test_a_file_that_cannot_be_imported_makes_no_database(tmp_path: Path) -> None:
    file = written(tmp_path / "export.json", lines([A, {}]))
    with pytest.raises(ParleyError, match=r"export.json cannot be imported, and nothing of it was. \[1\]: There is"):
        await shell.bring(settings_at(tmp_path), file, DEFAULT)
    with pytest.raises(ParleyError, match=r"none.json cannot be read \(No such file or directory\)\.$"):
        await shell.bring(settings_at(tmp_path), tmp_path / "none.json", DEFAULT)
    assert names(tmp_path) == ["export.json"]


async def test_what_will_not_be_kept_for_long_is_told(tmp_path: Path) -> None:
    clock = HandClock()
    young = thread("thread_2", created_at=int(clock.now()) - 86_400)
    file = written(tmp_path / "export.json", lines([T, M, young]))
    assert (await shell.bring(settings_at(tmp_path, retention_days=30), file, DEFAULT, clock))[1:] == [
        "RETENTION_DAYS is 30: of 1 thread nothing is younger, so that Parley removes them soon."
    ]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
