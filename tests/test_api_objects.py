"""Assistants, threads, messages and runs as objects: made, read, changed, listed page by page, and gone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from bot.models.port import UserText
from tests.programs import KEY, Programs, programs_at
from tests.scripted_model import ScriptedModel
from tools.file_search import file_search
from tools.registry import Registry

PNG = b"\x89PNG\r\n\x1a\n chart"
SEARCH: Any = {"type": "file_search"}
ASK: Any = {"type": "function", "function": {"name": "ask"}}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "weather",
        "strict": True,
        "schema": {"type": "object", "properties": {"cold": {"type": "boolean"}}},
    },
}


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def programs(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Programs]:
    async with programs_at(tmp_path / "p.db", model, registry=Registry([file_search])) as made:
        yield made
        await made.parley.quiet()
        model.assert_done()


@pytest.fixture
def client(programs: Programs) -> AsyncOpenAI:
    return programs.client()


async def ran(client: AsyncOpenAI, thread_id: str, assistant: Any = None, **fields: Any) -> Any:
    made = (await client.beta.assistants.create(model="gpt-test", **(assistant or {}))).id
    return await client.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=made, poll_interval_ms=10, **fields
    )


async def begun(client: AsyncOpenAI, *content: Any, **fields: Any) -> str:
    """A thread with a message for each content."""
    said: list[Any] = [{"role": "user", "content": one} for one in content]
    return (await client.beta.threads.create(messages=said, **fields)).id


# -- assistants -------------------------------------------------------------------------------------------------------


async def test_an_assistant_is_what_it_was_made_of(client: AsyncOpenAI) -> None:
    made = await client.beta.assistants.create(
        model="gpt-test", name="Ada", description="Tells.", instructions="Be brief.", tools=[SEARCH, ASK],
        metadata={"team": "a"}, temperature=0.5, top_p=0.25, response_format=SCHEMA,
    )  # fmt: skip
    assert (made.object, made.name, made.description, made.instructions) == ("assistant", "Ada", "Tells.", "Be brief.")
    assert (made.metadata, made.temperature, made.top_p) == ({"team": "a"}, 0.5, 0.25)
    assert made.to_dict()["response_format"] == SCHEMA
    assert [tool.to_dict() for tool in made.tools] == [SEARCH, ASK]
    assert await client.beta.assistants.retrieve(made.id) == made


async def test_a_change_of_an_assistant_leaves_the_rest_and_null_empties(client: AsyncOpenAI) -> None:
    made = await client.beta.assistants.create(
        model="gpt-test", name="Ada", instructions="Be brief.", top_p=0.5, metadata={"team": "a"}
    )
    changed = await client.beta.assistants.update(made.id, instructions="In verse.", top_p=None, metadata={"b": "c"})
    expected = {"instructions": "In verse.", "top_p": None, "metadata": {"b": "c"}}
    assert changed.to_dict() == {**made.to_dict(), **expected}
    assert await client.beta.assistants.retrieve(made.id) == changed


async def test_a_deleted_assistant_is_gone(client: AsyncOpenAI) -> None:
    made = await client.beta.assistants.create(model="gpt-test")
    told = await client.beta.assistants.delete(made.id)
    assert (told.id, told.deleted, told.object) == (made.id, True, "assistant.deleted")
    for asked in (client.beta.assistants.retrieve, client.beta.assistants.delete):
        with pytest.raises(openai.NotFoundError, match=re.escape(f"No assistant found with id '{made.id}'.")):
            await asked(made.id)
    assert [one.id async for one in client.beta.assistants.list()] == []


# -- lists ------------------------------------------------------------------------------------------------------------


async def test_assistants_are_listed_page_by_page(client: AsyncOpenAI) -> None:
    ids = [(await client.beta.assistants.create(model="gpt-test")).id for _ in range(5)]
    assert [one.id async for one in client.beta.assistants.list(limit=2)] == ids[::-1]
    assert [one.id async for one in client.beta.assistants.list(limit=2, order="asc")] == ids
    page = await client.beta.assistants.list(limit=2, order="asc", after=ids[0])
    assert ([one.id for one in page.data], page.has_more) == (ids[1:3], True)
    page = await client.beta.assistants.list(limit=2, order="asc", before=ids[3])
    assert ([one.id for one in page.data], page.has_more) == (ids[1:3], True)
    page = await client.beta.assistants.list(limit=2, order="asc", before=ids[2])
    assert ([one.id for one in page.data], page.has_more) == (ids[:2], False)
    page = await client.beta.assistants.list(order="asc", after=ids[0], before=ids[3])
    assert ([one.id for one in page.data], page.has_more) == (ids[1:3], False)


async def test_messages_are_listed_page_by_page_newest_first(client: AsyncOpenAI) -> None:
    thread = await begun(client, *(f"Line {number}" for number in range(7)))
    texts = [part.text.value async for one in client.beta.threads.messages.list(thread, limit=3)
             for part in one.content if part.type == "text"]  # fmt: skip
    assert texts == [f"Line {number}" for number in reversed(range(7))]


async def test_lists_tell_their_first_and_last_ids(programs: Programs, client: AsyncOpenAI) -> None:
    thread = await begun(client, "One", "Two")
    async with httpx2.AsyncClient(base_url=programs.url, headers={"authorization": f"Bearer {KEY}"}) as http:
        told = (await http.get(f"/v1/threads/{thread}/messages")).json()
        nothing = (await http.get(f"/v1/threads/{thread}/runs")).json()
    assert (told["object"], told["has_more"]) == ("list", False)
    assert [told["first_id"], told["last_id"]] == [one["id"] for one in told["data"]]
    assert nothing == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


async def test_limits_that_cannot_be_are_refused(client: AsyncOpenAI) -> None:
    for limit in (0, 101, -1):
        with pytest.raises(openai.BadRequestError, match="limit"):
            await client.beta.assistants.list(limit=limit)
    with pytest.raises(openai.BadRequestError, match="Supported values are: 'asc' and 'desc'"):
        await client.beta.assistants.list(order="up")  # type: ignore[arg-type]
    with pytest.raises(openai.NotFoundError, match="No assistant found with id 'asst_0'"):
        await client.beta.assistants.list(after="asst_0")


# -- threads and messages ---------------------------------------------------------------------------------------------


async def test_a_thread_is_changed_and_then_gone_with_all_in_it(client: AsyncOpenAI) -> None:
    thread = await begun(client, "Hello", metadata={"a": "b"})
    assert (await client.beta.threads.retrieve(thread)).metadata == {"a": "b"}
    assert (await client.beta.threads.update(thread, metadata={"c": "d"})).metadata == {"c": "d"}
    (message,) = (await client.beta.threads.messages.list(thread)).data
    assert (await client.beta.threads.delete(thread)).to_dict() == {
        "id": thread, "object": "thread.deleted", "deleted": True,
    }  # fmt: skip
    missing = re.escape(f"No thread found with id '{thread}'.")
    threads = client.beta.threads
    with pytest.raises(openai.NotFoundError, match=missing):
        await threads.retrieve(thread)
    with pytest.raises(openai.NotFoundError, match=missing):
        await threads.delete(thread)
    with pytest.raises(openai.NotFoundError, match=missing):
        await threads.messages.retrieve(message.id, thread_id=thread)
    with pytest.raises(openai.NotFoundError, match=missing):
        await threads.messages.create(thread, role="user", content="Hello?")
    with pytest.raises(openai.NotFoundError, match=missing):
        await threads.runs.create(thread, assistant_id="asst_1")


async def test_a_message_is_described_and_then_gone_and_the_model_does_not_read_it(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.say("Sun.")
    thread = await begun(client, "How is Oslo?", "How is Rome?")
    messages = client.beta.threads.messages
    rome, oslo = (await messages.list(thread)).data
    assert (await messages.update(rome.id, thread_id=thread, metadata={"a": "b"})).metadata == {"a": "b"}
    assert (await messages.retrieve(rome.id, thread_id=thread)).metadata == {"a": "b"}
    told = await messages.delete(oslo.id, thread_id=thread)
    assert (told.id, told.object, told.deleted) == (oslo.id, "thread.message.deleted", True)
    with pytest.raises(openai.NotFoundError, match=re.escape(f"No message found with id '{oslo.id}'.")):
        await messages.retrieve(oslo.id, thread_id=thread)
    assert [one.id async for one in messages.list(thread)] == [rome.id]
    await ran(client, thread)
    assert model.heard() == ["How is Rome?"]


async def test_nothing_is_deleted_while_a_run_is_active_and_all_of_it_right_after(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.call(("ask", {}))
    thread = await begun(client, "How is Oslo?")
    run = await ran(client, thread, {"tools": [ASK]})
    messages = client.beta.threads.messages
    (message,) = (await messages.list(thread, limit=1)).data
    with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active"):
        await messages.delete(message.id, thread_id=thread)
    with pytest.raises(openai.BadRequestError, match=f"Can't delete {thread} while a run is active"):
        await client.beta.threads.delete(thread)
    await client.beta.threads.runs.cancel(run.id, thread_id=thread)
    run = await client.beta.threads.runs.poll(run.id, thread_id=thread, poll_interval_ms=10)
    assert run.status == "cancelled"
    await messages.delete(message.id, thread_id=thread)
    assert (await client.beta.threads.delete(thread)).deleted


# -- what the model gets ----------------------------------------------------------------------------------------------


async def test_images_reach_the_model_by_address_and_by_file(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("A dot.")
    file = await client.files.create(file=("dot.png", PNG), purpose="vision")
    content: Any = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}},
        {"type": "image_file", "image_file": {"file_id": file.id}},
    ]
    thread = await begun(client, content)
    run = await ran(client, thread)
    (asked,) = [item for item in model.requests[0].items if isinstance(item, UserText)]
    assert (asked.text, run.status) == ("What is it?", "completed")
    assert [(image.url, image.data) for image in asked.images] == [("https://example.com/cat.png", b""), ("", PNG)]
    message = (await client.beta.threads.messages.list(thread, order="asc")).data[0]
    assert [part.type for part in message.content] == ["text", "image_url", "image_file"]
    assert message.content[1].to_dict() == content[1]


async def test_an_attached_file_is_read_with_its_message_or_searched(client: AsyncOpenAI, model: ScriptedModel) -> None:
    whole = await client.files.create(file=("notes.txt", b"Snow in Oslo."), purpose="assistants")
    sought = await client.files.create(file=("hotels.txt", b"Hotels cost 120 euro."), purpose="assistants")
    attachments: Any = [{"file_id": whole.id, "tools": []}, {"file_id": sought.id, "tools": [SEARCH]}]
    thread = (await client.beta.threads.create()).id
    made = await client.beta.threads.messages.create(thread, role="user", content="Read.", attachments=attachments)
    assert [one.to_dict() for one in made.attachments or ()] == attachments
    model.call(("file_search", {"query": "hotels"}))
    model.say("Read.")
    await ran(client, thread, {"tools": [SEARCH]})
    (asked,) = [item for item in model.requests[0].items if isinstance(item, UserText)]
    assert [(file.name, file.text) for file in asked.files] == [("notes.txt", "Snow in Oslo.")]
    assert "Hotels cost 120 euro." in model.outputs()[0]


async def test_a_file_that_is_no_image_is_refused_as_one(client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("notes.txt", b"Snow."), purpose="assistants")
    with pytest.raises(openai.BadRequestError, match="no image that models can look at"):
        await begun(client, [{"type": "image_file", "image_file": {"file_id": file.id}}])
    with pytest.raises(openai.NotFoundError, match=re.escape("No file found with id 'file-0'.")):
        await begun(client, [{"type": "image_file", "image_file": {"file_id": "file-0"}}])


@pytest.mark.parametrize("choice", ["none", "auto", "required", {"type": "function", "function": {"name": "ask"}}])
async def test_how_an_answer_is_to_be_made_reaches_the_model(
    client: AsyncOpenAI, model: ScriptedModel, choice: Any
) -> None:
    model.say('{"cold": true}')
    run = await ran(
        client, await begun(client, "Is it cold?"), {"tools": [ASK], "top_p": 0.5, "response_format": SCHEMA},
        tool_choice=choice, parallel_tool_calls=False,
    )  # fmt: skip
    (request,) = model.requests
    assert (request.tool_choice, request.top_p, request.parallel_tool_calls) == (choice, 0.5, False)
    assert request.response_format == SCHEMA
    told = run.to_dict()
    assert (told["tool_choice"], told["response_format"], told["top_p"]) == (choice, SCHEMA, 0.5)


async def test_a_run_overrides_the_form_of_the_answer(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("{}")
    model.say("Cold.")
    thread = await begun(client, "As JSON?")
    await ran(client, thread, response_format={"type": "json_object"})
    await ran(client, thread, {"response_format": SCHEMA}, response_format="auto", top_p=1)
    assert [request.response_format for request in model.requests] == [{"type": "json_object"}, None]


# -- runs -------------------------------------------------------------------------------------------------------------


async def test_runs_are_listed_and_described_and_tell_their_messages(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("One.")
    model.say("Two.")
    thread = await begun(client, "Count.")
    first = await ran(client, thread)
    await client.beta.threads.messages.create(thread, role="user", content="On.")
    second = await ran(client, thread, metadata={"a": "b"})
    runs = client.beta.threads.runs
    assert [one.id async for one in runs.list(thread, limit=1)] == [second.id, first.id]
    assert (await runs.update(second.id, thread_id=thread, metadata={"c": "d"})).metadata == {"c": "d"}
    assert (await runs.retrieve(second.id, thread_id=thread)).metadata == {"c": "d"}
    for run, said in ((first, "One."), (second, "Two.")):
        (message,) = (await client.beta.threads.messages.list(thread, run_id=run.id)).data
        (part,) = message.content
        assert part.type == "text"
        assert (part.text.value, message.run_id, message.assistant_id) == (said, run.id, run.assistant_id)


async def test_a_run_that_is_over_cannot_be_cancelled_or_answered(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("One.")
    thread = await begun(client, "Count.")
    run = await ran(client, thread)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'completed'"):
        await client.beta.threads.runs.cancel(run.id, thread_id=thread)
    with pytest.raises(openai.BadRequestError, match='Runs in status "completed" do not accept tool outputs'):
        await client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=[])
    with pytest.raises(openai.NotFoundError, match=re.escape("No run found with id 'run_0'.")):
        await client.beta.threads.runs.retrieve("run_0", thread_id=thread)


async def test_a_thread_can_be_deleted_at_once_when_its_run_is_told_to_be_over(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    for _ in range(10):
        model.say("One.")
        thread = await begun(client, "Count.")
        made = await client.beta.assistants.create(model="gpt-test")
        async with client.beta.threads.runs.stream(thread_id=thread, assistant_id=made.id) as stream:
            async for event in stream:
                if event.event == "thread.run.completed":
                    assert (await client.beta.threads.delete(thread)).deleted
