"""Parley's own tools under the names of the API: code and its charts, searches and what they cite, and quizzes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncAssistantEventHandler, AsyncOpenAI
from openai.types.beta.threads import Message, Run
from openai.types.beta.threads.runs import CodeInterpreterToolCall, FileSearchToolCall, RunStep, ToolCall

from bot.models.port import CallOutput, ModelEvent, ModelRequest, Turn
from tests.programs import Programs, programs_at
from tests.scripted_model import TOKENS, ScriptedModel
from tools.code_interpreter import code_interpreter
from tools.file_search import file_search
from tools.quiz import display_quiz
from tools.registry import Registry

HOTELS = b"Hotels: up to 120 euro a night, breakfast is paid on top."
CONTENT: Any = "step_details.tool_calls[*].file_search.results[*].content"
CHART = "print('Drawn.')\nplot([1, 2, 3], title='Rise')"
CODE: Any = {"type": "code_interpreter"}
SEARCH: Any = {"type": "file_search"}
QUIZ: Any = {
    "type": "function",
    "function": {
        "name": "display_quiz",
        "description": "Shows a quiz.",
        "parameters": {
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "questions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "question_text": {"type": "string"},
                            "choices": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                },
            },
            "required": ["title", "questions"],
        },
    },
}
ASKED = {"title": "Towns", "questions": [{"question_text": "Capital of Norway?", "choices": ["Oslo", "Bergen"]}]}


class Citing(ScriptedModel):
    """Its answer has the mark of what a search found last, and of what none has found, in the places of `…`."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        outputs = [item.output for item in request.items if isinstance(item, CallOutput)]
        marks = re.findall(r"【\d+】", outputs[-1]) if outputs else []
        async for event in super().stream(request):
            if marks and isinstance(event, Turn):
                yield Turn(event.text.replace("…", marks[0]), usage=TOKENS)
            else:
                yield event


@pytest.fixture
def model() -> Citing:
    return Citing()


@pytest.fixture
async def programs(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Programs]:
    registry = Registry([code_interpreter, file_search, display_quiz])
    async with programs_at(tmp_path / "p.db", model, registry=registry) as made:
        yield made
        await made.parley.quiet()
        model.assert_done()


@pytest.fixture
def client(programs: Programs) -> AsyncOpenAI:
    return programs.client()


async def asked(client: AsyncOpenAI, *tools: Any, **assistant: Any) -> dict[str, Any]:
    """A thread with a question, and an assistant for it."""
    made = await client.beta.assistants.create(model="gpt-test", tools=tools, **assistant)
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "Tell me."}])
    return {"thread_id": thread.id, "assistant_id": made.id}


async def ran(client: AsyncOpenAI, where: dict[str, Any], **fields: Any) -> Run:
    return await client.beta.threads.runs.create_and_poll(**where, poll_interval_ms=10, **fields)


async def steps_of(client: AsyncOpenAI, run: Run, **query: Any) -> list[RunStep]:
    return (await client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc", **query)).data


async def last(client: AsyncOpenAI, run: Run) -> Message:
    return (await client.beta.threads.messages.list(run.thread_id, run_id=run.id)).data[0]


def calls(step: RunStep) -> list[ToolCall]:
    assert step.step_details.type == "tool_calls"
    return step.step_details.tool_calls


def coded(call: ToolCall) -> tuple[str, list[str], list[str]]:
    """The input of a call of the interpreter, its logs and the ids of its images."""
    assert isinstance(call, CodeInterpreterToolCall)
    outputs = call.code_interpreter.outputs
    logs = [one.logs for one in outputs if one.type == "logs"]
    return call.code_interpreter.input, logs, [one.image.file_id for one in outputs if one.type == "image"]


def plain(call: ToolCall) -> ToolCall:
    """Without the places that deltas name."""
    told: Any = call.to_dict()
    told.pop("index", None)
    for output in told.get("code_interpreter", {}).get("outputs", ()):
        output.pop("index", None)
    return type(call).model_validate(told)


class Noting(AsyncAssistantEventHandler):
    """What the SDK tells of calls, and how it has put their deltas together."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.calls: list[ToolCall] = []
        self.steps: list[RunStep] = []
        self.messages: list[Message] = []

    async def on_tool_call_created(self, tool_call: Any) -> None:
        self.told.append(f"created {tool_call.type}")

    async def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self.told.append(f"delta {delta.type}")

    async def on_tool_call_done(self, tool_call: ToolCall) -> None:
        """The SDK tells of the last call again at the end of each step, and of the run."""
        if self.told[-1] != (told := f"done {tool_call.type}"):
            self.told.append(told)
            self.calls.append(plain(tool_call))

    async def on_run_step_done(self, run_step: RunStep) -> None:
        self.steps.append(run_step)

    async def on_message_done(self, message: Message) -> None:
        self.messages.append(message)


async def streamed(client: AsyncOpenAI, where: dict[str, Any], **fields: Any) -> tuple[Noting, Run]:
    heard = Noting()
    async with client.beta.threads.runs.stream(**where, event_handler=heard, **fields) as stream:
        await stream.until_done()
        return heard, await stream.get_final_run()


# -- code -------------------------------------------------------------------------------------------------------------


async def test_steps_show_the_code_and_what_it_printed(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.call(("code_interpreter", {"code": "print(6 * 7)"}))
    model.say("It is 42.")
    run = await ran(client, await asked(client, CODE))
    (tools, written) = await steps_of(client, run)
    assert [coded(call) for call in calls(tools)] == [("print(6 * 7)", ["42"], [])]
    assert (tools.status, written.type) == ("completed", "message_creation")
    found = await client.beta.threads.runs.steps.retrieve(tools.id, thread_id=run.thread_id, run_id=run.id)
    assert found == tools


async def test_a_chart_is_an_output_and_stands_in_the_message_as_a_file(
    client: AsyncOpenAI, model: ScriptedModel
) -> None:
    model.call(("code_interpreter", {"code": CHART}))
    model.say("It rises.")
    run = await ran(client, await asked(client, CODE))
    ((code, logs, images), *_) = [coded(call) for call in calls((await steps_of(client, run))[0])]
    assert (code, len(images), "Drawn." in logs[0]) == (CHART, 1, True)
    message = await last(client, run)
    assert [part.image_file.file_id for part in message.content if part.type == "image_file"] == images
    assert [part.text.value for part in message.content if part.type == "text"] == ["It rises."]
    assert (await client.files.content(images[0])).read().startswith(b"\x89PNG")
    assert (await client.files.retrieve(images[0])).purpose == "assistants_output"


async def test_code_streams_once_and_so_do_its_outputs(client: AsyncOpenAI, model: ScriptedModel) -> None:
    (one,) = model.call(("code_interpreter", {"code": CHART}))
    model.say("It rises.")
    heard, run = await streamed(client, await asked(client, CODE))
    assert heard.told == ["created code_interpreter", "delta code_interpreter", "done code_interpreter"]
    (step,) = [step for step in heard.steps if step.type == "tool_calls"]
    (call,) = heard.calls
    assert call.id == one
    assert call == calls(step)[0] == calls((await steps_of(client, run))[0])[0]
    assert heard.messages == [await last(client, run)]


async def test_two_calls_at_once_stream_each_with_its_own_outputs(client: AsyncOpenAI, model: ScriptedModel) -> None:
    ids = model.call(("code_interpreter", {"code": "print(1)"}), ("code_interpreter", {"code": "print(2)"}))
    model.say("One and two.")
    heard, run = await streamed(client, await asked(client, CODE))
    (step,) = [step for step in heard.steps if step.type == "tool_calls"]
    assert [call.id for call in calls(step)] == ids
    assert [coded(call)[:2] for call in calls(step)] == [("print(1)", ["1"]), ("print(2)", ["2"])]
    assert calls(step) == calls((await steps_of(client, run))[0])


async def test_code_that_fails_shows_its_error_as_logs(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.call(("code_interpreter", {"code": "1 / 0"}))
    model.say("That cannot be.")
    run = await ran(client, await asked(client, CODE))
    ((_, logs, _),) = [coded(call) for call in calls((await steps_of(client, run))[0])]
    assert "ZeroDivisionError" in logs[0]
    assert run.status == "completed"


# -- searches ---------------------------------------------------------------------------------------------------------


async def shelved(programs: Programs, client: AsyncOpenAI) -> tuple[str, dict[str, Any]]:
    """The id of a file in a store, and a question to an assistant that may search it."""
    file = await client.files.create(file=("hotels.txt", HOTELS), purpose="assistants")
    store = await client.vector_stores.create(name="Travel", file_ids=[file.id])
    await programs.parley.core.indexing.quiet()
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    return file.id, await asked(client, SEARCH, tool_resources=resources)


def searched(model: ScriptedModel) -> None:
    """It searches, and answers with a mark that was found and one that was not."""
    model.call(("file_search", {"query": "hotels"}))
    model.act(Turn("Up to 120 euro…, or so【999】.", usage=TOKENS))


def cited(message: Message) -> list[tuple[str, str, str]]:
    """Of each annotation its text, the text at its indices and its file."""
    (part,) = message.content
    assert part.type == "text"
    return [
        (one.text, part.text.value[one.start_index : one.end_index], one.file_citation.file_id)
        for one in part.text.annotations
        if one.type == "file_citation"
    ]


def sought(step: RunStep) -> list[Any]:
    """The results of its search."""
    (call,) = calls(step)
    assert isinstance(call, FileSearchToolCall)
    return call.file_search.results or []


async def test_a_mark_in_an_answer_is_a_citation_of_the_uploaded_file(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    file_id, where = await shelved(programs, client)
    searched(model)
    run = await ran(client, where)
    message = await last(client, run)
    ((mark, at, file),) = cited(message)
    assert (mark, file) == (at, file_id)
    assert re.fullmatch(r"【\d+】", mark)
    assert await client.beta.threads.messages.retrieve(message.id, thread_id=run.thread_id) == message


async def test_results_have_their_texts_where_these_are_asked_for(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel
) -> None:
    file_id, where = await shelved(programs, client)
    searched(model)
    run = await ran(client, where)
    step, *_ = await steps_of(client, run)
    ((result,), (whole,)) = sought(step), sought((await steps_of(client, run, include=[CONTENT]))[0])
    assert (result.file_id, result.file_name, result.content) == (file_id, "hotels.txt", None)
    assert [part.text for part in whole.content] == [HOTELS.decode()]
    steps = client.beta.threads.runs.steps
    found = await steps.retrieve(step.id, thread_id=run.thread_id, run_id=run.id, include=[CONTENT])
    assert sought(found) == [whole]


@pytest.mark.parametrize("include", [[], [CONTENT]])
async def test_a_search_streams_with_its_results_and_the_citation(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, include: list[Any]
) -> None:
    file_id, where = await shelved(programs, client)
    searched(model)
    heard, run = await streamed(client, where, include=include)
    assert heard.told == ["created file_search", "delta file_search", "done file_search"]
    stored = await steps_of(client, run, include=include)
    assert heard.calls == calls(stored[0])
    assert heard.steps == stored
    assert [file for _, _, file in cited(heard.messages[0])] == [file_id]
    assert heard.messages == [await last(client, run)]


# -- quizzes ----------------------------------------------------------------------------------------------------------


async def test_a_quiz_that_a_program_declares_is_shown_by_it(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.call(("display_quiz", ASKED))
    model.say("Right.")
    where = await asked(client, QUIZ)
    run = await ran(client, where)
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("display_quiz", ASKED)
    run = await client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": '["Oslo"]'}],
        poll_interval_ms=10,
    )
    assert (run.status, run.required_action, model.outputs()) == ("completed", None, ['["Oslo"]'])


async def test_a_quiz_of_parleys_waits_for_the_program_too(client: AsyncOpenAI, model: ScriptedModel) -> None:
    quiz = {"title": "Towns", "questions": [{**ASKED["questions"][0], "question_type": "MULTIPLE_CHOICE"}]}  # type: ignore[dict-item]
    model.call(("display_quiz", quiz))
    model.say("Right.")
    run = await ran(client, await asked(client, metadata={"parley_tools": "display_quiz"}))
    assert (run.status, run.required_action is not None) == ("requires_action", True)
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert json.loads(call.function.arguments) == quiz
    run = await client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": "Oslo"}],
        poll_interval_ms=10,
    )
    assert (run.status, model.outputs()) == ("completed", ["Oslo"])


# -- forced choices ---------------------------------------------------------------------------------------------------


async def test_a_forced_function_is_forced_in_the_first_call_only(client: AsyncOpenAI, model: ScriptedModel) -> None:
    model.call(("display_quiz", ASKED))
    model.say("Right.")
    forced: Any = {"type": "function", "function": {"name": "display_quiz"}}
    run = await ran(client, await asked(client, QUIZ, CODE), tool_choice=forced)
    assert run.to_dict()["tool_choice"] == forced
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    await client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": "Oslo"}],
        poll_interval_ms=10,
    )
    assert [request.tool_choice for request in model.requests] == [forced, "auto"]


@pytest.mark.parametrize("kind", ["file_search", "code_interpreter"])
async def test_a_forced_tool_of_parleys_is_a_function_to_the_model_and_forced_once(
    programs: Programs, client: AsyncOpenAI, model: ScriptedModel, kind: Any
) -> None:
    arguments = {"file_search": {"query": "hotels"}, "code_interpreter": {"code": "print(1)"}}
    model.call((kind, arguments[kind]))
    model.say("So it is.")
    run = await ran(client, await asked(client, SEARCH, CODE), tool_choice={"type": kind})
    assert (run.status, run.to_dict()["tool_choice"]) == ("completed", {"type": kind})
    first = {"type": "function", "function": {"name": kind}}
    assert [request.tool_choice for request in model.requests] == [first, "auto"]


async def test_a_forced_tool_that_the_run_does_not_have_is_refused(client: AsyncOpenAI) -> None:
    where = await asked(client, CODE)
    choices: list[Any] = [{"type": "file_search"}, {"type": "function", "function": {"name": "other"}}]
    for choice in choices:
        with pytest.raises(openai.BadRequestError, match="none of the tools of this run"):
            await client.beta.threads.runs.create(**where, tool_choice=choice)
