"""The simulated OpenAI is as strict as the real one, and can hold the weather conversation by itself."""

from __future__ import annotations

from typing import Any, Literal

import httpx2
import pytest

from bot.models.port import AssistantText, CallOutput, FunctionTool, OwnItems, UserText
from tests.model_calls import asking, connected, hear
from tests.simulators.openai import OpenAISimulator, weather_brain
from tests.simulators.serve import serve

PLACE = {"location": {"type": "string"}, "unit": {"enum": ["Celsius", "Fahrenheit"]}}
WEATHER_TOOLS = tuple(
    FunctionTool(name, "Tells.", {"type": "object", "properties": PLACE, "required": ["location", "unit"]})
    for name in ("get_current_temperature", "get_rain_probability")
)
CALL = {"type": "function_call", "call_id": "c", "name": "rain", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "0 %"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
ASKED = {
    "role": "assistant",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "rain", "arguments": "{}"}}],
}
ANSWERED = {"role": "tool", "tool_call_id": "c", "content": "0 %"}
USER = {"role": "user", "content": "Hi"}


def looking(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}


def tool(name: str = "rain", **fields: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False, **fields}


async def post(openai: OpenAISimulator, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
    async with serve(openai.app) as url, httpx2.AsyncClient(base_url=url) as client:
        return await client.post(path, json={"model": "gpt-5.5", "stream": True, **body}, headers=headers)


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_it_plays_the_weather_conversation(api: Literal["responses", "chat"]) -> None:
    openai = OpenAISimulator(brain=weather_brain)
    question = UserText("What's the weather in New York, NY today?")
    async with connected(openai, api) as model:
        _, asked = await hear(model, asking(question, tools=WEATHER_TOOLS))
        own = OwnItems(asked.provider, asked.items, [AssistantText(asked.text), *asked.calls])
        outputs = [CallOutput(call.id, said) for call, said in zip(asked.calls, ("3 °C.", "60 %."), strict=True)]
        _, answer = await hear(model, asking(question, own, *outputs, tools=WEATHER_TOOLS))
    assert [call.name for call in asked.calls] == [tool.name for tool in WEATHER_TOOLS]
    assert {call.arguments for call in asked.calls} == {'{"location": "New York, NY", "unit": "Celsius"}'}
    assert answer.text == "3 °C. 60 %."


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"input": [{"role": "robot", "content": "Hi"}]}, "input"),
        ({"input": "Hi", "max_output_tokens": 3}, "max_output_tokens"),
        ({"input": "Hi", "colour": "red"}, "Unknown parameter: 'colour'"),
        ({"input": "Hi", "stream": False}, "only streams"),
        ({"input": "Hi", "tools": [tool("get rain")]}, "Invalid tool name"),
        ({"input": "Hi", "tools": [tool(), tool()]}, "unique"),
        ({"input": "Hi", "tools": [tool(strict=True)]}, "strict mode"),
        ({"input": "Hi", "tool_choice": "auto"}, "only allowed when 'tools'"),
        ({"input": "Hi", "tools": [tool()], "tool_choice": {"type": "function", "name": "x"}}, "not found"),
        ({"input": [OUTPUT]}, "No tool call found"),
        ({"input": [CALL]}, "No tool output found"),
        ({"input": [CALL, OUTPUT, OUTPUT]}, "No tool call found"),
        ({"input": [CALL, CALL, OUTPUT]}, "Duplicate"),
        ({"input": [REASONING]}, "not persisted"),
        ({"input": [{**REASONING, "encrypted_content": "x"}]}, "could not be verified"),
        ({"input": [{**REASONING, "status": "completed"}]}, "status"),
        ({"input": [looking("data:image/png;base64,R0lGODlh")]}, "unsupported image"),
        ({"input": [looking("a.png")]}, "unsupported image"),
    ],
)
async def test_it_refuses_what_the_responses_api_refuses(body: dict[str, Any], complaint: str) -> None:
    openai = OpenAISimulator()
    answer = await post(openai, "/v1/responses", body)
    assert answer.status_code in (400, 404)
    assert complaint in answer.json()["error"]["message"]
    with pytest.raises(AssertionError):
        openai.assert_done()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [USER, ASKED]}, "must be followed"),
        ({"messages": [USER, ASKED, USER, ANSWERED]}, "must be followed"),
        ({"messages": [USER, ANSWERED]}, "must be a response to"),
    ],
)
async def test_it_refuses_what_chat_completions_refuse(body: dict[str, Any], complaint: str) -> None:
    openai = OpenAISimulator()
    answer = await post(openai, "/v1/chat/completions", body)
    assert (answer.status_code, complaint in answer.json()["error"]["message"]) == (400, True)
    assert len(openai.problems) == 1


async def test_a_call_that_is_not_scripted_fails_the_test() -> None:
    openai = OpenAISimulator()
    assert (await post(openai, "/v1/responses", {"input": "Hi"})).status_code == 400
    with pytest.raises(AssertionError, match="Nothing is scripted"):
        openai.assert_done()


def test_a_script_that_is_not_used_fails_the_test() -> None:
    openai = OpenAISimulator()
    openai.say("Cold.")
    with pytest.raises(AssertionError, match="never called"):
        openai.assert_done()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/responses", {"Authorization": "Bearer right"}, 200),
        ("/v1/responses", {"api-key": "right"}, 401),
        ("/openai/v1/responses", {"api-key": "right"}, 200),
        ("/openai/responses?api-version=preview", {"api-key": "right"}, 200),
        ("/openai/responses?api-version=preview", {"Authorization": "Bearer right"}, 401),
        ("/openai/responses", {"api-key": "right"}, 404),
    ],
)
async def test_each_form_of_the_api_has_its_own_way_to_be_let_in(path: str, headers: Any, status: int) -> None:
    openai = OpenAISimulator(key="right")
    openai.say("Cold.")
    assert (await post(openai, path, {"input": "Hi"}, **headers)).status_code == status


async def test_events_are_numbered_and_named() -> None:
    openai = OpenAISimulator()
    openai.reason_then_call(("rain", {}))
    answer = await post(openai, "/v1/responses", {"input": "Hi", "tools": [tool()]})
    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert all(f'"sequence_number": {number}' in answer.text for number in range(len(names)))
