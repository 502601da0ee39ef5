"""Batches of files that come to vector stores, and whose the stores are: tenants never reach one another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest

from bot.api.call import Call
from bot.api.forms import NewStore
from bot.api.indexing import Indexing
from bot.api.vector_stores import make
from bot.store import library as stored
from bot.store import vector_stores
from bot.store.library import Shelf
from bot.tenants import Tenant
from tests.api_room import ApiRoom, api_room, brought, found, store


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ApiRoom]:
    async with api_room(tmp_path / "parley.db") as made:
        yield made


# -- batches ----------------------------------------------------------------------------------------------------------


async def test_a_batch_brings_several_files(room: ApiRoom) -> None:
    ids = [await brought(room.ours), await brought(room.ours, "bad.docx", b"PK\3\4 broken")]
    id_ = await store(room, await brought(room.ours))
    batches = room.ours.vector_stores.file_batches
    made = await batches.create(id_, file_ids=ids, attributes={"year": 2026})
    assert made.id.startswith("vsfb_")
    assert (made.file_counts.total, made.vector_store_id) == (2, id_)
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
    bodies: list[dict[str, Any]] = [
        {},
        {"file_ids": [file_id], "files": [{"file_id": file_id}]},
        {"file_ids": []},
    ]
    for body in bodies:
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
