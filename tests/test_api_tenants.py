"""Tenants: nothing of one is seen, used, changed or found by another, though it knows every id."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from sqlalchemy import text

from bot.tenants import Tenant
from tests.programs import Programs, programs_at
from tests.scripted_model import ScriptedModel
from tools.code_interpreter import code_interpreter
from tools.file_search import file_search
from tools.registry import Registry

KEYS = {"key-ours": Tenant("api", "ours"), "key-theirs": Tenant("api", "theirs")}
HOTELS = b"Hotels: up to 120 euro a night."
SEARCH: Any = {"type": "file_search"}
OURS = {"content-type": "application/json", "authorization": "Bearer key-ours"}


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def programs(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Programs]:
    registry = Registry([code_interpreter, file_search])
    async with programs_at(tmp_path / "p.db", model, registry=registry, keys=KEYS) as made:
        yield made
        await made.parley.quiet()
        model.assert_done()


@dataclass(frozen=True, slots=True)
class Things:
    """The ids of what a tenant has."""

    assistant: str
    thread: str
    message: str
    run: str
    step: str
    call: str
    waiting: str
    """A run in `busy` that waits for outputs."""
    busy: str
    made: str
    """A file that a tool made."""
    file: str
    store: str
    batch: str


async def things(programs: Programs, client: AsyncOpenAI, model: ScriptedModel) -> Things:
    """One of each, and a run that waits for outputs."""
    file = await client.files.create(file=("hotels.txt", HOTELS), purpose="assistants")
    store = await client.vector_stores.create(name="Travel", file_ids=[file.id])
    batch = await client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    await programs.parley.core.indexing.quiet()
    asks: Any = {"type": "function", "function": {"name": "ask"}}
    tools: Any = [asks, {"type": "code_interpreter"}, SEARCH]
    assistant = await client.beta.assistants.create(
        model="gpt-test", name="Theirs", tools=tools, tool_resources={"file_search": {"vector_store_ids": [store.id]}}
    )
    runs = client.beta.threads.runs
    model.call(("code_interpreter", {"code": "plot([1, 2])"}))
    model.say("Drawn.")
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "Draw."}])
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10)
    step = (await runs.steps.list(run.id, thread_id=thread.id, order="asc")).data[0]
    message = (await client.beta.threads.messages.list(thread.id)).data[0]
    made = message.content[0]
    assert made.type == "image_file"
    (call,) = model.call(("ask", {}))
    busy = await client.beta.threads.create(messages=[{"role": "user", "content": "Ask."}])
    waiting = await runs.create_and_poll(thread_id=busy.id, assistant_id=assistant.id, poll_interval_ms=10)
    return Things(
        assistant.id, thread.id, message.id, run.id, step.id, call, waiting.id, busy.id, made.image_file.file_id,
        file.id, store.id, batch.id,
    )  # fmt: skip


def requests(of: Things, own: Things | None = None) -> list[tuple[str, str, Any]]:
    """Every request that names one of these things; what it takes beside that is `own`, or from there too."""
    mine = own or of
    thread, run = f"/threads/{of.thread}", f"/threads/{of.thread}/runs/{of.run}"
    waits = f"/threads/{of.busy}/runs/{of.waiting}"
    store, note = f"/vector_stores/{of.store}", {"metadata": {"seen": "yes"}}
    said = {"role": "user", "content": "Hi."}
    given = {"tool_outputs": [{"tool_call_id": of.call, "output": "x"}]}
    searching = {"tool_resources": {"file_search": {"vector_store_ids": [of.store]}}}
    return [
        ("GET", f"/assistants/{of.assistant}", None),
        ("POST", f"/assistants/{of.assistant}", {"name": "Mine"}),
        ("DELETE", f"/assistants/{of.assistant}", None),
        ("GET", thread, None),
        ("POST", thread, note),
        ("GET", f"{thread}/messages", None),
        ("POST", f"{thread}/messages", said),
        ("GET", f"{thread}/messages/{of.message}", None),
        ("POST", f"{thread}/messages/{of.message}", note),
        ("DELETE", f"{thread}/messages/{of.message}", None),
        ("GET", f"{thread}/runs", None),
        ("POST", f"{thread}/runs", {"assistant_id": mine.assistant}),
        ("POST", f"{thread}/runs", {"assistant_id": mine.assistant, "stream": True}),
        ("GET", run, None),
        ("POST", run, note),
        ("POST", f"{waits}/cancel", None),
        ("POST", f"{waits}/submit_tool_outputs", given),
        ("POST", f"{waits}/submit_tool_outputs", {**given, "stream": True}),
        ("GET", f"{run}/steps", None),
        ("GET", f"{run}/steps/{of.step}", None),
        ("DELETE", thread, None),
        ("GET", f"/files/{of.file}", None),
        ("GET", f"/files/{of.file}/content", None),
        ("DELETE", f"/files/{of.file}", None),
        ("GET", f"/files/{of.made}", None),
        ("GET", f"/files/{of.made}/content", None),
        ("DELETE", f"/files/{of.made}", None),
        ("GET", store, None),
        ("POST", store, {"name": "Mine"}),
        ("POST", f"{store}/search", {"query": "hotels"}),
        ("GET", f"{store}/files", None),
        ("POST", f"{store}/files", {"file_id": mine.file}),
        ("GET", f"{store}/files/{of.file}", None),
        ("POST", f"{store}/files/{of.file}", {"attributes": {"a": 1}}),
        ("GET", f"{store}/files/{of.file}/content", None),
        ("DELETE", f"{store}/files/{of.file}", None),
        ("POST", f"{store}/file_batches", {"file_ids": [mine.file]}),
        ("GET", f"{store}/file_batches/{of.batch}", None),
        ("POST", f"{store}/file_batches/{of.batch}/cancel", None),
        ("GET", f"{store}/file_batches/{of.batch}/files", None),
        ("DELETE", store, None),
        # what makes something of one's own with it
        ("POST", "/threads", searching),
        ("POST", "/assistants", {"model": "gpt-test", **searching}),
        ("POST", "/threads/runs", {"assistant_id": of.assistant}),
        ("POST", "/threads/runs", {"assistant_id": mine.assistant, **searching}),
        ("POST", "/vector_stores", {"file_ids": [of.file]}),
        ("POST", "/threads", {"messages": [{**said, "attachments": [{"file_id": of.file, "tools": [SEARCH]}]}]}),
        ("POST", "/threads", {"tool_resources": {"code_interpreter": {"file_ids": [of.file]}}}),
    ]


async def kept(programs: Programs) -> dict[str, list[Any]]:
    """All that is stored."""

    async def look(connection: Any) -> dict[str, list[Any]]:
        names = (await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars().all()
        known = [name for name in names if not name.startswith("sqlite_")]
        rows = {name: (await connection.execute(text(f'SELECT * FROM "{name}"'))).all() for name in known}
        return {name: sorted(map(repr, found)) for name, found in rows.items()}

    return await programs.parley.core.database.read(look)


async def test_every_request_with_an_id_of_anothers_is_answered_as_if_there_were_none_and_changes_nothing(
    programs: Programs, model: ScriptedModel
) -> None:
    theirs = await things(programs, programs.client("key-theirs"), model)
    ours = await things(programs, programs.client("key-ours"), model)
    await programs.parley.quiet()
    before = await kept(programs)
    nobodys = Things(**{name: f"{name}_0" for name in Things.__slots__})
    ids = {getattr(theirs, name): getattr(nobodys, name) for name in Things.__slots__}
    async with httpx2.AsyncClient(base_url=f"{programs.url}/v1", headers=OURS) as http:
        for asked, none in zip(requests(theirs, ours), requests(nobodys, ours), strict=True):
            answers = [await http.request(method, path, json=body) for method, path, body in (asked, none)]
            told = answers[0].text
            for id_, other in ids.items():
                told = told.replace(id_, other)
            assert (asked, answers[0].status_code, told) == (asked, 404, answers[1].text)
            assert answers[0].json()["error"]["message"].startswith("No ")
    assert await kept(programs) == before


async def test_the_same_requests_are_answered_to_whose_these_are(programs: Programs, model: ScriptedModel) -> None:
    ours = await things(programs, programs.client("key-ours"), model)
    async with httpx2.AsyncClient(base_url=f"{programs.url}/v1", headers=OURS) as http:
        for method, path, body in requests(ours):
            if method == "GET":
                assert (path, (await http.get(path)).status_code) == (path, 200)
            elif body in ({"metadata": {"seen": "yes"}}, {"name": "Mine"}, {"query": "hotels"}):
                assert (path, (await http.post(path, json=body)).status_code) == (path, 200)


@pytest.mark.parametrize("name", ["message", "run", "step", "batch"])
async def test_an_id_of_anothers_below_ones_own_thread_or_store_is_none(
    programs: Programs, model: ScriptedModel, name: str
) -> None:
    theirs = await things(programs, programs.client("key-theirs"), model)
    ours = await things(programs, programs.client("key-ours"), model)
    mixed = replace(ours, **{name: getattr(theirs, name)})
    await programs.parley.quiet()
    before = await kept(programs)
    async with httpx2.AsyncClient(base_url=f"{programs.url}/v1", headers=OURS) as http:
        named = [one for one in requests(mixed) if getattr(theirs, name) in one[1]]
        answers = [(await http.request(method, path, json=body)).status_code for method, path, body in named]
    assert answers == [404] * len(named)
    assert len(named) > 0
    assert await kept(programs) == before


async def test_a_thread_is_no_place_for_a_run_of_another_thread_of_ones_own(
    programs: Programs, model: ScriptedModel
) -> None:
    ours = await things(programs, client := programs.client("key-ours"), model)
    with pytest.raises(openai.NotFoundError, match=f"No run found with id '{ours.run}'"):
        await client.beta.threads.runs.retrieve(ours.run, thread_id=ours.busy)
    with pytest.raises(openai.NotFoundError, match=f"No message found with id '{ours.message}'"):
        await client.beta.threads.messages.retrieve(ours.message, thread_id=ours.busy)


async def test_lists_show_ones_own_only_and_begin_at_nothing_of_anothers(
    programs: Programs, model: ScriptedModel
) -> None:
    theirs = await things(programs, programs.client("key-theirs"), model)
    ours = await things(programs, client := programs.client("key-ours"), model)
    assert [one.id async for one in client.beta.assistants.list()] == [ours.assistant]
    assert {one.id async for one in client.files.list()} == {ours.file, ours.made}
    assert [one.id async for one in client.vector_stores.list()] == [ours.store]
    lists: list[tuple[Any, str]] = [
        (client.beta.assistants, theirs.assistant),
        (client.files, theirs.file),
        (client.vector_stores, theirs.store),
    ]
    for listing, after in lists:
        with pytest.raises(openai.NotFoundError):
            await listing.list(after=after)
    with pytest.raises(openai.NotFoundError):
        await client.beta.threads.messages.list(ours.thread, after=theirs.message)
    assert (await client.beta.threads.messages.list(ours.thread, run_id=theirs.run)).data == []


async def test_a_passage_of_anothers_file_is_never_found(programs: Programs, model: ScriptedModel) -> None:
    theirs = await things(programs, programs.client("key-theirs"), model)
    client = programs.client("key-ours")
    file = await client.files.create(file=("trains.txt", b"Trains go to hotels."), purpose="assistants")
    store = await client.vector_stores.create(file_ids=[file.id])
    await programs.parley.core.indexing.quiet()
    assistant = await client.beta.assistants.create(
        model="gpt-test", tools=[SEARCH], tool_resources={"file_search": {"vector_store_ids": [store.id]}}
    )
    model.call(("file_search", {"query": "hotels euro night"}))
    model.say("By train【1】【2】.")
    run = await client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Hotels?"}]}, poll_interval_ms=10
    )
    assert [one["file"] for one in json.loads(model.outputs()[0])["passages"]] == ["trains.txt"]
    (answer,) = (await client.beta.threads.messages.list(run.thread_id, run_id=run.id)).data
    assert theirs.file not in answer.to_json()
    (part,) = answer.content
    assert part.type == "text"
    assert [one.to_dict()["file_citation"] for one in part.text.annotations] == [{"file_id": file.id}]
