"""What happens at once, or goes wrong half-way, while programs run assistants: nothing is lost and nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import incoming, making, streams
from bot.assistants.types import RUN_LIFETIME, Run
from bot.errors import StoreError
from bot.relay import BegunAgain
from bot.settlement import Settlement
from bot.store import runs as stored_runs
from bot.store import schema
from bot.store.journal import StoreJournal
from tests.programs import Programs, programs_at
from tests.scripted_model import ScriptedModel
from tests.test_api_runs import A_MESSAGE, BEGUN, WEATHER, WRITTEN, asked, said


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def programs(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Programs]:
    async with programs_at(tmp_path / "p.db", model, max_concurrent_runs=1) as made:
        yield made
        await made.parley.quiet()
        model.assert_done()
        assert made.parley.core.relay._listeners == {}


@pytest.fixture
def client(programs: Programs) -> AsyncOpenAI:
    return programs.client(timeout=10)


async def outcomes(*requests: Any) -> list[str]:
    """Of requests that are made at once: `ok`, or what they are refused with."""
    done = await asyncio.gather(*requests, return_exceptions=True)
    return sorted(one.message if isinstance(one, openai.APIStatusError) else "ok" for one in done)


async def names_of(stream: Any) -> list[str]:
    return [event.event async for event in stream]


async def test_of_two_runs_at_once_in_one_thread_one_is_made(client: AsyncOpenAI, model: ScriptedModel) -> None:
    gate = model.hold()
    thread, assistant = await asked(client)
    runs = client.beta.threads.runs
    first, second = await outcomes(*(runs.create(thread_id=thread, assistant_id=assistant) for _ in range(2)))
    assert "already has an active run" in first
    assert second == "ok"
    gate.open()


async def test_outputs_that_are_brought_twice_at_once_count_once(client: AsyncOpenAI, model: ScriptedModel) -> None:
    (call,) = model.call(("get_weather", {"place": "Oslo"}))
    model.say("Snow.")
    thread, assistant = await asked(client, tools=[WEATHER])
    runs = client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    outputs: Any = [{"tool_call_id": call, "output": "Snow"}]
    first, second = await outcomes(
        *(runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=outputs) for _ in range(2))
    )
    assert "do not accept tool outputs" in first
    assert second == "ok"
    assert (await runs.poll(run.id, thread_id=thread, poll_interval_ms=10)).status == "completed"


async def test_a_run_that_is_cancelled_while_outputs_are_brought_ends_so(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    (call,) = model.call(("get_weather", {"place": "Oslo"}))
    model.hold()
    thread, assistant = await asked(client, tools=[WEATHER])
    runs = client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    outputs: Any = [{"tool_call_id": call, "output": "Snow"}]
    done = await outcomes(
        runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=outputs),
        runs.cancel(run.id, thread_id=thread),
    )
    assert "ok" in done
    assert (await runs.poll(run.id, thread_id=thread, poll_interval_ms=10)).status == "cancelled"
    model._script.clear()  # whichever came first


async def test_a_run_that_waits_for_room_is_cancelled_and_its_stream_ends(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    gate = model.hold()
    first, assistant = await asked(client)
    second, _ = await asked(client)
    runs = client.beta.threads.runs
    await runs.create(thread_id=first, assistant_id=assistant)
    await gate.reached.wait()
    stream = await runs.create(thread_id=second, assistant_id=assistant, stream=True)
    run: Any = (await anext(stream)).data
    assert (await runs.cancel(run.id, thread_id=second)).status in ("cancelling", "cancelled")
    assert (await names_of(stream))[-1] == "thread.run.cancelled"
    gate.open()


async def test_a_run_that_waits_for_room_goes_on_waiting_when_others_are_looked_for(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    gate = model.hold()
    first, assistant = await asked(client)
    second, _ = await asked(client)
    runs = client.beta.threads.runs
    await runs.create(thread_id=first, assistant_id=assistant)
    await gate.reached.wait()
    run = await runs.create(thread_id=second, assistant_id=assistant)
    await programs.parley.next_sweep()
    await programs.parley.next_sweep()
    await asyncio.sleep(0)
    assert (await runs.retrieve(run.id, thread_id=second)).status == "queued"
    assert len(model.requests) == 1
    model.say("Cold.")
    gate.open()
    assert (await runs.poll(run.id, thread_id=second, poll_interval_ms=10)).status == "completed"


async def test_who_goes_before_the_first_event_stops_nothing(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.say("Cold.")
    thread, assistant = await asked(client)
    core, begun, ended = programs.parley.core, making.begin, asyncio.Event()
    settle = Settlement.settle

    async def begin(*given: Any) -> Run:
        request.cancel()
        return await begun(*given)

    async def settling(*given: Any, **named: Any) -> None:
        await settle(*given, **named)
        ended.set()

    monkeypatch.setattr(making, "begin", begin)
    monkeypatch.setattr(Settlement, "settle", settling)
    request = asyncio.create_task(
        client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    )
    await asyncio.wait([request])
    await ended.wait()
    assert request.cancelled()
    assert await core.database.read(ids_of(schema.runs)) != []
    assert await said(client, thread) == ["How is Oslo?", "Cold."]


async def test_a_stream_hears_the_end_of_a_run_that_somebody_else_drives(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SOON", 0.0)
    monkeypatch.setattr(streams, "QUIET", 0.01)
    core = programs.parley.core
    monkeypatch.setattr(core.handler, "begin", lambda run_id: None)
    thread, assistant = await asked(client)
    stream = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    run: Any = (await anext(stream)).data
    await core.engine.fail(run.id)
    assert (await names_of(stream))[-1] == "thread.run.failed"


async def test_a_stream_tells_what_was_done_before_anybody_listened(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SOON", 0.0)
    core = programs.parley.core
    shelve = incoming.shelve

    async def slowly(*given: Any) -> None:
        await shelve(*given)
        (run_id,) = await core.database.read(ids_of(schema.runs))
        core.handler.begin(run_id)
        await programs.parley.quiet()

    model.say("Cold.")
    thread, assistant = await asked(client)
    monkeypatch.setattr(incoming, "shelve", slowly)
    stream = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    assert await names_of(stream) == [
        *BEGUN, *A_MESSAGE, "thread.message.delta", *WRITTEN, "thread.run.completed",
    ]  # fmt: skip


async def test_a_thread_is_not_deleted_while_its_run_is_streamed(client: AsyncOpenAI, model: ScriptedModel) -> None:
    gate = model.hold("It ")
    thread, assistant = await asked(client)
    stream = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    await gate.reached.wait()
    with pytest.raises(openai.BadRequestError, match="while a run is active in it"):
        await client.beta.threads.delete(thread)
    gate.open()
    assert (await names_of(stream))[-1] == "thread.run.completed"
    assert (await client.beta.threads.delete(thread)).deleted


async def test_a_run_that_waits_for_room_too_long_has_expired_when_there_is_some(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    gate = model.hold()
    (first, assistant), (second, _) = await asked(client), await asked(client)
    runs = client.beta.threads.runs
    await runs.create(thread_id=first, assistant_id=assistant)
    await gate.reached.wait()
    stream = await runs.create(thread_id=second, assistant_id=assistant, stream=True)
    programs.parley.clock.advance(RUN_LIFETIME)  # which is over for the other one, too
    assert (await names_of(stream))[-1] == "thread.run.expired"
    assert len(model.requests) == 1


async def test_a_run_that_is_cancelled_in_the_moment_when_it_begins_ends_so(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, assistant = await asked(client)
    before = StoreJournal.start_run

    async def start_run(journal: StoreJournal, run: Run) -> None:
        await client.beta.threads.runs.cancel(run.id, thread_id=thread)
        await before(journal, run)

    monkeypatch.setattr(StoreJournal, "start_run", start_run)
    stream = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    async with asyncio.timeout(5):
        names = await names_of(stream)
    assert names[-1] == "thread.run.cancelled"
    assert model.requests == []


async def test_a_store_that_fails_leaves_neither_thread_nor_run(
    programs: Programs, client: AsyncOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = await client.beta.assistants.create(model="gpt-test")
    database = programs.parley.core.database
    add = stored_runs.add

    async def failing(*given: Any, **named: Any) -> bool:
        await add(*given, **named)
        raise StoreError("The disk is full.")

    monkeypatch.setattr(stored_runs, "add", failing)
    with pytest.raises(openai.InternalServerError) as refused:
        await client.beta.threads.create_and_run(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Oslo?"}]}
        )
    assert (refused.value.status_code, refused.value.response.headers["retry-after"]) == (503, "1")
    assert (await database.read(ids_of(schema.threads)), await database.read(ids_of(schema.runs))) == ([], [])


async def test_of_many_runs_nothing_is_kept_for_listeners(client: AsyncOpenAI, programs: Programs) -> None:
    relay = programs.parley.core.relay
    for number in range(50):
        with relay.listening(f"run_{number % 3}") as one, relay.listening(f"run_{number % 3}") as other:
            relay.tell(f"run_{number % 3}", BegunAgain())
            assert await one.next() == await other.next() == [BegunAgain()]
    assert relay._listeners == {}


def ids_of(table: Table) -> Callable[[AsyncConnection], Awaitable[list[str]]]:
    async def operation(connection: AsyncConnection) -> list[str]:
        return list((await connection.execute(select(table.c.id))).scalars())

    return operation
