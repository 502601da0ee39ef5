"""`/files`, through the openai SDK: what comes back, what is refused, and that nobody sees another tenant's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from sqlalchemy import update

from bot.api.files import LARGEST_UPLOAD
from bot.assistants.lifecycle import new_run
from bot.assistants.types import RunStep, ShownFile, Thread, ToolCall, new_id
from bot.documents.reading import LARGEST
from bot.ports import Conversation
from bot.store import library, programs, runs, shown, steps
from bot.store.schema import runs as runs_table
from bot.tenants import Tenant
from tests.api_room import ApiRoom, api_room

PNG = b"\x89PNG\r\n\x1a\n chart"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ApiRoom]:
    async with api_room(tmp_path / "parley.db") as made:
        yield made


async def brought(client: openai.AsyncOpenAI, name: str = "notes.txt", text: bytes = b"Snow.", **more: Any) -> str:
    return (await client.files.create(file=(name, text), purpose=more.pop("purpose", "assistants"), **more)).id


async def test_a_file_comes_back_as_it_was_brought(room: ApiRoom) -> None:
    made = await room.ours.files.create(file=("notes.txt", b"Snow.", "text/plain"), purpose="assistants")
    assert made.id.startswith("file_")
    assert (made.filename, made.bytes, made.purpose, made.status) == ("notes.txt", 5, "assistants", "processed")
    assert await room.ours.files.retrieve(made.id) == made
    answer = await room.ours.files.content(made.id)
    assert (answer.content, answer.response.headers["content-type"]) == (b"Snow.", "text/plain")
    assert answer.response.headers["content-disposition"] == "attachment; filename*=UTF-8''notes.txt"


async def test_a_deleted_file_is_gone(room: ApiRoom) -> None:
    id_ = await brought(room.ours)
    assert (await room.ours.files.delete(id_)).to_dict() == {"id": id_, "object": "file", "deleted": True}
    for call in (room.ours.files.retrieve(id_), room.ours.files.content(id_), room.ours.files.delete(id_)):
        with pytest.raises(openai.NotFoundError, match=f"No file found with id '{id_}'"):
            await call


async def test_a_list_has_pages_and_orders(room: ApiRoom) -> None:
    ids = []
    for number in range(5):
        ids.append(await brought(room.ours, f"{number}.txt"))
        room.clock.advance(1)
    first = await room.ours.files.list(limit=2)
    assert [one.id for one in first.data] == [ids[4], ids[3]]
    assert [one.id async for one in first] == ids[::-1]
    assert [one.id async for one in room.ours.files.list(order="asc")] == ids
    assert [one.id for one in (await room.ours.files.list(after=ids[1])).data] == [ids[0]]


async def test_a_list_can_be_of_one_purpose(room: ApiRoom) -> None:
    await brought(room.ours)
    seen = await brought(room.ours, "cat.png", PNG, purpose="vision")
    assert [one.id for one in (await room.ours.files.list(purpose="vision")).data] == [seen]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "10001"}, {"limit": "many"}, {"order": "up"}, {"x": "1"}])
async def test_a_list_refuses_what_it_does_not_know(room: ApiRoom, query: dict[str, str]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await room.ours.files.list(extra_query=query)
    assert refused.value.param == next(iter(query))


async def test_a_list_begins_at_nobody_elses_file(room: ApiRoom) -> None:
    theirs = await brought(room.theirs)
    with pytest.raises(openai.NotFoundError):
        await room.ours.files.list(after=theirs)


async def test_nobody_sees_a_file_of_another_tenant(room: ApiRoom) -> None:
    id_ = await brought(room.ours)
    for stranger in (room.theirs, room.team):
        assert (await stranger.files.list()).data == []
        for call in (stranger.files.retrieve(id_), stranger.files.content(id_), stranger.files.delete(id_)):
            with pytest.raises(openai.NotFoundError):
                await call
    assert (await room.ours.files.content(id_)).content == b"Snow."


async def test_a_file_that_expires_is_gone_then(room: ApiRoom) -> None:
    made = await room.ours.files.create(
        file=("notes.txt", b"Snow."), purpose="assistants", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert made.expires_at == made.created_at + 3600
    room.clock.advance(3600)
    assert (await room.ours.files.list()).data == []
    with pytest.raises(openai.NotFoundError):
        await room.ours.files.content(made.id)


async def test_an_expired_file_leaves_its_stores_within_a_day(room: ApiRoom) -> None:
    made = await room.ours.files.create(
        file=("notes.txt", b"Snow."), purpose="assistants", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    lasting = await brought(room.ours)
    store = await room.ours.vector_stores.create(file_ids=[made.id, lasting])
    await room.desk.indexing.quiet()
    await room.parley.next_sweep()
    room.clock.advance(86_400)
    await room.parley.next_sweep()
    assert [one.id for one in (await room.ours.vector_stores.files.list(store.id)).data] == [lasting]
    assert await room.database.read(library.count) == 1


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "mischief"}, "purpose"),
        ({"purpose": "assistants_output"}, "purpose"),
        ({"purpose": "assistants", "colour": "red"}, "colour"),
        ({"purpose": "assistants", "expires_after[anchor]": "created_at"}, "expires_after.seconds"),
        (
            {"purpose": "assistants", "expires_after[anchor]": "created_at", "expires_after[seconds]": "5"},
            "expires_after.seconds",
        ),
        ({"purpose": "assistants", "expires_after": "soon"}, "expires_after"),
    ],
)
async def test_fields_that_are_not_right_are_refused_by_name(room: ApiRoom, fields: dict[str, str], param: str) -> None:
    answer = await room.http.post("/files", data=fields, files={"file": ("a.txt", b"Snow.")})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_a_request_has_to_bring_one_file(room: ApiRoom) -> None:
    purpose = {"purpose": "assistants"}
    two = [("file", ("a.txt", b"1")), ("file", ("b.txt", b"2"))]
    answers = [
        await room.http.post("/files", json=purpose),
        await room.http.post("/files", data=purpose, files={"other": ("a.txt", b"1")}),
        await room.http.post("/files", data={**purpose, "file": "a.txt"}, files={"x": ("a.txt", b"1")}),
        await room.http.post("/files", data=purpose, files=two),
        await room.http.post("/files", data=purpose, files={"file": ("a.txt", b"")}),
        await room.http.post("/files", content=b"broken", headers={"content-type": "multipart/form-data"}),
        await room.http.post("/files", content=b"x", headers={"content-type": "multipart/form-data; boundary=a"}),
    ]
    assert [answer.status_code for answer in answers] == [400] * 7
    assert all(answer.json()["error"]["message"] for answer in answers)
    assert (await room.ours.files.list()).data == []


async def test_the_largest_file_is_taken_and_no_larger_one(room: ApiRoom) -> None:
    id_ = await brought(room.ours, text=b"a" * LARGEST)
    assert (await room.ours.files.retrieve(id_)).bytes == LARGEST
    for size in (LARGEST + 1, LARGEST_UPLOAD + 1):
        with pytest.raises(openai.APIStatusError) as refused:
            await brought(room.ours, text=b"a" * size)
        assert refused.value.status_code == 413


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\secret\\plan.txt", "plan.txt"),
        ("Größe 😀.txt", "Größe 😀.txt"),
        ('a"; filename="b.html', "a%22; filename=%22b.html"),
        ("a\r\nX-Evil: 1.txt", "a%0D%0AX-Evil: 1.txt"),
        ("..", "file"),
        ("x" * 400 + ".txt", "x" * 250 + "….txt"),
    ],
)
async def test_hostile_names_are_kept_harmless(room: ApiRoom, given: str, kept: str) -> None:
    id_ = await brought(room.ours, given)
    assert (await room.ours.files.retrieve(id_)).filename == kept
    answer = await room.ours.files.content(id_)
    said = answer.response.headers["content-disposition"]
    assert said.isascii()
    assert set(said) & set('"\r\n<>') == set()
    assert "x-evil" not in answer.response.headers


@pytest.mark.parametrize("mime", ["text/html\u00e9", "nonsense", "text/x y", "a" * 500 + "/b"])
async def test_a_type_that_is_none_is_not_given_back(room: ApiRoom, mime: str) -> None:
    made = await room.http.post(
        "/files", data={"purpose": "user_data"}, files={"file": ("a.bin", b"1", mime)}
    )  # fmt: skip
    answer = await room.ours.files.content(made.json()["id"])
    assert answer.response.headers["content-type"] == "application/octet-stream"
    assert answer.response.headers["x-content-type-options"] == "nosniff"


# -- what tools made --------------------------------------------------------------------------------------------------


async def chart(room: ApiRoom, tenant: Tenant, *, over: bool = True) -> str:
    """A chart of a run in a thread of the tenant's; returns its id."""
    now, thread_id, file_id = room.clock.now(), new_id("thread"), new_id("file")
    run = new_run(now, id=new_id("run"), thread_id=thread_id, assistant_id=room.parley.core.assistant_id, model="m")
    call = ToolCall("call_1", "code_interpreter", "{}", shown=[ShownFile(file_id, "chart.png", "image/png", PNG)])
    step = RunStep(new_id("step"), run.id, thread_id, run.assistant_id, now, "tool_calls", calls=(call,))

    async def operation(tx: Any) -> None:
        await programs.add_thread(tx, tenant, Thread(thread_id, now))
        where = Conversation("api", tenant.workspace, "", thread_id)
        await runs.add(tx, run, owner="test", lease_until=now + 9_999, where=where)
        await steps.add(tx, [step], "test", "queued")
        await shown.add(tx, run.id, call)
        if over:
            await tx.execute(update(runs_table).where(runs_table.c.id == run.id).values(status="completed"))

    await room.database.write(operation)
    return file_id


async def test_a_chart_is_a_file_of_its_tenant(room: ApiRoom) -> None:
    id_ = await chart(room, Tenant("api", "ours"))
    made = await room.ours.files.retrieve(id_)
    assert (made.filename, made.purpose, made.bytes) == ("chart.png", "assistants_output", len(PNG))
    answer = await room.ours.files.content(id_)
    assert (answer.content, answer.response.headers["content-type"]) == (PNG, "image/png")
    assert [one.id for one in (await room.ours.files.list(purpose="assistants_output")).data] == [id_]


async def test_a_chart_is_nobody_elses(room: ApiRoom) -> None:
    id_ = await chart(room, Tenant("slack", "T1"))
    assert (await room.team.files.retrieve(id_)).id == id_
    assert (await room.ours.files.list()).data == []
    for call in (room.ours.files.retrieve(id_), room.ours.files.content(id_), room.ours.files.delete(id_)):
        with pytest.raises(openai.NotFoundError):
            await call


async def test_a_chart_can_be_deleted_once_its_run_is_over(room: ApiRoom) -> None:
    needed, done = await chart(room, Tenant("api", "ours"), over=False), await chart(room, Tenant("api", "ours"))
    with pytest.raises(openai.ConflictError):
        await room.ours.files.delete(needed)
    await room.ours.files.delete(done)
    assert [one.id for one in (await room.ours.files.list()).data] == [needed]
