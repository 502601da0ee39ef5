"""`/vector_stores/{id}/files`, and the batches in which files come there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import objects, pages
from bot.api.call import JSON, Call, Endpoint
from bot.api.errors import ApiError
from bot.api.forms import ChangedStoreFile, NewBatch, NewStoreFile
from bot.api.refusals import supported
from bot.assistants.types import new_id
from bot.store import library, vector_stores
from bot.store.library import Shelf, Stored
from bot.store.uploads import Upload
from bot.store.vector_stores import Batch, Entry, Status, VectorStore

MOST_FILES = 10_000
"""Of one store: https://platform.openai.com/docs/assistants/tools/file-search#vector-stores"""

Places = Sequence[tuple[Stored, str]]


async def put(
    tx: AsyncConnection, call: Call, store_id: str, entries: Sequence[Entry], batch_id: str | None = None
) -> Places:
    """Files into a store, in a transaction; `begin` is for what it returns, afterwards.

    Raises `NotFound` for a file that is not the tenant's, and `ApiError` where there is no room for all of them.
    """
    shelf = Shelf(call.tenant.platform, call.tenant.workspace, store_id)

    def place(upload: Upload) -> Stored:
        return call.desk.library.place(shelf, upload.name, upload.mime, upload.size, "")

    now = call.desk.clock.now()
    places = await vector_stores.add_files(tx, call.tenant, store_id, entries, now, place, batch_id)
    if (await vector_stores.counts(tx, [store_id]))[store_id].total > MOST_FILES:
        raise ApiError(f"A vector store can have {MOST_FILES:,} files at most.", code="file_limit_exceeded")
    await vector_stores.touch(tx, [store_id], now)
    return places


def begin(call: Call, places: Places) -> None:
    """Have files read that were put into a store."""
    for stored, file_id in places:
        call.desk.indexing.take(stored, file_id)


async def living(connection: AsyncConnection, call: Call, store_id: str) -> VectorStore:
    """A store that has not expired. Raises `NotFound` and `ApiError`."""
    store = await vector_stores.get(connection, call.tenant, store_id)
    if store.expired(call.desk.clock.now()):
        raise ApiError(f"The vector store '{store_id}' has expired.", code="vector_store_expired")
    return store


# -- files ------------------------------------------------------------------------------------------------------------


async def create(call: Call) -> JSON:
    form, store_id = await call.body(NewStoreFile), call.id("vector_store_id")
    entry = _entry(form.given())

    async def operation(tx: AsyncConnection) -> tuple[Places, JSON]:
        await living(tx, call, store_id)
        places = await put(tx, call, store_id, [entry])
        return places, objects.store_file(await vector_stores.member(tx, store_id, entry.file_id))

    places, made = await call.desk.database.write(operation)
    begin(call, places)
    return made


async def listing(call: Call) -> JSON:
    return await _listed(call, call.id("vector_store_id"))


async def retrieve(call: Call) -> JSON:
    store_id, file_id = _named(call)

    async def operation(connection: AsyncConnection) -> JSON:
        await vector_stores.get(connection, call.tenant, store_id)
        return objects.store_file(await vector_stores.member(connection, store_id, file_id))

    return await call.desk.database.read(operation)


async def update(call: Call) -> JSON:
    form, (store_id, file_id) = await call.body(ChangedStoreFile), _named(call)

    async def operation(tx: AsyncConnection) -> JSON:
        await vector_stores.get(tx, call.tenant, store_id)
        await vector_stores.member(tx, store_id, file_id)
        await vector_stores.describe(tx, store_id, file_id, form.attributes or {})
        return objects.store_file(await vector_stores.member(tx, store_id, file_id))

    return await call.desk.database.write(operation)


async def delete(call: Call) -> JSON:
    store_id, file_id = _named(call)

    async def operation(tx: AsyncConnection) -> None:
        await vector_stores.get(tx, call.tenant, store_id)
        await vector_stores.remove_file(tx, store_id, file_id)
        await vector_stores.touch(tx, [store_id], call.desk.clock.now())

    await call.desk.database.write(operation)
    return objects.deleted(file_id, "vector_store.file")


async def content(call: Call) -> JSON:
    """The passages of a file, as they are searched; none before it is read."""
    store_id, file_id = _named(call)

    async def operation(connection: AsyncConnection) -> Sequence[str]:
        await vector_stores.get(connection, call.tenant, store_id)
        found = await vector_stores.member(connection, store_id, file_id)
        return await library.texts(connection, found.document_id) if found.status == "completed" else []

    texts = await call.desk.database.read(operation)
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text} for text in texts],
        "has_more": False,
        "next_page": None,
    }


# -- batches ----------------------------------------------------------------------------------------------------------


async def create_batch(call: Call) -> JSON:
    form, store_id = await call.body(NewBatch), call.id("vector_store_id")
    given = form.given()
    shared = {name: given.get(name) for name in ("attributes", "chunking_strategy")}
    entries = [_entry(one) for one in given.get("files") or ()]
    entries += [_entry({"file_id": file_id, **shared}) for file_id in given.get("file_ids") or ()]
    made = Batch(new_id("vsfb"), store_id, call.desk.clock.now())

    async def operation(tx: AsyncConnection) -> tuple[Places, JSON]:
        await living(tx, call, store_id)
        await vector_stores.add_batch(tx, made)
        return await put(tx, call, store_id, entries, made.id), await _batch(tx, made)

    places, told = await call.desk.database.write(operation)
    begin(call, places)
    return told


async def retrieve_batch(call: Call) -> JSON:
    return await call.desk.database.read(lambda c: _found_batch(c, call))


async def cancel_batch(call: Call) -> JSON:
    async def operation(tx: AsyncConnection) -> JSON:
        found = await _found_batch(tx, call)
        if found["status"] == "in_progress":
            await vector_stores.cancel(tx, found["id"])
        return await _found_batch(tx, call)

    return await call.desk.database.write(operation)


async def batch_files(call: Call) -> JSON:
    return await _listed(call, call.id("vector_store_id"), call.id("batch_id"))


async def _found_batch(connection: AsyncConnection, call: Call) -> JSON:
    await vector_stores.get(connection, call.tenant, call.id("vector_store_id"))
    return await _batch(
        connection, await vector_stores.batch(connection, call.id("vector_store_id"), call.id("batch_id"))
    )


async def _batch(connection: AsyncConnection, one: Batch) -> JSON:
    return objects.file_batch(one, await vector_stores.counts_of(connection, one.id))


# -- both -------------------------------------------------------------------------------------------------------------


async def _listed(call: Call, store_id: str, batch_id: str | None = None) -> JSON:
    page, status = call.page("filter"), _status(call.request.query_params.get("filter"))

    async def operation(connection: AsyncConnection) -> JSON:
        await vector_stores.get(connection, call.tenant, store_id)
        if batch_id is not None:
            await vector_stores.batch(connection, store_id, batch_id)
        found, more = await vector_stores.files(connection, store_id, page, status, batch_id)
        return pages.listed([objects.store_file(one) for one in found], more)

    return await call.desk.database.read(operation)


def _status(said: str | None) -> Status | None:
    for known in get_args(Status):
        if said == known:
            return known  # type: ignore[no-any-return]
    if said is not None:
        raise ApiError(supported(said, get_args(Status)), param="filter", code="invalid_value")
    return None


def _named(call: Call) -> tuple[str, str]:
    return call.id("vector_store_id"), call.id("file_id")


def _entry(given: Mapping[str, Any]) -> Entry:
    return Entry(given["file_id"], given.get("attributes") or {}, chunking(given.get("chunking_strategy")))


def chunking(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A strategy as it is kept: nothing where it is left to Parley."""
    return given if given is not None and given["type"] == "static" else {}


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/vector_stores/{vector_store_id}/files": {"GET": listing, "POST": create},
    "/vector_stores/{vector_store_id}/files/{file_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
    "/vector_stores/{vector_store_id}/files/{file_id}/content": {"GET": content},
    "/vector_stores/{vector_store_id}/file_batches": {"POST": create_batch},
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}": {"GET": retrieve_batch},
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel": {"POST": cancel_batch},
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files": {"GET": batch_files},
}
