"""What the person, the retry loop and the log are told when a model call fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from bot.models.connect import Endpoint, connect
from bot.models.failures import retry_after
from bot.models.port import Model, ModelError
from tests.model_calls import asking, connected, hear
from tests.simulators.openai import OpenAISimulator

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def openai() -> OpenAISimulator:
    return OpenAISimulator(key="sk-simulated-key")


@pytest.fixture
async def model(openai: OpenAISimulator) -> AsyncIterator[Model]:
    async with connected(openai, "responses") as model:
        yield model


@pytest.fixture
async def chat(openai: OpenAISimulator) -> AsyncIterator[Model]:
    async with connected(openai, "chat") as model:
        yield model


async def failed(model: Model, **fields: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await hear(model, asking(**fields))
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "run_code", "retryable", "sentence"),
    [
        (400, None, "server_error", False, "did not accept Parley's request"),
        (400, "context_length_exceeded", "invalid_prompt", False, "too long for the model"),
        (400, "content_policy_violation", "invalid_prompt", False, "does not allow this message"),
        (401, "invalid_api_key", "server_error", False, "API key"),
        (402, None, "rate_limit_exceeded", False, "run out of credit"),
        (403, None, "server_error", False, "may not use this model"),
        (404, "model_not_found", "server_error", False, "no model 'gpt-5.5'"),
        (404, None, "server_error", False, "no model 'gpt-5.5'"),
        (408, None, "server_error", True, "took too long"),
        (409, None, "server_error", True, "had a problem"),
        (413, None, "invalid_prompt", False, "too long for the model"),
        (422, None, "server_error", False, "did not accept Parley's request"),
        (400, "server_error", "server_error", False, "did not accept Parley's request"),
        (429, "rate_limit_exceeded", "rate_limit_exceeded", True, "Too many requests"),
        (429, "insufficient_quota", "rate_limit_exceeded", False, "run out of credit"),
        (500, "server_error", "server_error", True, "had a problem"),
        (502, None, "server_error", True, "had a problem"),
        (503, None, "server_error", True, "overloaded"),
        (529, "overloaded_error", "server_error", True, "overloaded"),
    ],
)
async def test_a_status_says_what_happened_and_what_to_do(
    openai: OpenAISimulator, model: Model, status: int, code: str | None, run_code: str, retryable: bool, sentence: str
) -> None:
    openai.error(status, code=code)
    error = await failed(model)
    assert sentence in error.sentence
    assert "lease" in error.sentence
    assert (error.code, error.retryable) == (run_code, retryable)
    assert f"status={status}" in error.detail


async def test_an_error_page_that_is_no_json_is_judged_by_its_status(openai: OpenAISimulator, model: Model) -> None:
    openai.error(502, "<html>Bad gateway</html>")
    assert (await failed(model)).detail == "status=502"


async def test_an_error_that_is_only_a_text_is_logged(openai: OpenAISimulator, model: Model) -> None:
    openai.error(500, {"error": "llama runner has terminated"})
    assert (await failed(model)).detail == "status=500: llama runner has terminated"


async def test_a_long_context_is_recognised_without_a_code(openai: OpenAISimulator, model: Model) -> None:
    openai.error(400, {"message": "This model's maximum context length is 8192 tokens.", "code": 400})
    assert (await failed(model)).code == "invalid_prompt"


async def test_azures_content_filter_is_recognised(openai: OpenAISimulator, model: Model) -> None:
    openai.error(400, code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"})
    openai.error(400, innererror={"code": "ResponsibleAIPolicyViolation"})
    assert [(await failed(model)).code for _ in range(2)] == ["invalid_prompt"] * 2


async def test_a_setting_that_the_model_refuses_is_named(model: Model) -> None:
    error = await failed(model, temperature=0.2)
    assert error.sentence == (
        "The model does not accept the setting 'temperature' as it is. Please ask an admin to change it."
    )


async def test_retry_after_is_kept_where_trying_again_makes_sense(openai: OpenAISimulator, model: Model) -> None:
    openai.error(429, headers={"retry-after-ms": "1500", "Retry-After": "2"})
    openai.error(401, headers={"Retry-After": "2"})
    assert [(await failed(model)).retry_after for _ in range(2)] == [1.5, None]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "-7"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "soon", "retry-after": "0.5"}, 0.5),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:09 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 9.0),
        ({"retry-after": "Fri, 20 Nov 2020 10:00:09 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_every_form(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


async def test_keys_and_the_request_do_not_reach_the_log(openai: OpenAISimulator, model: Model) -> None:
    said = "Bad key sk-simulated-key or sk-other*****9876 or Bearer abc.def 'input': 'my secret plan'"
    openai.error(401, message=said)
    error = await failed(model)
    assert error.detail == "status=401 type=simulated: Bad key [key] or [key] or Bearer [key] …"


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("Failed to parse messages: no content; messages = [{'content': 'plan'}]", "no content; …"),
        ('Bad body: {"model": "m", "tools": [{"name": "plan"}]}', '{"model": "m", …'),
        ('Bad body: "{\\"prompt\\": \\"plan\\"}"', '"{\\…'),
        ("Bad message {'role': 'user', 'content': 'plan'}", "{'role': 'user', …"),
    ],
)
async def test_a_server_that_repeats_the_request_is_not_quoted(
    openai: OpenAISimulator, model: Model, said: str, logged: str
) -> None:
    openai.error(500, message=said)
    openai.raw({"type": "response.failed", "response": {"error": {"code": "server_error", "message": said}}})
    details = [(await failed(model)).detail for _ in range(2)]
    assert [(detail.endswith(logged), "plan" in detail) for detail in details] == [(True, False)] * 2


async def test_nothing_at_the_address_is_worth_another_try(openai: OpenAISimulator) -> None:
    model = connect(Endpoint(base_url="http://127.0.0.1:1/v1"))
    error = await failed(model)
    await model.close()
    assert (error.retryable, error.sentence.startswith("The model could not be reached.")) == (True, True)


async def test_a_connection_closed_before_the_answer_is_worth_another_try() -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    assert (await failed_at(close)).retryable


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/9.9 \xff no\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"x" * 9_000 + b"\r\n\r\n", STREAM + b"zz\r\n{}\r\n"],
    ids=["no status", "an endless header", "no size of a chunk"],
)
async def test_an_answer_that_is_no_http_is_worth_another_try(answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    assert (await failed_at(say)).retryable


async def test_a_server_that_does_not_take_the_request_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.models.events.READ_TIMEOUT", 0.1)
    monkeypatch.setattr("bot.models.events.CONNECT_TIMEOUT", 0.1)
    stuck = asyncio.Event()

    async def stare(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stuck.wait()
        writer.close()

    error = await failed_at(stare, done=stuck)
    assert (error.retryable, error.sentence.startswith("The model took too long")) == (True, True)


async def failed_at(serve: Serve, done: asyncio.Event | None = None, **fields: Any) -> ModelError:
    """How a call fails at a server that speaks for itself."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = connect(Endpoint(base_url=f"http://127.0.0.1:{port}/v1"))
        error = await failed(model, **fields)
        await model.close()
        if done:
            done.set()
    return error


@pytest.mark.parametrize(
    ("code", "run_code", "retryable"),
    [
        ("server_error", "server_error", True),
        ("rate_limit_exceeded", "rate_limit_exceeded", True),
        ("invalid_prompt", "invalid_prompt", False),
        ("bio_policy", "invalid_prompt", False),
        ("vector_store_timeout", "server_error", True),
        ("invalid_request_error", "server_error", False),
        ("server_is_overloaded", "server_error", True),
        ("slow_down", "server_error", True),
        ("internal_server_error", "server_error", True),
        ("service_unavailable", "server_error", True),
        ("service_unavailable_error", "server_error", True),
        ("overloaded", "server_error", True),
        ("503", "server_error", True),
        ("429", "rate_limit_exceeded", True),
        ("401", "server_error", False),
        ("413", "invalid_prompt", False),
    ],
)
async def test_a_failed_response_says_whether_to_try_again(
    openai: OpenAISimulator, model: Model, code: str, run_code: str, retryable: bool
) -> None:
    openai.say("Co", error=(code, "It broke."))
    openai.raw({"type": "error", "code": code, "message": "It broke.", "param": None, "sequence_number": 0})
    openai.raw({"type": "error", "error": {"type": code, "code": code, "message": "It broke."}})
    for _ in range(3):
        with pytest.raises(ModelError) as caught:
            await hear(model, asking())
        assert (caught.value.code, caught.value.retryable) == (run_code, retryable)
        assert "It broke." in caught.value.detail
        assert "lease" in caught.value.sentence


@pytest.mark.parametrize("code", ["server_is_overloaded", "slow_down", "overloaded", "service_unavailable", 503])
async def test_an_overloaded_server_is_told_as_one(openai: OpenAISimulator, model: Model, code: Any) -> None:
    openai.raw({"type": "response.failed", "response": {"error": {"code": code, "message": "Later."}}})
    with pytest.raises(ModelError) as caught:
        await hear(model, asking())
    assert "is overloaded right now" in caught.value.sentence


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": 7},
        {"choices": ["text"]},
        {"choices": [{"delta": "text"}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": "rain"}]}}]},
        7,
        None,
    ],
    ids=str,
)
async def test_a_chunk_of_another_form_is_a_broken_answer(openai: OpenAISimulator, chat: Model, chunk: Any) -> None:
    openai.raw(json.dumps(chunk))
    with pytest.raises(ModelError, match=r"^unreadable: [A-Za-z]+Error$") as caught:
        await hear(chat, asking())
    assert (caught.value.retryable, "broke off" in caught.value.sentence) == (True, True)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        ({"message": "Gone.", "code": 502}, True),
        ({"message": "Gone.", "type": "server_error"}, True),
        ({"message": "Gone."}, True),
        ({"message": "Gone.", "code": "engine_exploded"}, True),
        ({"message": "Gone.", "code": "slow_down"}, True),
        ({"message": "Gone.", "type": "invalid_request_error"}, False),
        ({"message": "Gone.", "type": "BadRequestError", "code": 400}, False),
        ({"message": "Gone.", "code": "insufficient_quota"}, False),
    ],
)
async def test_an_error_inside_a_stream_is_judged_by_its_code(
    openai: OpenAISimulator, chat: Model, error: dict[str, Any], retryable: bool
) -> None:
    openai.raw({"choices": [{"index": 0, "delta": {"content": "Co"}}]}, {"error": error})
    with pytest.raises(ModelError) as caught:
        await hear(chat, asking())
    assert (caught.value.retryable, "Gone." in caught.value.detail) == (retryable, True)
