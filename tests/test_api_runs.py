"""Programs run assistants: by polling, streamed, with tools of their own and of Parley's, until each end there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncAssistantEventHandler, AsyncOpenAI
from openai.types.beta.threads import Run
from openai.types.beta.threads.runs import RunStep

from bot.models.port import ModelError
from tests.parley import forecast, tide
from tests.programs import Programs, programs_at
from tests.scripted_model import ScriptedModel
from tools.registry import Registry

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def programs(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Programs]:
    async with programs_at(tmp_path / "p.db", model, registry=Registry([forecast, tide])) as made:
        yield made
        await made.parley.quiet()
        model.assert_done()


@pytest.fixture
def client(programs: Programs) -> AsyncOpenAI:
    return programs.client()


async def said(client: AsyncOpenAI, thread_id: str) -> list[str]:
    """What stands in the thread, oldest first."""
    page = await client.beta.threads.messages.list(thread_id, order="asc")
    return [part.text.value for message in page.data for part in message.content if part.type == "text"]


async def asked(client: AsyncOpenAI, question: str = "How is Oslo?", **assistant: Any) -> tuple[str, str]:
    """The ids of a thread with a question, and of an assistant for it."""
    made = await client.beta.assistants.create(model="gpt-test", **assistant)
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": question}])
    return thread.id, made.id


async def test_a_question_gets_its_answer_by_polling(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("Cold.")
    thread, assistant = await asked(client, instructions="Be brief.")
    run = await client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    assert (run.status, run.usage and run.usage.total_tokens) == ("completed", 15)
    assert await said(client, thread) == ["How is Oslo?", "Cold."]
    assert model.requests[0].instructions == "Be brief."


async def test_a_function_of_the_program_is_answered_by_it(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.call(("get_weather", {"place": "Oslo"}))
    model.say("It snows.")
    thread, assistant = await asked(client, tools=[WEATHER])
    runs = client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    assert run.status == "requires_action"
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"place": "Oslo"})
    run = await runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread, tool_outputs=[{"tool_call_id": call.id, "output": "Snow"}], poll_interval_ms=10
    )
    assert run.status == "completed"
    assert model.outputs() == ["Snow"]
    assert (await said(client, thread))[-1] == "It snows."


class Noting(AsyncAssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.run: Run | None = None
        self.steps: list[RunStep] = []

    async def on_event(self, event: Any) -> None:
        self.names.append(event.event)

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value or ""

    async def on_run_step_done(self, run_step: RunStep) -> None:
        self.steps.append(run_step)


BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
A_STEP = ["thread.run.step.created", "thread.run.step.in_progress"]
A_MESSAGE = [*A_STEP, "thread.message.created", "thread.message.in_progress"]
WRITTEN = ["thread.message.completed", "thread.run.step.completed"]


async def test_an_answer_streams_as_it_is_written(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("It ", "is ", "cold.")
    thread, assistant = await asked(client)
    heard = Noting()
    async with client.beta.threads.runs.stream(thread_id=thread, assistant_id=assistant, event_handler=heard) as stream:
        await stream.until_done()
        (message,) = await stream.get_final_messages()
    deltas = ["thread.message.delta"] * 3
    assert heard.names == [*BEGUN, *A_MESSAGE, *deltas, *WRITTEN, "thread.run.completed"]
    assert heard.text == "It is cold."
    assert message.content[0].type == "text"
    assert message.content[0].text.value == "It is cold."
    assert (await client.beta.threads.messages.retrieve(message.id, thread_id=thread)).id == message.id


async def test_two_functions_at_once_are_answered_in_a_stream(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.call(("get_weather", {"place": "Oslo"}), ("get_weather", {"place": "Rome"}), text="Let me see.")
    model.say("Snow and sun.")
    thread, assistant = await asked(client, tools=[WEATHER])
    first, second = Noting(), Noting()
    runs = client.beta.threads.runs
    async with runs.stream(thread_id=thread, assistant_id=assistant, event_handler=first) as stream:
        await stream.until_done()
        run = await stream.get_final_run()
    assert first.names == [
        *BEGUN, *A_MESSAGE, "thread.message.delta", *WRITTEN, *A_STEP, "thread.run.step.delta",
        "thread.run.requires_action",
    ]  # fmt: skip
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    async with runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=thread,
        tool_outputs=[{"tool_call_id": call.id, "output": call.function.arguments} for call in reversed(calls)],
        event_handler=second,
    ) as stream:
        await stream.until_done()
    assert second.names == [
        "thread.run.queued", "thread.run.in_progress", "thread.run.step.completed", *A_MESSAGE, "thread.message.delta",
        *WRITTEN, "thread.run.completed",
    ]  # fmt: skip
    (tools,) = [step for step in second.steps if step.step_details.type == "tool_calls"]
    assert tools.step_details.type == "tool_calls"
    outputs = [call.function.output for call in tools.step_details.tool_calls if call.type == "function"]
    assert [json.loads(output or "")["place"] for output in outputs] == ["Oslo", "Rome"]


async def test_a_function_of_parleys_that_the_metadata_names_is_run_here(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    model.say("Snow.")
    thread, assistant = await asked(client, metadata={"parley_tools": "forecast"})
    run = await client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    assert run.status == "completed"
    assert model.outputs() == ["Snow in Oslo."]
    steps = await client.beta.threads.runs.steps.list(run.id, thread_id=thread, order="asc")
    assert [step.type for step in steps.data] == ["tool_calls", "message_creation"]
    assert [tool.name for tool in model.requests[0].tools] == ["forecast"]


async def test_a_function_with_the_name_of_one_of_parleys_is_the_programs(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    mine = {"type": "function", "function": {"name": "forecast", "description": "Mine."}}
    thread, assistant = await asked(client, tools=[mine])
    runs = client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    assert run.status == "requires_action"
    assert [tool.description for tool in model.requests[0].tools] == ["Mine."]
    assert (await runs.cancel(run.id, thread_id=thread)).status in ("cancelling", "cancelled")
    assert (await runs.poll(run.id, thread_id=thread, poll_interval_ms=10)).status == "cancelled"


async def test_three_threads_run_at_once(client: AsyncOpenAI, model: ScriptedModel) -> None:
    gates = [model.hold() for _ in range(3)]
    threads = [await asked(client, f"Question {number}") for number in range(3)]
    polls = [
        asyncio.create_task(
            client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
        )
        for thread, assistant in threads
    ]
    for gate in gates:
        await gate.reached.wait()
    for gate in gates:
        gate.open()
    assert [run.status for run in await asyncio.gather(*polls)] == ["completed"] * 3


async def test_a_client_that_goes_away_does_not_stop_the_run(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    gate = model.hold("It ")
    thread, assistant = await asked(client)
    stream = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    await gate.reached.wait()
    await stream.close()
    gate.open()
    await programs.parley.quiet()
    assert len(await said(client, thread)) == 2


async def test_while_a_run_is_active_its_thread_takes_neither_message_nor_run(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    gate = model.hold()
    thread, assistant = await asked(client)
    run = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant)
    await gate.reached.wait()
    with pytest.raises(openai.BadRequestError, match=f"Can't add messages to {thread} while a run {run.id} is active"):
        await client.beta.threads.messages.create(thread, role="user", content="And Rome?")
    with pytest.raises(openai.BadRequestError, match=f"Thread {thread} already has an active run {run.id}"):
        await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant)
    gate.open()


async def test_who_does_not_answer_in_ten_minutes_finds_the_run_expired(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.call(("get_weather", {"place": "Oslo"}))
    thread, assistant = await asked(client, tools=[WEATHER])
    runs = client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    assert run.status == "requires_action"
    programs.parley.clock.advance(600)
    await programs.parley.next_sweep()
    run = await runs.retrieve(run.id, thread_id=thread)
    assert run.status == "expired"
    with pytest.raises(openai.BadRequestError, match='Runs in status "expired" do not accept tool outputs'):
        await runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=[])


async def test_a_thread_and_its_run_are_made_in_one_request(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("Cold.")
    assistant = await client.beta.assistants.create(model="gpt-test")
    heard = Noting()
    async with client.beta.threads.create_and_run_stream(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Oslo?"}]}, event_handler=heard
    ) as stream:
        await stream.until_done()
        run = await stream.get_final_run()
    assert heard.names[0] == "thread.created"
    assert await said(client, run.thread_id) == ["Oslo?", "Cold."]


async def test_additional_messages_and_overrides_hold_for_one_run(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.say("Sun.")
    thread, assistant = await asked(client, instructions="Be brief.", temperature=1)
    run = await client.beta.threads.runs.create_and_poll(
        thread_id=thread,
        assistant_id=assistant,
        model="other-model",
        additional_instructions="In verse.",
        additional_messages=[{"role": "assistant", "content": "Which?"}, {"role": "user", "content": "Rome."}],
        temperature=0.25,
        max_completion_tokens=300,
        poll_interval_ms=10,
    )
    request = model.requests[0]
    assert (request.model, request.temperature, request.max_output_tokens) == ("other-model", 0.25, 300)
    assert request.instructions == "Be brief.\n\nIn verse."
    assert (run.model, run.temperature, run.max_completion_tokens) == ("other-model", 0.25, 300)
    assert await said(client, thread) == ["How is Oslo?", "Which?", "Rome.", "Sun."]


async def test_a_stream_that_broke_begins_a_message_anew(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.act("It wa", ModelError("Broken.", retryable=True))
    model.say("It is cold.")
    thread, assistant = await asked(client)
    names = []
    stream = await client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True)
    async for event in stream:
        names.append(event.event)
        if event.event == "thread.message.delta":
            programs.parley.clock.advance(5)
    deltas = ["thread.message.delta"]
    assert names == [
        *BEGUN, *A_MESSAGE, *deltas, "thread.message.incomplete", "thread.run.step.failed", *A_MESSAGE, *deltas,
        *WRITTEN, "thread.run.completed",
    ]  # fmt: skip
    assert await said(client, thread) == ["How is Oslo?", "It is cold."]


async def test_a_stream_tells_what_happened_before_it_was_listened_to(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the handler looks at the run again just when its outputs have come."""
    model.call(("get_weather", {"place": "Oslo"}))
    model.say("It ", "snows.")
    thread, assistant = await asked(client, tools=[WEATHER])
    runs = client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant, poll_interval_ms=10)
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    core = programs.parley.core
    await programs.parley.quiet()
    submit = core.engine.submit_tool_outputs

    async def submitted(run_id: str, outputs: Any) -> Any:
        found = await submit(run_id, outputs)
        await core.handler.resume(run_id)
        await programs.parley.quiet()
        return found

    monkeypatch.setattr(type(core.engine), "submit_tool_outputs", lambda _, *given: submitted(*given))
    heard = Noting()
    async with runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=thread,
        tool_outputs=[{"tool_call_id": call.id, "output": "Snow"}],
        event_handler=heard,
    ) as stream:
        await stream.until_done()
    assert heard.names == [
        "thread.run.queued", "thread.run.in_progress", "thread.run.step.completed", *A_MESSAGE, "thread.message.delta",
        *WRITTEN, "thread.run.completed",
    ]  # fmt: skip
    assert heard.text == "It snows."
