"""`/vector_stores/{id}/search`: passages of the files of one store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import filters, objects, store_files
from bot.api.body import Body, Text
from bot.api.call import JSON, Call, Endpoint
from bot.api.filters import Filter
from bot.library import fused
from bot.store import vector_stores
from bot.store.library import Hit, Reach
from bot.store.vector_stores import Member

Query = Annotated[Text, StringConstraints(min_length=1, max_length=4_096)]


class _Ranking(Body):
    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class _Search(Body):
    """`rewrite_query` is taken, and nothing is rewritten: the answer says what was searched for."""

    query: Query | Annotated[list[Query], Field(min_length=1, max_length=16)]
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    filters: Filter | None = None
    ranking_options: _Ranking | None = None
    rewrite_query: bool | None = None

    @model_validator(mode="after")
    def _bounded(self) -> _Search:
        if self.filters is not None and filters.size(self.filters) > filters.MOST:
            raise ValueError(f"a filter may have {filters.MOST} comparisons at most")
        return self


async def search(call: Call) -> JSON:
    form, store_id = await call.body(_Search), call.id("vector_store_id")
    await _use(call, store_id)
    queries = [form.query] if isinstance(form.query, str) else form.query
    reach = Reach(call.tenant.platform, call.tenant.workspace, (store_id,), documents=await _fitting(call, form))
    hits = await _hits(call, reach, queries, form.max_num_results)
    files = await _files(call, store_id, hits)
    ranking = form.ranking_options
    least = (ranking.score_threshold if ranking else None) or 0.0
    ranked = enumerate((hit for hit in hits if hit.document_id in files), 1)
    told = [objects.found(files[hit.document_id], rank, hit.text) for rank, hit in ranked]
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": [one for one in told if one["score"] >= least],
        "has_more": False,
        "next_page": None,
    }


async def _use(call: Call, store_id: str) -> None:
    """Raises `NotFound`, and `ApiError` where it has expired."""
    now = call.desk.clock.now()
    store = await call.desk.database.read(lambda c: store_files.living(c, call, store_id))
    if store.idle(now):
        await call.desk.database.write(lambda tx: vector_stores.touch(tx, [store_id], now))


async def _fitting(call: Call, form: _Search) -> frozenset[str] | None:
    """The documents whose attributes fit what is asked for; None where nothing is."""
    wanted = form.filters
    if wanted is None:
        return None
    store_id = call.id("vector_store_id")
    files = await call.desk.database.read(lambda c: vector_stores.described(c, store_id))

    def fitting() -> frozenset[str]:
        return frozenset(id_ for id_, attributes in files if filters.fits(wanted, attributes))

    return await asyncio.to_thread(fitting)


async def _hits(call: Call, reach: Reach, queries: Sequence[str], most: int) -> Sequence[Hit]:
    found = [await call.desk.library.search(reach, query, most) for query in queries]
    known = {hit.seq: hit for hits in found for hit in hits}
    return [known[seq] for seq in fused(*([hit.seq for hit in hits] for hits in found))][:most]


async def _files(call: Call, store_id: str, hits: Sequence[Hit]) -> Mapping[str, Member]:
    async def operation(connection: AsyncConnection) -> Mapping[str, Member]:
        return await vector_stores.found(connection, store_id, {hit.document_id for hit in hits})

    return await call.desk.database.read(operation)


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/vector_stores/{vector_store_id}/search": {"POST": search},
}
