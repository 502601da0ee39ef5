"""The Responses API as a model, over the real client against the simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from bot.assistants.types import Author, Usage
from bot.models.port import (
    AssistantText,
    Call,
    CallOutput,
    FunctionTool,
    Model,
    ModelError,
    OwnItems,
    TextDelta,
    Turn,
    UserText,
)
from tests.model_calls import TOOLS, asking, connected, hear
from tests.simulators.openai import Gate, OpenAISimulator

BERN = {"location": "Bern"}
QUESTION = UserText("Is it cold in Bern?")


@pytest.fixture
def openai() -> OpenAISimulator:
    return OpenAISimulator(key="sk-simulated-key")


@pytest.fixture
async def model(openai: OpenAISimulator) -> AsyncIterator[Model]:
    async with connected(openai, "responses") as model:
        yield model


def own(turn: Turn) -> OwnItems:
    texts = [AssistantText(turn.text)] if turn.text else []
    return OwnItems(turn.provider, turn.items, [*texts, *turn.calls])


async def test_text_streams_and_ends_in_a_turn(openai: OpenAISimulator, model: Model) -> None:
    openai.say("Cold and clear.")
    deltas, turn = await hear(model, asking())
    assert deltas == ["Cold ", "and ", "clear."]
    assert (turn.text, turn.finish, turn.refused, turn.calls) == ("Cold and clear.", "stop", False, [])


async def test_parallel_calls_come_in_one_turn(openai: OpenAISimulator, model: Model) -> None:
    openai.call(("temperature", BERN), ("rain", BERN))
    deltas, turn = await hear(model, asking(tools=TOOLS))
    assert deltas == []
    assert turn.calls == [
        Call("call_0001", "temperature", '{"location": "Bern"}'),
        Call("call_0002", "rain", '{"location": "Bern"}'),
    ]


async def test_reasoning_goes_back_with_the_calls_it_led_to(openai: OpenAISimulator, model: Model) -> None:
    openai.reason_then_call(("temperature", BERN), ("rain", BERN), text="Let me look.")
    openai.say("Cold, dry.")
    _, first = await hear(model, asking(tools=TOOLS))
    outputs = [CallOutput(call.id, said) for call, said in zip(first.calls, ("-3 °C", "0 %"), strict=True)]
    _, second = await hear(model, asking(QUESTION, own(first), *outputs, tools=TOOLS))
    assert second.text == "Cold, dry."
    sent = openai.requests[1].items
    assert [item["type"] for item in sent[1:]] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]
    assert sent[1] == {"type": "reasoning", "id": "rs_0001", "summary": [], "encrypted_content": "gAAAA-rs_0001"}
    assert sent[2]["phase"] == "commentary"
    assert openai.requests[1].outputs == ["-3 °C", "0 %"]


async def test_another_models_turn_goes_back_in_neutral_form(openai: OpenAISimulator, model: Model) -> None:
    openai.reason_then_call(("rain", BERN), text="Let me look.")
    openai.say("Dry.")
    _, first = await hear(model, asking(tools=TOOLS))
    request = asking(QUESTION, own(first), CallOutput("call_0001", "0 %"), tools=TOOLS, model="o3")
    await hear(model, request)
    assert openai.requests[1].items[1:] == [
        {"type": "message", "role": "assistant", "content": "Let me look."},
        {"type": "function_call", "call_id": "call_0001", "name": "rain", "arguments": '{"location": "Bern"}'},
        {"type": "function_call_output", "call_id": "call_0001", "output": CallOutput("call_0001", "0 %").marked},
    ]


async def test_reasoning_without_its_content_is_left_out_with_the_ids_after_it(
    openai: OpenAISimulator, model: Model
) -> None:
    openai.lacks = {"include"}
    openai.reason_then_call(("rain", BERN), text="Let me look.")
    openai.say("Dry.")
    _, first = await hear(model, asking(tools=TOOLS))
    await hear(model, asking(QUESTION, own(first), CallOutput("call_0001", "0 %"), tools=TOOLS))
    message, call = openai.requests[-1].items[1:3]
    assert message == {"type": "message", "role": "assistant", "content": "Let me look.", "phase": "commentary"}
    assert "id" not in call


async def test_a_refused_include_is_left_out_from_then_on(openai: OpenAISimulator, model: Model) -> None:
    openai.say("One.")
    openai.say("Two.")
    for _ in range(2):
        await hear(model, asking(model="gpt-4.1"))
    assert ["include" in request.body for request in openai.requests] == [True, False, False]


async def test_every_setting_is_sent_and_unset_ones_are_not(openai: OpenAISimulator, model: Model) -> None:
    openai.lacks = {"include"}
    openai.say("{}")
    openai.say("ok")
    await hear(
        model,
        asking(
            model="gpt-4.1",
            tools=(FunctionTool("rain", "Rain.", {**TOOLS[0].parameters}, strict=True),),
            tool_choice={"type": "function", "function": {"name": "rain"}},
            parallel_tool_calls=False,
            response_format={"type": "json_schema", "json_schema": {"name": "it", "schema": {"type": "object"}}},
            temperature=0.5,
            top_p=0.9,
            max_output_tokens=3,
            cache_key="thread_1",
        ),
    )
    await hear(model, asking(model="gpt-4.1", instructions="", response_format="auto"))
    full, bare = openai.requests[1].body, openai.requests[2].body
    assert full["tools"][0]["strict"] is True
    assert full["tool_choice"] == {"type": "function", "name": "rain"}
    assert full["text"] == {"format": {"type": "json_schema", "name": "it", "schema": {"type": "object"}}}
    settings = ("parallel_tool_calls", "temperature", "top_p", "max_output_tokens", "prompt_cache_key", "instructions")
    assert [full[name] for name in settings] == [False, 0.5, 0.9, 16, "thread_1", "Be brief."]
    assert set(bare) == {"model", "input", "stream", "store"}


async def test_people_are_named_and_history_is_sent_in_order(openai: OpenAISimulator, model: Model) -> None:
    openai.say("Still cold.")
    ann = Author("U1", "Ann")
    await hear(model, asking(UserText("Cold?", ann), AssistantText("Yes."), UserText("And now?", ann)))
    assert [(item["role"], item["content"]) for item in openai.requests[0].items] == [
        ("user", "Ann (U1):\nCold?"),
        ("assistant", "Yes."),
        ("user", "Ann (U1):\nAnd now?"),
    ]


async def test_a_refusal_streams_and_is_marked(openai: OpenAISimulator, model: Model) -> None:
    openai.refuse("I cannot help with that.")
    deltas, turn = await hear(model, asking())
    assert ("".join(deltas), turn.text, turn.refused) == ("I cannot help with that.",) * 2 + (True,)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_an_incomplete_answer_says_why(openai: OpenAISimulator, model: Model, finish: Any) -> None:
    openai.say("It is", finish=finish)
    _, turn = await hear(model, asking())
    assert (turn.text, turn.finish) == ("It is", finish)


async def test_usage_is_counted_with_cached_and_reasoning_tokens(openai: OpenAISimulator, model: Model) -> None:
    for _ in range(2):
        openai.say("ok", reasoning=True)
    request = asking(instructions="Be brief. " * 600, cache_key="thread_1")
    used = [(await hear(model, request))[1].usage for _ in range(2)]
    assert [usage.cached_tokens for usage in used] == [0, 1408]
    assert (used[1].reasoning_tokens, used[1].completion_tokens) == (64, 65)
    assert used[1].total_tokens == used[1].prompt_tokens + 65


async def test_a_bare_response_is_read_from_its_items(openai: OpenAISimulator, model: Model) -> None:
    said = {"type": "output_text", "text": "Cold."}
    items = [{"type": "message", "content": [said]}, {"type": "function_call", "call_id": "c", "name": "rain"}]
    openai.raw(
        *({"type": "response.output_item.done", "output_index": at, "item": item} for at, item in enumerate(items)),
        {"type": "response.completed", "response": {"id": "r", "status": "completed"}},
    )
    _, turn = await hear(model, asking(tools=TOOLS))
    assert (turn.text, turn.calls, turn.usage) == ("Cold.", [Call("c", "rain", "{}")], Usage())


async def test_several_messages_of_a_turn_read_as_paragraphs(openai: OpenAISimulator, model: Model) -> None:
    def message(text: str) -> dict[str, Any]:
        return {"type": "message", "content": [{"type": "output_text", "text": text}]}

    delta = {"type": "response.output_text.delta"}
    output = [message("I look."), message("Cold.")]
    openai.raw(
        {**delta, "output_index": 0, "delta": "I look."},
        {**delta, "output_index": 1, "delta": "Cold."},
        {"type": "response.completed", "response": {"status": "completed", "output": output}},
    )
    deltas, turn = await hear(model, asking())
    assert ("".join(deltas), turn.text) == ("I look.\n\nCold.",) * 2


@pytest.mark.parametrize("cut", ["clean", "broken"])
async def test_a_stream_that_breaks_off_may_be_tried_again(openai: OpenAISimulator, model: Model, cut: Any) -> None:
    openai.say("Cold and clear.", cut=cut, after=2)
    events = model.stream(asking())
    shown = [await anext(events), await anext(events)]
    with pytest.raises(ModelError) as caught:
        await anext(events)
    assert shown == [TextDelta("Cold "), TextDelta("and ")]
    assert caught.value.retryable


COMPLETED = {"type": "response.completed", "response": {"status": "completed"}}


async def test_text_that_only_streamed_is_the_turn_s_text(openai: OpenAISimulator, model: Model) -> None:
    delta = {"type": "response.output_text.delta", "output_index": 0}
    openai.raw({**delta, "delta": "It is "}, {**delta, "delta": "cold."}, COMPLETED)
    openai.raw({**delta, "type": "response.refusal.delta", "delta": "No."}, COMPLETED)
    turns = [(await hear(model, asking()))[1] for _ in range(2)]
    assert [(turn.text, turn.refused) for turn in turns] == [("It is cold.", False), ("No.", True)]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.completed", "response": None},
        {"type": "response.failed", "response": None},
        {"type": "response.incomplete", "response": {"status": "incomplete", "incomplete_details": "length"}},
        {"type": "response.output_item.done", "item": {"type": "message", "content": 7}},
        {"type": "response.completed", "response": {"output": 7}},
        7,
        None,
    ],
    ids=str,
)
async def test_an_event_of_another_form_is_a_broken_answer(openai: OpenAISimulator, model: Model, event: Any) -> None:
    openai.raw(json.dumps(event), COMPLETED)
    with pytest.raises(ModelError, match=r"^unreadable: [A-Za-z]+Error$") as caught:
        await hear(model, asking())
    assert (caught.value.retryable, "broke off" in caught.value.sentence) == (True, True)


async def test_items_of_another_form_are_read_and_go_back_in_the_api_s(openai: OpenAISimulator, model: Model) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "rain", "arguments": BERN}
    said = {"type": "message", "role": "assistant", "content": "I look."}
    nameless = {"type": "function_call", "call_id": "d", "name": "", "arguments": ""}
    done = {"type": "response.output_item.done", "output_index": 0}
    openai.raw(*({**done, "item": item} for item in (None, said, nameless, call)), COMPLETED)
    openai.say("Dry.")
    _, turn = await hear(model, asking(tools=TOOLS))
    assert (turn.text, turn.calls) == ("I look.", [Call("c", "rain", '{"location": "Bern"}')])
    await hear(model, asking(QUESTION, own(turn), CallOutput("c", "0 %"), tools=TOOLS))
    message, sent = openai.requests[1].items[1:3]
    assert (message["content"], sent["arguments"]) == ("I look.", '{"location": "Bern"}')


async def test_events_that_are_no_json_are_a_broken_stream(openai: OpenAISimulator, model: Model) -> None:
    openai.raw('{"type": "response.outp')
    with pytest.raises(ModelError) as caught:
        await hear(model, asking())
    assert caught.value.retryable


async def test_closing_a_stream_midway_ends_its_connection(openai: OpenAISimulator, model: Model) -> None:
    gate = Gate()
    openai.say("Cold and clear.", gate=gate, after=1)
    async with aclosing(cast(Any, model.stream(asking()))) as events:
        assert await anext(events) == TextDelta("Cold ")
        await gate.reached()
    openai.say("Again.")
    assert (await hear(model, asking()))[1].text == "Again."


async def test_a_call_that_hangs_can_be_cancelled(openai: OpenAISimulator, model: Model) -> None:
    gate = openai.hang()
    task = asyncio.create_task(hear(model, asking()))
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_events_nested_too_deep_to_be_read_are_a_broken_stream(openai: OpenAISimulator, model: Model) -> None:
    openai.raw("[" * 100_000)
    with pytest.raises(ModelError) as caught:
        await hear(model, asking())
    assert caught.value.retryable
