"""The other ways programs come: the blocking client, Azure's, without a key; and each model API behind it all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import openai
import pytest
from openai import AssistantEventHandler, AsyncAzureOpenAI, AsyncOpenAI, OpenAI

from bot.models.connect import Endpoint, connect
from tests.parley import forecast, tide
from tests.programs import KEY, Programs, programs_at
from tests.scripted_model import ScriptedModel
from tests.simulators.openai import OpenAISimulator
from tests.simulators.serve import serve
from tools.registry import Registry

PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
WEATHER: Any = {"type": "function", "function": {"name": "get_weather", "description": "Tells.", "parameters": PLACE}}
FORCED: Any = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def programs(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Programs]:
    async with programs_at(tmp_path / "p.db", model, registry=Registry([forecast, tide])) as made:
        yield made
        await made.parley.quiet()
        model.assert_done()


# -- the blocking client ----------------------------------------------------------------------------------------------


def blocking(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)


def begun(client: OpenAI) -> dict[str, Any]:
    """A thread with a question, and an assistant for it."""
    assistant = client.beta.assistants.create(model="gpt-test", tools=[WEATHER])
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "How is Oslo?"}])
    return {"thread_id": thread.id, "assistant_id": assistant.id}


class Heard(AssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.arguments = ""

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value or ""

    def on_tool_call_created(self, tool_call: Any) -> None:
        self.arguments += tool_call.function.arguments


async def test_the_blocking_client_polls(programs: Programs, model: ScriptedModel) -> None:
    model.say("Cold.")

    def talk() -> tuple[str, list[str]]:
        with blocking(programs.url) as client:
            where = begun(client)
            run = client.beta.threads.runs.create_and_poll(**where, poll_interval_ms=10)
            found = client.beta.threads.messages.list(where["thread_id"], order="asc")
            return run.status, [part.text.value for one in found for part in one.content if part.type == "text"]

    assert await asyncio.to_thread(talk) == ("completed", ["How is Oslo?", "Cold."])


async def test_the_blocking_client_streams(programs: Programs, model: ScriptedModel) -> None:
    model.say("It ", "is cold.")

    def talk() -> tuple[str, list[str]]:
        with blocking(programs.url) as client:
            heard = Heard()
            with client.beta.threads.runs.stream(**begun(client), event_handler=heard) as stream:
                stream.until_done()
                (message,) = stream.get_final_messages()
            return heard.text, [part.text.value for part in message.content if part.type == "text"]

    assert await asyncio.to_thread(talk) == ("It is cold.", ["It is cold."])


async def test_the_blocking_client_streams_what_comes_of_its_outputs(programs: Programs, model: ScriptedModel) -> None:
    model.call(("get_weather", {"place": "Oslo"}))
    model.say("It snows.")

    def talk() -> tuple[str, str]:
        with blocking(programs.url) as client:
            asked, told = Heard(), Heard()
            with client.beta.threads.runs.stream(**begun(client), event_handler=asked) as stream:
                run = stream.get_final_run()
            assert run.required_action is not None
            outputs: Any = [
                {"tool_call_id": call.id, "output": "Snow"}
                for call in run.required_action.submit_tool_outputs.tool_calls
            ]
            with client.beta.threads.runs.submit_tool_outputs_stream(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs, event_handler=told
            ) as stream:
                stream.until_done()
            return asked.arguments, told.text

    assert await asyncio.to_thread(talk) == ('{"place": "Oslo"}', "It snows.")
    assert model.outputs() == ["Snow"]


# -- Azure ------------------------------------------------------------------------------------------------------------


def azure(url: str, form: str) -> AsyncOpenAI:
    if form == "v1":
        return AsyncOpenAI(base_url=f"{url}/openai/v1", api_key=KEY, max_retries=0)
    return AsyncAzureOpenAI(azure_endpoint=url, api_key=KEY, api_version="2024-05-01-preview", max_retries=0)


@pytest.mark.parametrize("form", ["dated", "v1"])
async def test_clients_of_azure_force_a_function_and_answer_it(
    programs: Programs, model: ScriptedModel, form: str
) -> None:
    model.call(("get_weather", {"place": "Oslo"}))
    model.say("It snows.")
    async with azure(programs.url, form) as client:
        assistant = await client.beta.assistants.create(model="gpt-test", tools=[WEATHER])
        thread = await client.beta.threads.create()
        await client.beta.threads.messages.create(thread.id, role="user", content="How is Oslo?")
        runs = client.beta.threads.runs
        run = await runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, tool_choice=FORCED, poll_interval_ms=10
        )
        assert run.required_action is not None
        (call,) = run.required_action.submit_tool_outputs.tool_calls
        run = await runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=thread.id,
            tool_outputs=[{"tool_call_id": call.id, "output": "Snow"}],
            poll_interval_ms=10,
        )
        found = [one async for one in client.beta.threads.messages.list(thread.id, order="asc", limit=1)]
        steps = (await runs.steps.list(run.id, thread_id=thread.id)).data
    assert (run.status, [one.role for one in found], len(steps)) == ("completed", ["user", "assistant"], 2)
    assert [request.tool_choice for request in model.requests] == [FORCED, "auto"]


async def test_azures_dated_client_brings_files_and_streams(programs: Programs, model: ScriptedModel) -> None:
    model.say("Cold.")
    async with azure(programs.url, "dated") as client:
        file = await client.files.create(file=("a.txt", b"Snow."), purpose="assistants")
        store = await client.vector_stores.create(file_ids=[file.id])
        assert (await client.files.content(file.id)).read() == b"Snow."
        assert [one.id async for one in client.vector_stores.files.list(store.id)] == [file.id]
        assistant = await client.beta.assistants.create(model="gpt-test")
        async with client.beta.threads.create_and_run_stream(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Oslo?"}]}
        ) as stream:
            assert [text async for text in stream.text_deltas] == ["Cold."]
    await programs.parley.core.indexing.quiet()


# -- keys -------------------------------------------------------------------------------------------------------------


async def test_health_needs_no_key(programs: Programs) -> None:
    async with httpx2.AsyncClient(base_url=programs.url) as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/v1", "/openai/v1"])
async def test_a_wrong_key_is_refused_as_openai_does(programs: Programs, path: str) -> None:
    async with AsyncOpenAI(base_url=programs.url + path, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided") as refused:
            await client.beta.assistants.list()
    assert (refused.value.code, refused.value.type) == ("invalid_api_key", "invalid_request_error")
    assert "wrong" not in str(refused.value)


async def test_a_wrong_key_of_azures_is_refused_before_anything_is_read(programs: Programs) -> None:
    async with AsyncAzureOpenAI(
        azure_endpoint=programs.url, api_key="wrong", api_version="2024-05-01-preview", max_retries=0
    ) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.files.create(file=("a.txt", b"Snow."), purpose="assistants")
        with pytest.raises(openai.AuthenticationError):
            await client.beta.threads.runs.create("thread_1", assistant_id="asst_1", stream=True)


# -- the models behind it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_run_goes_through_either_api_of_the_model(tmp_path: Path, api: Literal["responses", "chat"]) -> None:
    behind = OpenAISimulator()
    behind.call(("get_weather", {"place": "Oslo"}))
    behind.say("It snows.")
    async with serve(behind.app) as url:
        real = connect(Endpoint(api=api, base_url=f"{url}/v1", api_key="sk-simulated-key"))
        async with programs_at(tmp_path / "p.db", real) as programs:
            client = programs.client()
            assistant = await client.beta.assistants.create(
                model="gpt-4.1", instructions="Be brief.", tools=[WEATHER], top_p=0.5
            )
            run = await client.beta.threads.create_and_run_poll(
                assistant_id=assistant.id,
                thread={"messages": [{"role": "user", "content": "How is Oslo?"}]},
                tool_choice=FORCED,
                poll_interval_ms=10,
            )
            assert run.required_action is not None
            (call,) = run.required_action.submit_tool_outputs.tool_calls
            async with client.beta.threads.runs.submit_tool_outputs_stream(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=[{"tool_call_id": call.id, "output": "Snow"}]
            ) as stream:
                assert "".join([text async for text in stream.text_deltas]) == "It snows."
                run = await stream.get_final_run()
    behind.assert_done()
    assert (run.status, run.usage is not None) == ("completed", True)
    first, second = (request.body for request in behind.requests[-2:])
    forced = {"type": "function", "name": "get_weather"} if api == "responses" else FORCED
    assert (first["tool_choice"], second.get("tool_choice", "auto")) == (forced, "auto")
    assert (first["top_p"], "Be brief." in str(first), "Snow" in str(second)) == (0.5, True, True)
