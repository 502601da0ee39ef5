"""`/vector_stores`, through the openai SDK: files that are read, searched and removed, and whose they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types import VectorStore
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api.indexing import Indexing
from bot.assistants.types import Assistant
from bot.errors import StoreError
from bot.ports import Conversation
from bot.store import assistants
from bot.store import library as stored
from tests.api_room import HOTELS, ApiRoom, api_room, brought, found, store
from tests.documents import pdf

DAY = 86_400.0
OVERLAPPING = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ApiRoom]:
    async with api_room(tmp_path / "parley.db") as made:
        yield made


def counted(one: VectorStore) -> Sequence[int]:
    counts = one.file_counts
    return counts.in_progress, counts.completed, counts.failed, counts.cancelled, counts.total


# -- stores -----------------------------------------------------------------------------------------------------------


async def test_a_store_says_what_it_is(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    made = await room.ours.vector_stores.create(name="Travel", file_ids=[file_id], metadata={"team": "ops"})
    assert made.id.startswith("vs_")
    assert (made.name, made.metadata, made.object) == ("Travel", {"team": "ops"}, "vector_store")
    assert made.file_counts.total == 1
    await room.desk.indexing.quiet()
    read = await room.ours.vector_stores.retrieve(made.id)
    assert (read.status, counted(read), read.usage_bytes) == ("completed", (0, 1, 0, 0, 1), len(HOTELS))


async def test_a_store_changes_what_it_is_told_to(room: ApiRoom) -> None:
    id_ = await store(room, name="Travel", metadata={"team": "ops"})
    after = {"anchor": "last_active_at", "days": 3}
    changed = await room.ours.vector_stores.update(id_, name="Trips", expires_after=after)  # type: ignore[arg-type]
    assert (changed.name, changed.metadata) == ("Trips", {"team": "ops"})
    assert changed.expires_at == int(room.clock.now() + 3 * DAY)
    cleared = await room.ours.vector_stores.update(id_, name=None, expires_after=None, metadata=None)
    assert (cleared.name, cleared.expires_after, cleared.expires_at, cleared.metadata) == ("", None, None, {})


async def test_a_deleted_store_is_gone_and_its_files_stay(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    id_ = await store(room, file_id)
    told = await room.ours.vector_stores.delete(id_)
    assert told.to_dict() == {"id": id_, "object": "vector_store.deleted", "deleted": True}
    with pytest.raises(openai.NotFoundError, match=f"No vector store found with id '{id_}'"):
        await room.ours.vector_stores.retrieve(id_)
    await stored.clear(room.database)
    assert await room.database.read(stored.count) == 0
    assert (await room.ours.files.retrieve(file_id)).id == file_id


async def test_stores_are_listed_by_pages(room: ApiRoom) -> None:
    ids = []
    for _ in range(3):
        ids.append(await store(room))
        room.clock.advance(1)
    first = await room.ours.vector_stores.list(limit=2)
    assert [one.id for one in first.data] == [ids[2], ids[1]]
    assert [one.id async for one in first] == ids[::-1]
    assert [one.id for one in (await room.ours.vector_stores.list(before=ids[0], limit=1)).data] == [ids[1]]


async def test_a_store_expires_when_nobody_uses_it(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    id_ = await store(room, file_id, expires_after={"anchor": "last_active_at", "days": 2})
    room.clock.advance(1.5 * DAY)
    assert await found(room.ours, id_) == [file_id]  # which is a use
    room.clock.advance(1.5 * DAY)
    assert (await room.ours.vector_stores.retrieve(id_)).status == "completed"
    room.clock.advance(DAY)
    assert (await room.ours.vector_stores.retrieve(id_)).status == "expired"
    for call in (found(room.ours, id_), room.ours.vector_stores.files.create(id_, file_id=file_id)):
        with pytest.raises(openai.BadRequestError) as refused:
            await call
        assert refused.value.code == "vector_store_expired"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": 3}, "name"),
        ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ({"chunking_strategy": {"type": "static"}}, "chunking_strategy"),
        ({"chunking_strategy": {"type": "static", "static": OVERLAPPING}}, "chunking_strategy.static"),
    ],
)  # fmt: skip
async def test_what_a_store_cannot_be_is_refused_by_name(room: ApiRoom, fields: dict[str, Any], param: str) -> None:
    answer = await room.http.post("/vector_stores", json=fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_a_store_of_a_file_that_is_not_there_is_not_made(room: ApiRoom) -> None:
    theirs = await brought(room.theirs)
    with pytest.raises(openai.NotFoundError, match=f"No file found with id '{theirs}'"):
        await room.ours.vector_stores.create(file_ids=[await brought(room.ours), theirs])
    assert (await room.ours.vector_stores.list()).data == []


async def test_the_chunking_that_was_asked_for_is_told(room: ApiRoom) -> None:
    static: Any = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}}
    one, other = await brought(room.ours), await brought(room.ours)
    id_ = await store(room, one, chunking_strategy=static)
    await room.ours.vector_stores.files.create(id_, file_id=other, chunking_strategy={"type": "auto"})
    files = room.ours.vector_stores.files
    told = [
        (await files.retrieve(file_id, vector_store_id=id_)).to_dict()["chunking_strategy"] for file_id in (one, other)
    ]
    default = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
    assert told == [static, default]


# -- files ------------------------------------------------------------------------------------------------------------


async def test_a_file_is_read_and_its_passages_are_there(room: ApiRoom) -> None:
    id_, file_id = await store(room), await brought(room.ours)
    files = room.ours.vector_stores.files
    made = await files.create(id_, file_id=file_id, attributes={"year": 2026, "draft": False, "by": "Eve"})
    assert (made.id, made.vector_store_id, made.last_error) == (file_id, id_, None)
    assert made.attributes == {"year": 2026, "draft": False, "by": "Eve"}
    await room.desk.indexing.quiet()
    read = await files.retrieve(file_id, vector_store_id=id_)
    assert (read.status, read.usage_bytes) == ("completed", len(HOTELS))
    assert [one.text async for one in files.content(file_id, vector_store_id=id_)] == [HOTELS.decode()]


@pytest.mark.parametrize(
    ("name", "content", "code", "why"),
    [
        ("plan.docx", b"PK\3\4 broken", "invalid_file", "damaged"),
        ("plan.pdf", pdf(["Secret."], password="no"), "invalid_file", "protected"),
        ("plan.txt", b" \n", "invalid_file", "no text"),
        ("cat.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0", "unsupported_file", "image"),
        ("plan.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "unsupported_file", "old Office"),
        ("plan.exe", b"MZ\0\1\2\3", "unsupported_file", "I can search"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(
    room: ApiRoom, name: str, content: bytes, code: str, why: str
) -> None:
    file_id = await brought(room.ours, name, content)
    id_ = await store(room, file_id)
    failed = await room.ours.vector_stores.files.retrieve(file_id, vector_store_id=id_)
    assert failed.status == "failed"
    assert failed.last_error is not None
    assert failed.last_error.code == code
    assert why in failed.last_error.message
    assert counted(await room.ours.vector_stores.retrieve(id_)) == (0, 0, 1, 0, 1)


@pytest.mark.parametrize("error", [RuntimeError("out of order"), StoreError("The disk is full.")])
async def test_a_file_that_failed_is_read_again_when_it_is_added_again(
    room: ApiRoom, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(*_: Any) -> str:
        raise error

    file_id = await brought(room.ours)
    with monkeypatch.context() as patched:
        patched.setattr(Indexing, "_read", broken)
        id_ = await store(room, file_id)
    files = room.ours.vector_stores.files
    failed = await files.retrieve(file_id, vector_store_id=id_)
    assert failed.last_error is not None
    assert failed.last_error.code == "server_error"
    await files.create(id_, file_id=file_id)
    await room.desk.indexing.quiet()
    assert (await files.retrieve(file_id, vector_store_id=id_)).status == "completed"


async def test_a_file_that_is_there_keeps_its_passages_and_gets_the_new_attributes(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    id_ = await store(room, file_id)
    again = await room.ours.vector_stores.files.create(id_, file_id=file_id, attributes={"year": 2027})
    assert (again.status, again.attributes) == ("completed", {"year": 2027})
    assert (await room.ours.vector_stores.files.create(id_, file_id=file_id)).attributes == {"year": 2027}
    assert await room.database.read(stored.count) == 1


async def test_the_same_bytes_under_two_ids_are_two_files(room: ApiRoom) -> None:
    ids = [await brought(room.ours), await brought(room.ours)]
    id_ = await store(room, *ids)
    assert sorted(await found(room.ours, id_)) == sorted(ids)


async def test_files_are_listed_by_pages_and_by_how_far_they_are(room: ApiRoom) -> None:
    good = [await brought(room.ours), await brought(room.ours)]
    bad = await brought(room.ours, "bad.docx", b"PK\3\4 broken")
    id_ = await store(room)
    for file_id in (*good, bad):
        await room.ours.vector_stores.files.create(id_, file_id=file_id)
        room.clock.advance(1)
    await room.desk.indexing.quiet()
    listed = partial(room.ours.vector_stores.files.list, id_)
    assert [one.id async for one in listed(limit=1)] == [bad, *good[::-1]]
    assert [one.id async for one in listed(filter="completed", order="asc")] == good
    assert [one.id async for one in listed(filter="failed")] == [bad]
    with pytest.raises(openai.BadRequestError) as refused:
        await listed(filter="lost")  # type: ignore[arg-type]
    assert refused.value.param == "filter"


async def test_attributes_can_be_changed(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    id_ = await store(room, file_id)
    files = room.ours.vector_stores.files
    changed = await files.update(file_id, vector_store_id=id_, attributes={"year": 2028.5})
    assert changed.attributes == {"year": 2028.5}
    cleared = await files.update(file_id, vector_store_id=id_, attributes=None)
    assert cleared.attributes == {}


@pytest.mark.parametrize(
    "attributes",
    [
        {f"key {number}": 1 for number in range(17)},
        {"k" * 65: 1},
        {"key": "v" * 513},
        {"key": None},
        {"key": [1]},
    ],
)
async def test_attributes_have_their_limits(room: ApiRoom, attributes: dict[str, Any]) -> None:
    file_id = await brought(room.ours)
    body = f'{{"file_id": "{file_id}", "attributes": {json.dumps(attributes)}}}'
    answer = await room.http.post(f"/vector_stores/{await store(room)}/files", content=body)
    assert answer.status_code == 400
    assert "attributes" in answer.json()["error"]["param"]


async def test_a_file_that_leaves_a_store_is_found_there_no_more(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    one, other = await store(room, file_id), await store(room, file_id)
    told = await room.ours.vector_stores.files.delete(file_id, vector_store_id=one)
    assert told.to_dict() == {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}
    assert (await found(room.ours, one), await found(room.ours, other)) == ([], [file_id])
    with pytest.raises(openai.NotFoundError, match=f"No file found with id '{file_id}'"):
        await room.ours.vector_stores.files.retrieve(file_id, vector_store_id=one)


async def test_a_deleted_file_leaves_all_stores(room: ApiRoom) -> None:
    file_id, left = await brought(room.ours), await brought(room.ours, "left.txt")
    ids = [await store(room, file_id, left), await store(room, file_id)]
    await room.ours.files.delete(file_id)
    assert [await found(room.ours, id_) for id_ in ids] == [[left], []]
    assert [one.id for one in (await room.ours.vector_stores.files.list(ids[0])).data] == [left]
    await stored.clear(room.database)
    assert await room.database.read(stored.count) == 1


async def test_a_file_that_is_removed_before_it_is_read_leaves_nothing(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    made = await room.ours.vector_stores.create(file_ids=[file_id])
    await room.ours.files.delete(file_id)
    await room.desk.indexing.quiet()
    await stored.clear(room.database)
    assert await room.database.read(stored.count) == 0
    assert counted(await room.ours.vector_stores.retrieve(made.id)) == (0, 0, 0, 0, 0)


async def test_what_nobody_reads_any_more_says_so_after_a_restart(
    room: ApiRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Indexing, "take", lambda *_: None)
    file_id = await brought(room.ours)
    id_ = await store(room, file_id)
    await room.desk.library.recover({room.desk.library.owner})
    failed = await room.ours.vector_stores.files.retrieve(file_id, vector_store_id=id_)
    assert failed.last_error is not None
    assert (failed.last_error.code, "add it again" in failed.last_error.message) == ("server_error", True)


async def test_what_is_not_read_when_parley_ends_is_left_to_the_next_start(room: ApiRoom) -> None:
    indexing, file_id = room.desk.indexing, await brought(room.ours)
    await indexing.close()
    made = await room.ours.vector_stores.create(file_ids=[file_id])
    await indexing.quiet()
    assert (await room.ours.vector_stores.retrieve(made.id)).status == "in_progress"


async def test_a_change_that_is_refused_makes_no_store(room: ApiRoom) -> None:
    here = Conversation("slack", "T1", "", "")

    async def named(tx: AsyncConnection) -> Assistant:
        return await assistants.copy(tx, here, await assistants.default(tx), "desk", room.clock.now())

    desk = await room.database.write(named)
    with pytest.raises(openai.BadRequestError, match="named in chat"):
        await room.team.beta.assistants.update(
            desk.id,
            name="Other",
            extra_body={"tool_resources": {"file_search": {"vector_stores": [{"metadata": {"a": "b"}}]}}},
        )
    assert [one async for one in room.team.vector_stores.list()] == []
