"""`/vector_stores`; what is in them and how it is searched stands in files of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import objects, pages, store_files, store_search
from bot.api.call import JSON, Call, Endpoint
from bot.api.forms import ChangedVectorStore, NewVectorStore
from bot.assistants.types import new_id
from bot.store import vector_stores as stored
from bot.store.vector_stores import Entry, VectorStore


async def make(call: Call, given: Mapping[str, Any]) -> str:
    """Make a store of what a request holds, and return its id. Raises `NotFound` for a file that is not the tenant's,
    and `ApiError`."""
    now = call.desk.clock.now()
    made = VectorStore(new_id("vs"), now, now, **_fields(given))
    strategy = store_files.chunking(given.get("chunking_strategy"))
    entries = [Entry(file_id, {}, strategy) for file_id in given.get("file_ids") or ()]

    async def operation(tx: AsyncConnection) -> store_files.Places:
        await stored.add(tx, call.tenant, made)
        return await store_files.put(tx, call, made.id, entries)

    store_files.begin(call, await call.desk.database.write(operation))
    return made.id


async def create(call: Call) -> JSON:
    form = await call.body(NewVectorStore)
    made = await make(call, form.given())
    return await call.desk.database.read(lambda c: _told(c, call, made))


async def retrieve(call: Call) -> JSON:
    return await call.desk.database.read(lambda c: _told(c, call, call.id("vector_store_id")))


async def update(call: Call) -> JSON:
    form, id_ = await call.body(ChangedVectorStore), call.id("vector_store_id")

    async def operation(tx: AsyncConnection) -> JSON:
        was = await stored.get(tx, call.tenant, id_)
        await stored.change(tx, replace(was, **_fields(form.given())))
        return await _told(tx, call, id_)

    return await call.desk.database.write(operation)


async def delete(call: Call) -> JSON:
    id_ = call.id("vector_store_id")
    await call.desk.database.write(lambda tx: stored.remove(tx, call.tenant, id_))
    return objects.deleted(id_, "vector_store")


async def listing(call: Call) -> JSON:
    page = call.page()

    async def operation(connection: AsyncConnection) -> JSON:
        found, more = await stored.page(connection, call.tenant, page)
        return pages.listed(await _objects(connection, call, found), more)

    return await call.desk.database.read(operation)


async def _told(connection: AsyncConnection, call: Call, store_id: str) -> JSON:
    (told,) = await _objects(connection, call, [await stored.get(connection, call.tenant, store_id)])
    return told


async def _objects(connection: AsyncConnection, call: Call, found: Sequence[VectorStore]) -> Sequence[JSON]:
    counts, now = await stored.counts(connection, [one.id for one in found]), call.desk.clock.now()
    return [objects.vector_store(one, counts[one.id], now) for one in found]


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sets, as the fields of a `VectorStore`."""
    fields: dict[str, Any] = {}
    if "name" in given:
        fields["name"] = given["name"]
    if "expires_after" in given:
        fields["expires_after_days"] = given["expires_after"] and given["expires_after"]["days"]
    if "metadata" in given:
        fields["metadata"] = given["metadata"] or {}
    return fields


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/vector_stores": {"GET": listing, "POST": create},
    "/vector_stores/{vector_store_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
    **store_files.ENDPOINTS,
    **store_search.ENDPOINTS,
}
