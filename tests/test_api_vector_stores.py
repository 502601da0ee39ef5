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

from bot.api.call import Call
from bot.api.forms import NewStore
from bot.api.indexing import Indexing
from bot.api.vector_stores import make
from bot.store import library as stored
from bot.store import vector_stores
from bot.store.library import Shelf
from bot.tenants import Tenant
from tests.api_room import ApiRoom, api_room
from tests.documents import pdf

HOTELS = b"Hotels: up to 120 euro a night, breakfast is paid on top."
TRAINS = b"Trains are first class, also on the way to hotels."
DAY = 86_400.0


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ApiRoom]:
    async with api_room(tmp_path / "parley.db") as made:
        yield made


async def brought(client: openai.AsyncOpenAI, name: str = "hotels.txt", text: bytes = HOTELS) -> str:
    return (await client.files.create(file=(name, text), purpose="assistants")).id


async def store(room: ApiRoom, *file_ids: str, client: openai.AsyncOpenAI | None = None, **fields: Any) -> str:
    """A store in which all is read that can be."""
    made = await (client or room.ours).vector_stores.create(file_ids=file_ids, **fields)
    await room.desk.indexing.quiet()
    return made.id


async def found(client: openai.AsyncOpenAI, store_id: str, query: str = "hotels", **fields: Any) -> list[str]:
    """The ids of the files whose passages are found, the best first."""
    return [one.file_id for one in (await client.vector_stores.search(store_id, query=query, **fields)).data]


def counted(one: VectorStore) -> Sequence[int]:
    counts = one.file_counts
    return counts.in_progress, counts.completed, counts.failed, counts.cancelled, counts.total


# -- stores -----------------------------------------------------------------------------------------------------------


async def test_a_store_says_what_it_is(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    made = await room.ours.vector_stores.create(name="Travel", file_ids=[file_id], metadata={"team": "ops"})
    assert made.id.startswith("vs_")
    assert (made.name, made.metadata, made.object) == ("Travel", {"team": "ops"}, "vector_store")
    assert (made.status, counted(made), made.usage_bytes) == ("in_progress", (1, 0, 0, 0, 1), 0)
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
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}},
            "chunking_strategy.static",
        ),
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
    assert (made.id, made.vector_store_id, made.status, made.last_error) == (file_id, id_, "in_progress", None)
    assert made.attributes == {"year": 2026, "draft": False, "by": "Eve"}
    assert [one async for one in files.content(file_id, vector_store_id=id_)] == []
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


async def test_a_file_that_failed_is_read_again_when_it_is_added_again(
    room: ApiRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> str:
        raise RuntimeError("out of order")

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
        {"key": 1e999},
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


# -- batches ----------------------------------------------------------------------------------------------------------


async def test_a_batch_brings_several_files(room: ApiRoom) -> None:
    ids = [await brought(room.ours), await brought(room.ours, "bad.docx", b"PK\3\4 broken")]
    id_ = await store(room, await brought(room.ours))
    batches = room.ours.vector_stores.file_batches
    made = await batches.create(id_, file_ids=ids, attributes={"year": 2026})
    assert made.id.startswith("vsfb_")
    assert (made.status, made.file_counts.total, made.vector_store_id) == ("in_progress", 2, id_)
    await room.desk.indexing.quiet()
    ended = await batches.retrieve(made.id, vector_store_id=id_)
    assert (ended.status, ended.file_counts.completed, ended.file_counts.failed) == ("completed", 1, 1)
    listed = [one async for one in batches.list_files(made.id, vector_store_id=id_, limit=1, order="asc")]
    assert [(one.id, one.attributes) for one in listed] == [(file_id, {"year": 2026}) for file_id in sorted(ids)]
    failed = batches.list_files(made.id, vector_store_id=id_, filter="failed")
    assert [one.id async for one in failed] == ids[1:]


async def test_a_batch_may_give_each_file_its_own_attributes(room: ApiRoom) -> None:
    one, other = await brought(room.ours), await brought(room.ours)
    id_ = await store(room)
    files: Any = [{"file_id": one, "attributes": {"year": 1}}, {"file_id": other}]
    await room.ours.vector_stores.file_batches.create(id_, files=files)
    await room.desk.indexing.quiet()
    listed = (await room.ours.vector_stores.files.list(id_)).data
    assert {file.id: file.attributes for file in listed} == {one: {"year": 1}, other: {}}


async def test_a_batch_of_neither_or_both_kinds_is_refused(room: ApiRoom) -> None:
    path, file_id = f"/vector_stores/{await store(room)}/file_batches", await brought(room.ours)
    for body in ({}, {"file_ids": [file_id], "files": [{"file_id": file_id}]}, {"file_ids": []}):
        assert (await room.http.post(path, json=body)).status_code == 400


async def test_a_cancelled_batch_reads_no_more(room: ApiRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, file_id = await brought(room.ours), await brought(room.ours)
    id_ = await store(room, kept)
    batches = room.ours.vector_stores.file_batches
    taken: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(Indexing, "take", lambda *given: taken.append(given))
        made = await batches.create(id_, file_ids=[kept, file_id])
    cancelled = await batches.cancel(made.id, vector_store_id=id_)
    assert (cancelled.status, cancelled.file_counts.cancelled, cancelled.file_counts.completed) == ("cancelled", 1, 1)
    for indexing, *given in taken:
        indexing.take(*given)
    await room.desk.indexing.quiet()
    assert await found(room.ours, id_) == [kept]
    assert (await room.ours.vector_stores.files.retrieve(file_id, vector_store_id=id_)).status == "cancelled"
    assert (await batches.cancel(made.id, vector_store_id=id_)).status == "cancelled"


async def test_a_batch_belongs_to_its_store(room: ApiRoom) -> None:
    one, other = await store(room), await store(room)
    made = await room.ours.vector_stores.file_batches.create(one, file_ids=[await brought(room.ours)])
    with pytest.raises(openai.NotFoundError):
        await room.ours.vector_stores.file_batches.retrieve(made.id, vector_store_id=other)


# -- whose they are ---------------------------------------------------------------------------------------------------


async def test_another_tenant_cannot_reach_a_store_by_its_id(room: ApiRoom) -> None:
    file_id = await brought(room.ours)
    id_ = await store(room, file_id)
    batch = await room.ours.vector_stores.file_batches.create(id_, file_ids=[file_id])
    for stranger in (room.theirs, room.team):
        own, stores = await brought(stranger), stranger.vector_stores
        assert (await stores.list()).data == []
        for call in (
            stores.retrieve(id_),
            stores.update(id_, name="Mine"),
            stores.delete(id_),
            stores.search(id_, query="hotels"),
            stores.files.create(id_, file_id=own),
            stores.files.list(id_),
            stores.files.retrieve(file_id, vector_store_id=id_),
            stores.files.update(file_id, vector_store_id=id_, attributes={}),
            stores.files.content(file_id, vector_store_id=id_),
            stores.files.delete(file_id, vector_store_id=id_),
            stores.file_batches.create(id_, file_ids=[own]),
            stores.file_batches.retrieve(batch.id, vector_store_id=id_),
            stores.file_batches.cancel(batch.id, vector_store_id=id_),
            stores.file_batches.list_files(batch.id, vector_store_id=id_),
        ):
            with pytest.raises(openai.NotFoundError, match=f"No vector store found with id '{id_}'"):
                await call
    assert await found(room.ours, id_) == [file_id]
    assert (await room.ours.vector_stores.retrieve(id_)).name == ""


async def test_another_tenants_file_cannot_be_put_into_ones_own_store(room: ApiRoom) -> None:
    theirs, id_ = await brought(room.theirs), await store(room)
    files: Any = [{"file_id": theirs}]
    for call in (
        room.ours.vector_stores.files.create(id_, file_id=theirs),
        room.ours.vector_stores.file_batches.create(id_, file_ids=[theirs]),
        room.ours.vector_stores.file_batches.create(id_, files=files),
    ):
        with pytest.raises(openai.NotFoundError, match=f"No file found with id '{theirs}'"):
            await call
    assert (await room.ours.vector_stores.files.list(id_)).data == []


async def test_a_batch_of_an_own_store_shows_no_others_batch(room: ApiRoom) -> None:
    mine, others = await store(room), await store(room, client=room.theirs)
    batch = await room.theirs.vector_stores.file_batches.create(others, file_ids=[await brought(room.theirs)])
    with pytest.raises(openai.NotFoundError):
        await room.ours.vector_stores.file_batches.list_files(batch.id, vector_store_id=mine)


async def test_forms_of_stores_are_those_of_resources(room: ApiRoom) -> None:
    """What an assistant brings for a store is what `make` takes."""
    tenant = Tenant("api", "ours")
    call = Call(None, tenant, room.desk)  # type: ignore[arg-type]
    id_ = await make(call, NewStore(file_ids=[await brought(room.ours)], metadata={"a": "b"}).model_dump())
    await room.desk.indexing.quiet()
    made = await room.database.read(lambda c: vector_stores.get(c, tenant, id_))
    assert made.metadata == {"a": "b"}
    assert await found(room.ours, id_)


async def test_chat_does_not_find_what_stands_in_a_store(room: ApiRoom) -> None:
    file_id = await brought(room.team)
    await store(room, file_id, client=room.team)
    for shelf in (Shelf("slack", "T1"), Shelf("slack", "T1", "C1"), Shelf("slack", "T1", "C1", "thread_1")):
        assert await room.desk.library.search(shelf, "hotels", 5) == []
        assert await room.database.read(partial(stored.in_reach, of=shelf)) == []
