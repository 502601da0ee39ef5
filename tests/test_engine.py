"""What a run does: model calls, tool calls, what it asks and records."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.assistants import events
from bot.assistants.types import Run, Usage
from bot.models.port import Call, OwnItems
from tests.bench import Bench, answering, waiting
from tests.scripted_model import TOKENS


async def test_an_answer_is_streamed_and_stored(bench: Bench) -> None:
    bench.model.say("It is ", "cold.")
    run = await bench.advance(await bench.ask("How is Oslo?"))
    message = await bench.last()
    assert (run.status, bench.told) == ("completed", "It is cold.")
    assert (message.role, message.text, message.status, message.run_id) == (
        "assistant",
        "It is cold.",
        "completed",
        run.id,
    )
    assert message.content == [{"type": "text", "text": {"value": "It is cold.", "annotations": []}}]
    assert isinstance(bench.events[-1], events.RunEnded)
    assert bench.events[-1].run == await bench.stored(run)


async def test_a_tool_round_reaches_the_model_and_stands_on_the_steps(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    (call_id,) = bench.model.call(("forecast", {"place": "Oslo"}))
    bench.model.say("Cold.")
    run = await bench.advance(await bench.ask("How is Oslo?"))
    calls, creation = await bench.journal.steps(run.id)
    assert bench.model.outputs() == ["Snow."]
    assert (calls.type, calls.status, calls.calls[0].id, calls.calls[0].output) == (
        "tool_calls",
        "completed",
        call_id,
        "Snow.",
    )
    assert (creation.type, creation.status, creation.message_id) == (
        "message_creation",
        "completed",
        (await bench.last()).id,
    )
    assert calls.usage == TOKENS == creation.usage


async def test_usage_is_summed_over_all_model_calls(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}))
    bench.model.call(("forecast", {}))
    bench.model.say("Cold.")
    run = await bench.advance(await bench.ask("How is Oslo?"))
    assert run.usage == TOKENS + TOKENS + TOKENS == Usage(30, 15, 45, 12, 6)


async def test_calls_of_one_turn_run_at_the_same_time(bench: Bench) -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def one(arguments: dict[str, object]) -> str:
        first.set()
        await second.wait()
        return "1"

    async def two(arguments: dict[str, object]) -> str:
        second.set()
        await first.wait()
        return "2"

    bench.tools.functions = {"one": one, "two": two}
    bench.model.call(("one", {}), ("two", {}))
    bench.model.say("Both.")
    await bench.advance(await bench.ask("Do both."))
    assert bench.model.outputs() == ["1", "2"]


async def test_an_output_is_on_its_step_while_the_others_still_run(bench: Bench) -> None:
    gate = asyncio.Event()
    bench.tools.functions = {"quick": answering("done"), "slow": waiting(gate, "late")}
    bench.model.call(("quick", {}), ("slow", {}))
    bench.model.say("Well.")
    run = await bench.ask("Go.")
    recorded = asyncio.Event()

    def watch(event: events.Event) -> None:
        if isinstance(event, events.OutputRecorded):
            recorded.set()

    advancing = asyncio.create_task(bench.engine.advance(run, watch))
    await recorded.wait()
    (step,) = await bench.journal.steps(run.id)
    assert [call.output for call in step.calls] == ["done", None]
    assert step.status == "in_progress"
    gate.set()
    await advancing


async def test_an_unknown_function_fails_towards_the_model(bench: Bench) -> None:
    bench.model.call(("no_such", {}))
    bench.model.say("Sorry.")
    run = await bench.advance(await bench.ask("Go."))
    assert (run.status, bench.model.outputs()) == ("completed", ['{"error": "no such tool"}'])


async def test_call_ids_are_unique_in_a_run_whatever_the_server_says(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(Call("call_0", "forecast", "{}"), Call("call_0", "forecast", "{}"), Call("", "forecast", "{}"))
    bench.model.call(Call("call_0", "forecast", "{}"), items=({"type": "function_call"},))
    bench.model.say("Snow.")
    run = await bench.advance(await bench.ask("Go."))
    ids = [call.id for step in await bench.journal.steps(run.id) for call in step.calls]
    assert len(set(ids)) == 4
    assert ids[0] == "call_0"


async def test_the_models_own_items_come_back_to_it_within_the_run(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    reasoning = {"type": "reasoning", "encrypted_content": "…"}
    bench.model.call(("forecast", {}), text="Let me look.", items=(reasoning,))
    bench.model.say("Cold.")
    bench.model.say("Bye.")
    await bench.advance(await bench.ask("How is Oslo?"))
    (own,) = [item for item in bench.model.requests[1].items if isinstance(item, OwnItems)]
    assert (own.provider, list(own.items)) == ("script", [reasoning])
    await bench.advance(await bench.ask("Thanks."))
    assert not [item for item in bench.model.requests[2].items if isinstance(item, OwnItems)]


async def test_what_the_model_says_before_it_calls_is_a_message_of_its_own(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}), text="Let me look.")
    bench.model.say("Cold.")
    run = await bench.advance(await bench.ask("How is Oslo?"))
    assert [m.text for m in await bench.messages()] == ["How is Oslo?", "Let me look.", "Cold."]
    assert [s.type for s in await bench.journal.steps(run.id)] == ["message_creation", "tool_calls", "message_creation"]


async def test_a_forced_tool_choice_holds_for_the_first_call_only(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    named = {"type": "function", "function": {"name": "forecast"}}
    bench.model.call(("forecast", {}))
    bench.model.say("Cold.")
    await bench.advance(await bench.ask("Go.", tool_choice=named))
    assert [request.tool_choice for request in bench.model.requests] == [named, "auto"]


async def test_the_runs_settings_reach_the_model(bench: Bench) -> None:
    bench.model.say("{}")
    settings: dict[str, Any] = {
        "model": "other",
        "instructions": "Rhyme.",
        "temperature": 0.5,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
        "tool_choice": "none",
        "max_completion_tokens": 50,
    }
    run = await bench.ask("Go.", **settings)
    await bench.advance(await bench.stored(run))
    (request,) = bench.model.requests
    for name, value in settings.items():
        assert getattr(request, "max_output_tokens" if name == "max_completion_tokens" else name) == value
    assert request.cache_key == bench.thread_id


async def test_a_thread_has_one_active_run_at_a_time(bench: Bench) -> None:
    first = await bench.ask("One.")
    with pytest.raises(AssertionError):
        await bench.ask("Two.")
    bench.model.say("Hi.")
    await bench.advance(first)
    bench.model.say("Ho.")
    assert isinstance(await bench.advance(await bench.ask("Two.")), Run)
