"""Searching vector stores: what is found, what filters leave of it, and what runs of programs find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from bot.api import filters
from bot.assistants.lifecycle import new_run
from bot.assistants.types import Assistant, Run, Thread, new_id
from bot.ports import Conversation
from bot.store import programs, runs
from bot.store.library import Shelf
from bot.tenants import Tenant
from tests.api_room import HOTELS, TRAINS, ApiRoom, api_room, brought, found, store

OURS = Tenant("api", "ours")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ApiRoom]:
    async with api_room(tmp_path / "parley.db") as made:
        yield made


async def filled(
    room: ApiRoom, *contents: bytes, client: openai.AsyncOpenAI | None = None, **fields: Any
) -> tuple[str, list[str]]:
    """A store with a file of each of these contents, all read; and the ids of the files."""
    client = client or room.ours
    ids = [await brought(client, f"{number}.txt", content) for number, content in enumerate(contents)]
    return await store(room, *ids, client=client, **fields), ids


async def test_the_passage_that_fits_best_comes_first(room: ApiRoom) -> None:
    id_, (hotels, trains) = await filled(room, HOTELS, TRAINS)
    page = await room.ours.vector_stores.search(id_, query="trains to hotels")
    assert [(one.file_id, one.filename, one.score) for one in page.data] == [
        (trains, "1.txt", 1),
        (hotels, "0.txt", 0.5),
    ]
    assert [part.text for part in page.data[0].content] == [TRAINS.decode()]
    assert page.to_dict()["search_query"] == ["trains to hotels"]


async def test_no_more_is_found_than_is_asked_for(room: ApiRoom) -> None:
    id_, (_, trains) = await filled(room, HOTELS, TRAINS)
    assert await found(room.ours, id_, "trains", max_num_results=1) == [trains]
    assert await found(room.ours, id_, "trains hotels", ranking_options={"score_threshold": 0.6}) == [trains]
    assert await found(room.ours, id_, "zebra") == []


async def test_several_queries_are_one_search(room: ApiRoom) -> None:
    id_, ids = await filled(room, b"Trains are blue.", b"Buses are red.", b"Ships are white.")
    page = await room.ours.vector_stores.search(id_, query=["trains", "buses"], rewrite_query=True)
    assert {one.file_id for one in page.data} == set(ids[:2])
    assert page.to_dict()["search_query"] == ["trains", "buses"]


async def test_only_the_store_that_is_named_is_searched(room: ApiRoom) -> None:
    id_, (file_id,) = await filled(room, HOTELS)
    await filled(room, HOTELS)
    await filled(room, HOTELS, client=room.theirs)
    for shelf in (Shelf("api", "ours"), Shelf("api", "ours", "C1"), Shelf("api", "theirs", id_)):
        placed = room.desk.library.place(shelf, "loose.txt", "text/plain", 5, "")
        assert (await room.desk.library.read(placed, HOTELS, begun=False)).problem == ""
    assert await found(room.ours, id_) == [file_id]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": []},
        {"query": "x", "max_num_results": 0},
        {"query": "x", "max_num_results": 51},
        {"query": "x", "ranking_options": {"ranker": "best"}},
        {"query": "x", "filters": {"type": "like", "key": "a", "value": "b"}},
        {"query": "x", "filters": {"type": "eq", "key": "a", "value": ["b"]}},
        {"query": "x", "filters": {"type": "in", "key": "a", "value": "b"}},
        {"query": "x", "filters": {"type": "and", "filters": []}},
        {"query": "x", "filters": {"type": "and", "filters": [{"type": "eq", "key": "a", "value": 1}] * 101}},
        {"query": "x", "colour": "red"},
    ],
)
async def test_what_cannot_be_searched_for_is_refused(room: ApiRoom, body: dict[str, Any]) -> None:
    id_, _ = await filled(room)
    answer = await room.http.post(f"/vector_stores/{id_}/search", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("depth", [150, 600, 100_000])
async def test_a_filter_that_has_no_end_is_refused(room: ApiRoom, depth: int) -> None:
    id_, _ = await filled(room)
    nested = '{"type": "and", "filters": [' * depth + "]}" * depth
    answer = await room.http.post(f"/vector_stores/{id_}/search", content=f'{{"query": "x", "filters": {nested}}}')
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    "query",
    ['" OR shelf:x', "hotels) OR (shelf: *", "NEAR(hotels, 2)", "hotels AND NOT", "'; DROP TABLE passages; --", "\x00"],
)
async def test_a_query_is_words_and_nothing_else(room: ApiRoom, query: str) -> None:
    id_, _ = await filled(room, HOTELS)
    await filled(room, b"x shelf near and not drop table passages")
    assert set(await found(room.ours, id_, query)) <= {(await room.ours.vector_stores.files.list(id_)).data[0].id}


# -- filters ----------------------------------------------------------------------------------------------------------

EQ_OPS: Any = {"type": "eq", "key": "team", "value": "ops"}


async def test_filters_leave_the_files_that_fit(room: ApiRoom) -> None:
    id_, (one, other, third) = await filled(room, HOTELS, HOTELS, HOTELS)
    files = room.ours.vector_stores.files
    await files.update(one, vector_store_id=id_, attributes={"team": "ops", "year": 2025})
    await files.update(other, vector_store_id=id_, attributes={"team": "ops", "year": 2026})
    late: Any = {"type": "gte", "key": "year", "value": 2026}
    assert set(await found(room.ours, id_, filters=EQ_OPS)) == {one, other}
    assert await found(room.ours, id_, filters={"type": "and", "filters": [EQ_OPS, late]}) == [other]
    assert set(await found(room.ours, id_, filters={"type": "ne", "key": "year", "value": 2026})) == {one, third}
    assert await found(room.ours, id_, filters={"type": "eq", "key": "team", "value": "nobody"}) == []


async def test_what_is_found_tells_its_attributes(room: ApiRoom) -> None:
    id_, (file_id,) = await filled(room, HOTELS)
    await room.ours.vector_stores.files.update(file_id, vector_store_id=id_, attributes={"team": "ops"})
    (one,) = (await room.ours.vector_stores.search(id_, query="hotels", filters=EQ_OPS)).data
    assert one.attributes == {"team": "ops"}


HAS = {"team": "ops", "year": 2026, "draft": True, "share": 0.5}


@pytest.mark.parametrize(
    ("type_", "key", "value", "fits"),
    [
        ("eq", "team", "ops", True),
        ("eq", "team", "Ops", False),
        ("eq", "year", 2026.0, True),
        ("eq", "year", "2026", False),
        ("eq", "draft", True, True),
        ("eq", "draft", 1, False),
        ("eq", "none", "x", False),
        ("ne", "none", "x", True),
        ("ne", "draft", 1, True),
        ("gt", "year", 2025, True),
        ("gt", "year", 2026, False),
        ("gte", "year", 2026, True),
        ("lt", "share", 1, True),
        ("lte", "share", 0.5, True),
        ("lt", "year", "3", False),
        ("gt", "none", 0, False),
        ("gt", "team", "a", True),
        ("in", "team", ["hr", "ops"], True),
        ("in", "draft", [1], False),
        ("nin", "team", ["hr"], True),
        ("nin", "none", ["hr"], True),
        ("nin", "team", ["ops"], False),
    ],
)
def test_comparisons(type_: Any, key: str, value: Any, fits: bool) -> None:
    assert filters.fits(filters.Comparison(type=type_, key=key, value=value), HAS) is fits


# -- runs -------------------------------------------------------------------------------------------------------------


def naming(*store_ids: str) -> dict[str, Any]:
    return {"file_search": {"vector_store_ids": list(store_ids)}}


async def run_in(room: ApiRoom, tenant: Tenant, *, of_thread: Any = None, of_assistant: Any = None) -> Run:
    """A program's run whose thread and assistant have these resources."""
    now, thread_id, id_ = room.clock.now(), new_id("thread"), new_id("asst")
    run = new_run(now, id=new_id("run"), thread_id=thread_id, assistant_id=id_, model="m")

    async def operation(tx: Any) -> None:
        made = replace(Assistant(id_, now, "m", name=id_), tool_resources=of_assistant)
        await programs.add_assistant(tx, tenant, made)
        await programs.add_thread(tx, tenant, Thread(thread_id, now, tool_resources=of_thread))
        where = Conversation("api", tenant.workspace, "", thread_id)
        await runs.add(tx, run, owner="test", lease_until=now + 30, where=where)

    await room.database.write(operation)
    return run


async def heard(room: ApiRoom, run: Run) -> list[str]:
    """The texts that a run finds of hotels."""
    return sorted(passage.text for passage in (await room.searching.search(run, "hotels")).passages)


async def test_a_run_searches_the_stores_of_its_assistant_and_its_thread(room: ApiRoom) -> None:
    one, _ = await filled(room, HOTELS)
    other, _ = await filled(room, TRAINS)
    await filled(room, b"Other hotels.")
    run = await run_in(room, OURS, of_thread=naming(one), of_assistant=naming(other))
    assert await heard(room, run) == [HOTELS.decode(), TRAINS.decode()]


async def test_a_run_searches_the_files_of_its_own_thread(room: ApiRoom) -> None:
    run, other = await run_in(room, OURS), await run_in(room, OURS)
    for thread_id, text in ((run.thread_id, HOTELS), (other.thread_id, TRAINS)):
        placed = room.desk.library.place(Shelf("api", "ours", "", thread_id), "a.txt", "text/plain", 5, "")
        assert (await room.desk.library.read(placed, text, begun=False)).problem == ""
    assert await heard(room, run) == [HOTELS.decode()]


async def test_a_run_finds_nothing_of_a_store_that_is_another_tenants(room: ApiRoom) -> None:
    theirs, _ = await filled(room, HOTELS, client=room.theirs)
    run = await run_in(room, OURS, of_thread=naming(theirs), of_assistant=naming(theirs))
    assert await heard(room, run) == []
    assert not (await room.searching.search(run, "hotels")).files


async def test_a_run_of_a_workspace_searches_the_stores_of_that(room: ApiRoom) -> None:
    team, _ = await filled(room, HOTELS, client=room.team)
    assert await heard(room, await run_in(room, Tenant("slack", "T1"), of_thread=naming(team))) == [HOTELS.decode()]


async def test_a_run_finds_nothing_of_what_admins_added_for_chat(room: ApiRoom) -> None:
    placed = room.desk.library.place(Shelf("slack", "T1"), "a.txt", "text/plain", 5, "U1")
    assert (await room.desk.library.read(placed, HOTELS, begun=False)).problem == ""
    assert await heard(room, await run_in(room, Tenant("slack", "T1"))) == []


async def test_a_run_finds_nothing_of_a_store_that_has_expired(room: ApiRoom) -> None:
    id_, _ = await filled(room, HOTELS, expires_after={"anchor": "last_active_at", "days": 1})
    run = await run_in(room, OURS, of_thread=naming(id_))
    assert await heard(room, run) == [HOTELS.decode()]
    room.clock.advance(86_400)
    assert await heard(room, run) == []


async def test_a_search_of_a_run_is_a_use_of_the_store(room: ApiRoom) -> None:
    id_, _ = await filled(room, HOTELS, expires_after={"anchor": "last_active_at", "days": 1})
    run = await run_in(room, OURS, of_thread=naming(id_))
    for _ in range(3):
        room.clock.advance(0.9 * 86_400)
        assert await heard(room, run) == [HOTELS.decode()]
