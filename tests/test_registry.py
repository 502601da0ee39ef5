"""Calls of tools: whatever goes wrong in one becomes an output that the model reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Literal

import httpx2
import pytest
import structlog
from pydantic import BaseModel, Field
from structlog.testing import LogCapture

from tests.tool_context import FakeContext
from tools.context import context
from tools.registry import LONGEST_OUTPUT, Registry, ToolError, ToolResult, load, tool


class Point(BaseModel):
    x: float
    title: str


@tool
async def echo(text: str, volume: Annotated[int, Field(ge=1, le=3)] = 1, mood: Literal["calm", "loud"] = "calm") -> str:
    """Says it again."""
    return f"{text} {volume} {mood}"


@tool
async def locate(points: list[Point], *, near: Point | None) -> dict[str, object]:
    """Counts points."""
    return {"points": len(points), "near": near, "größe": "ä"}


@tool
async def whoami() -> str:
    """The id of the call."""
    return context().call_id


@tool
async def refuse(text: str) -> str:
    """Cannot do it."""
    raise ToolError(f"There is no {text}.")


@tool
async def crash(text: str) -> str:
    """Has a bug."""
    raise ValueError(f"secret {text}")


@tool
async def leave() -> str:
    """Wants to end the program."""
    raise SystemExit(3)


@tool
async def give_up() -> str:
    """Is cancelled from within."""
    raise asyncio.CancelledError


@tool
async def shout(length: int) -> str:
    """Says a lot."""
    return "a" * length


REGISTRY = Registry([echo, locate, whoami, refuse, crash, leave, give_up, shout], grace=0.0)


@pytest.fixture
async def calling() -> AsyncIterator[FakeContext]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield FakeContext(http, call_id="call_7")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    capture = LogCapture()
    monkeypatch.setattr("tools.registry.log", structlog.wrap_logger(None, processors=[capture]))
    return capture


Run = Callable[..., Coroutine[Any, Any, ToolResult]]


@pytest.fixture
def run(calling: FakeContext) -> Run:
    async def call(name: str, arguments: str = "{}", registry: Registry = REGISTRY) -> ToolResult:
        return await registry.execute(name, arguments, calling, enabled=registry.names)

    return call


def sentence(result: ToolResult) -> str:
    assert result.failed
    body = json.loads(result.output)
    assert list(body) == ["error"]
    return str(body["error"])


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two tools are called echo"):
        Registry([echo, echo])


def test_a_registry_is_a_mapping_in_the_order_given() -> None:
    registry = Registry([whoami, echo])
    assert (registry.names, list(registry), len(registry)) == (("whoami", "echo"), ["whoami", "echo"], 2)
    assert registry["echo"] is echo
    assert registry.get("nothing") is None
    assert "nothing" not in registry


def test_load_finds_the_tools_of_the_package_in_a_stable_order() -> None:
    expected = ("get_current_time", "get_current_temperature", "get_rain_probability", "get_forecast")
    assert tuple(name for name in load().names if name in expected) == expected
    assert load().names == load().names


async def test_a_call_runs_with_validated_arguments(run: Run) -> None:
    assert await run("echo", '{"text": "hi", "volume": 2}') == ToolResult("hi 2 calm")


async def test_what_is_not_a_string_becomes_json_with_its_letters_kept(run: Run) -> None:
    result = await run("locate", '{"points": [{"x": 1, "title": "a"}], "near": {"x": 2, "title": "b"}}')
    assert result == ToolResult('{"points":1,"near":{"x":2.0,"title":"b"},"größe":"ä"}')


async def test_a_tool_sees_the_context_of_its_own_call(calling: FakeContext) -> None:
    contexts = [FakeContext(calling.http, call_id=f"call_{number}") for number in range(3)]
    results = await asyncio.gather(*(REGISTRY.execute("whoami", "{}", one, enabled=REGISTRY) for one in contexts))
    assert [result.output for result in results] == ["call_0", "call_1", "call_2"]
    with pytest.raises(LookupError):
        context()


@pytest.mark.parametrize("arguments", ["", "  ", "{}"])
async def test_no_arguments_count_as_an_empty_object(run: Run, arguments: str) -> None:
    assert await run("whoami", arguments) == ToolResult("call_7")


async def test_an_unknown_name_is_answered_with_those_that_there_are(calling: FakeContext) -> None:
    result = await REGISTRY.execute("sing", "{}", calling, enabled=["whoami", "echo", "gone"])
    assert sentence(result) == "There is no tool 'sing'; available: echo, whoami."


async def test_a_tool_that_is_turned_off_is_answered_with_those_that_are_on(calling: FakeContext) -> None:
    result = await REGISTRY.execute("crash", "{}", calling, enabled=["echo"])
    assert sentence(result) == "The tool crash is turned off here; available: echo."


async def test_where_every_tool_is_off_the_answer_says_so(calling: FakeContext) -> None:
    result = await REGISTRY.execute("echo", "{}", calling, enabled=[])
    assert sentence(result) == "The tool echo is turned off here, and no tool is available."


@pytest.mark.parametrize(
    "arguments", ['{"text": ', "hello", '{"text": "a",}', '{"text": NaN}', '{"text": "\ud800"}', r'{"text": "\ud800"}']
)
async def test_bad_json_becomes_an_error_output(run: Run, arguments: str) -> None:
    assert sentence(await run("echo", arguments)).startswith("The arguments of echo are not valid JSON: ")


@pytest.mark.parametrize("arguments", ['["hi"]', '"hi"', "null", "7"])
async def test_json_that_is_not_an_object_becomes_an_error_output(run: Run, arguments: str) -> None:
    assert sentence(await run("echo", arguments)) == "The arguments of echo have to be one JSON object."


async def test_a_schema_violation_says_what_is_wrong_with_each_argument(run: Run) -> None:
    assert sentence(await run("echo", '{"volume": 9, "mood": "odd", "speed": 1}')) == (
        "The arguments of echo do not fit: text: Missing required argument; "
        "volume: Input should be less than or equal to 3; mood: Input should be 'calm' or 'loud'; "
        "speed: there is no such argument (there are: text, volume, mood)."
    )


async def test_a_violation_inside_a_nested_argument_is_named_by_its_path(run: Run) -> None:
    assert "points.1.x: " in sentence(
        await run("locate", '{"points": [{"x":1,"title":"a"}, {"title":"b"}], "near": null}')
    )


async def test_a_long_list_of_violations_is_cut(run: Run) -> None:
    arguments = json.dumps({f"a{number}": 1 for number in range(20)})
    assert sentence(await run("whoami", arguments)).endswith("; and 12 more.")


async def test_a_tool_error_is_the_sentence_that_the_model_reads(run: Run) -> None:
    assert sentence(await run("refuse", '{"text": "way"}')) == "There is no way."


async def test_an_unexpected_error_tells_the_model_its_kind_only(run: Run, logged: LogCapture) -> None:
    assert sentence(await run("crash", '{"text": "tulip"}')) == "crash failed unexpectedly (ValueError)."


async def test_an_unexpected_error_is_logged_without_the_arguments(run: Run, logged: LogCapture) -> None:
    await run("crash", '{"text": "tulip"}')
    [entry] = logged.entries
    assert {name: entry[name] for name in ("log_level", "tool", "call_id", "error")} == {
        "log_level": "warning",
        "tool": "crash",
        "call_id": "call_7",
        "error": "ValueError",
    }
    assert "in crash" in entry["stack"]
    assert "tulip" not in repr(entry)


async def test_a_tool_cannot_end_the_program(run: Run, logged: LogCapture) -> None:
    assert sentence(await run("leave")) == "leave failed unexpectedly (SystemExit)."


async def test_a_tool_that_cancels_itself_is_a_failed_call(run: Run) -> None:
    assert sentence(await run("give_up")) == "give_up failed unexpectedly (CancelledError)."


async def test_an_output_within_the_limit_is_whole(run: Run) -> None:
    assert await run("shout", json.dumps({"length": LONGEST_OUTPUT})) == ToolResult("a" * LONGEST_OUTPUT)


async def test_a_long_output_is_cut_and_says_how_much(run: Run) -> None:
    result = await run("shout", json.dumps({"length": LONGEST_OUTPUT + 5}))
    assert result.output == "a" * LONGEST_OUTPUT + "\n[cut: 5 more characters]"


class Hanging:
    """A tool that waits for ever, or until the test lets it go, and may ignore its cancellation."""

    def __init__(self, *, stubborn: bool = False, timeout: float = 60) -> None:
        self.started, self.cancelled, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.release = asyncio.Event()
        self.stubborn = stubborn

        async def hang() -> str:
            """Takes its time."""
            return await self._hang()

        self.registry = Registry([tool(timeout=timeout)(hang)], grace=0.0 if stubborn else 60)

    async def _hang(self) -> str:
        self.started.set()
        try:
            while not self.release.is_set():
                await self._wait()
        finally:
            self.ended.set()
        return "late"

    async def _wait(self) -> None:
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            if not self.stubborn:
                raise


async def test_a_hung_tool_becomes_a_timeout_output(run: Run) -> None:
    hanging = Hanging(timeout=0.01)
    assert sentence(await run("hang", registry=hanging.registry)) == "hang timed out after 0.01 seconds."
    assert hanging.ended.is_set()


async def test_a_tool_that_ignores_its_cancellation_is_left_behind_with_a_log_line(
    run: Run, logged: LogCapture
) -> None:
    hanging = Hanging(stubborn=True, timeout=0.01)
    assert sentence(await run("hang", registry=hanging.registry)) == "hang timed out after 0.01 seconds."
    assert [entry["task"] for entry in logged.entries] == ["tool hang call_7"]
    await hanging.cancelled.wait()
    hanging.release.set()
    await hanging.ended.wait()


async def test_a_cancelled_call_cancels_its_tool(run: Run) -> None:
    hanging = Hanging()
    call = asyncio.create_task(run("hang", registry=hanging.registry))
    await hanging.started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert hanging.ended.is_set()


async def test_a_cancelled_call_does_not_wait_for_a_tool_that_ignores_it(run: Run, logged: LogCapture) -> None:
    hanging = Hanging(stubborn=True)
    call = asyncio.create_task(run("hang", registry=hanging.registry))
    await hanging.started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not hanging.ended.is_set()
    hanging.release.set()
    await hanging.ended.wait()


async def test_a_call_runs_in_a_task_named_after_tool_and_call(run: Run) -> None:
    hanging = Hanging()
    call = asyncio.create_task(run("hang", registry=hanging.registry))
    await hanging.started.wait()
    assert "tool hang call_7" in {task.get_name() for task in asyncio.all_tasks()}
    hanging.release.set()
    assert await call == ToolResult("late")
