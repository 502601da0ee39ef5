"""What a run does, from the first model call to its end."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

import pytest

from bot.assistants import events
from bot.assistants.turns import FILTERED, MODEL_CALLS, REFUSED, SILENT, TOO_MANY_CALLS
from bot.assistants.types import Message, Run, Usage
from bot.errors import BadToolOutputs, IllegalTransition, NotFound
from bot.models.port import Call, ModelError, OwnItems, Turn
from tests.bench import Bench, answering, waiting
from tests.scripted_model import TOKENS


def told(bench: Bench) -> str:
    return "".join(event.text for event in bench.events if isinstance(event, events.TextAppended))


async def last(bench: Bench) -> Message:
    return (await bench.messages())[-1]


async def test_an_answer_is_streamed_and_stored(bench: Bench) -> None:
    bench.model.say("It is ", "cold.")
    run = await bench.advance(await bench.ask("How is Oslo?"))
    message = await last(bench)
    assert (run.status, told(bench)) == ("completed", "It is cold.")
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
        (await last(bench)).id,
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


async def test_an_outside_call_makes_the_run_wait_and_holds_no_task(bench: Bench) -> None:
    (call_id,) = bench.model.call(("approve", {"what": "lunch"}))
    run = await bench.advance(await bench.ask("Lunch?", tools=["approve"]))
    assert run.status == "requires_action"
    assert run.required_action == {
        "type": "submit_tool_outputs",
        "submit_tool_outputs": {
            "tool_calls": [
                {"id": call_id, "type": "function", "function": {"name": "approve", "arguments": '{"what": "lunch"}'}}
            ]
        },
    }
    assert isinstance(bench.events[-1], events.ActionRequired)


async def test_submitted_outputs_in_any_order_bring_the_answer(bench: Bench) -> None:
    one, two = bench.model.call(("ask", {"n": 1}), ("ask", {"n": 2}))
    bench.model.say("Thanks.")
    run = await bench.advance(await bench.ask("Quiz me.", tools=["ask"]))
    run = await bench.engine.submit_tool_outputs(run.id, [(two, "B"), (one, "A")])
    assert (run.status, run.required_action) == ("in_progress", None)
    run = await bench.advance(run)
    assert (run.status, bench.model.outputs()) == ("completed", ["A", "B"])


@pytest.mark.parametrize(
    ("ids", "complaint"),
    [((0,), "missing"), ((0, 1, 7), "not waited for"), ((0, 0, 1), "given twice"), ((), "missing")],
)
async def test_outputs_that_do_not_match_change_nothing(bench: Bench, ids: tuple[int, ...], complaint: str) -> None:
    calls = [*bench.model.call(("ask", {}), ("ask", {})), *["call_x"] * 6]
    run = await bench.advance(await bench.ask("Quiz me.", tools=["ask"]))
    with pytest.raises(BadToolOutputs, match=complaint):
        await bench.engine.submit_tool_outputs(run.id, [(calls[number], "out") for number in ids])
    assert await bench.stored(run) == run
    (step,) = await bench.journal.steps(run.id)
    assert [call.output for call in step.calls] == [None, None]


async def test_outputs_for_a_run_that_does_not_wait_are_refused(bench: Bench) -> None:
    bench.model.say("Hi.")
    run = await bench.advance(await bench.ask("Hello."))
    with pytest.raises(IllegalTransition, match="is completed"):
        await bench.engine.submit_tool_outputs(run.id, [("call_1", "x")])
    with pytest.raises(NotFound, match="No run found with id 'run_none'"):
        await bench.engine.submit_tool_outputs("run_none", [])


async def test_answers_can_come_one_by_one_and_each_counts_once(bench: Bench) -> None:
    one, two = bench.model.call(("ask", {}), ("ask", {}))
    run = await bench.advance(await bench.ask("Quiz me.", tools=["ask"]))
    run = await bench.engine.record_output(run.id, one, "A")
    assert (run.status, [call.id for call in run.required_calls]) == ("requires_action", [two])
    with pytest.raises(BadToolOutputs, match="does not wait"):
        await bench.engine.record_output(run.id, one, "Z")
    run = await bench.engine.record_output(run.id, two, "B")
    assert run.status == "in_progress"
    (step,) = await bench.journal.steps(run.id)
    assert [call.output for call in step.calls] == ["A", "B"]


async def test_concurrent_answers_lose_nothing(bench: Bench) -> None:
    calls = bench.model.call(*[("ask", {"n": n}) for n in range(8)])
    run = await bench.advance(await bench.ask("Quiz me.", tools=["ask"]))
    await asyncio.gather(*(bench.engine.record_output(run.id, call, call) for call in calls))
    (step,) = await bench.journal.steps(run.id)
    assert [call.output for call in step.calls] == calls
    assert (await bench.stored(run)).status == "in_progress"


async def test_own_calls_run_while_outside_calls_wait(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}), ("approve", {}))
    bench.model.say("Approved, and snow.")
    run = await bench.advance(await bench.ask("Go?", tools=["approve"]))
    assert (run.status, [call.name for call in run.required_calls]) == ("requires_action", ["approve"])
    (step,) = await bench.journal.steps(run.id)
    assert [call.output for call in step.calls] == ["Snow.", None]
    run = await bench.advance(await bench.engine.submit_tool_outputs(run.id, [(run.required_calls[0].id, "yes")]))
    assert (run.status, bench.model.outputs(), len(bench.tools.calls)) == ("completed", ["Snow.", "yes"], 1)


async def test_outputs_that_come_while_own_calls_run_are_used_at_once(bench: Bench) -> None:
    gate = asyncio.Event()
    bench.tools.functions = {"forecast": waiting(gate, "Snow.")}
    _, outside = bench.model.call(("forecast", {}), ("approve", {}))
    bench.model.say("Done.")
    run = await bench.ask("Go?", tools=["approve"])
    recorded = asyncio.Event()
    advancing = asyncio.create_task(
        bench.engine.advance(run, lambda e: recorded.set() if isinstance(e, events.CallsRecorded) else None)
    )
    await recorded.wait()
    await bench.engine.submit_tool_outputs(run.id, [(outside, "yes")])
    gate.set()
    run = await advancing
    assert (run.status, bench.model.outputs()) == ("completed", ["Snow.", "yes"])


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


async def test_the_completion_budget_spans_the_run(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}))
    bench.model.say("It is", finish="length")
    run = await bench.advance(await bench.ask("Go.", max_completion_tokens=8))
    assert [request.max_output_tokens for request in bench.model.requests] == [8, 3]
    assert (run.status, run.incomplete_details) == ("incomplete", {"reason": "max_completion_tokens"})
    message = await last(bench)
    assert (message.text, message.status, message.incomplete_reason) == ("It is", "incomplete", "max_tokens")


async def test_a_spent_completion_budget_asks_the_model_no_more(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}))
    run = await bench.advance(await bench.ask("Go.", max_completion_tokens=5))
    assert (run.status, run.incomplete_reason) == ("incomplete", "max_completion_tokens")


async def test_a_question_over_the_prompt_budget_is_incomplete(bench: Bench) -> None:
    run = await bench.advance(await bench.ask("long " * 500, max_prompt_tokens=300))
    assert (run.status, run.incomplete_reason, bench.model.requests) == ("incomplete", "max_prompt_tokens", [])


async def test_a_run_that_never_stops_calling_fails_after_its_limit(bench: Bench) -> None:
    bench.tools.functions = {"again": answering("more")}
    for _ in range(MODEL_CALLS):
        bench.model.call(("again", {}))
    run = await bench.advance(await bench.ask("Go."))
    assert run.status == "failed"
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == ("server_error", TOO_MANY_CALLS)


async def test_a_models_error_is_the_runs_last_error(bench: Bench) -> None:
    bench.model.act("It", ModelError("The model is overloaded. Please try again.", code="rate_limit_exceeded"))
    run = await bench.advance(await bench.ask("Go."))
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "rate_limit_exceeded")
    assert (await last(bench)).incomplete_reason == "run_failed"
    assert (await bench.journal.steps(run.id))[-1].status == "failed"


async def test_a_broken_stream_begins_anew_and_its_text_does_not_stay(bench: Bench) -> None:
    bench.model.act("It is wa", ModelError("Broken.", retryable=True))
    bench.model.say("It is cold.")
    advancing = asyncio.create_task(bench.advance(await bench.ask("Go.")))
    bench.clock.advance(await bench.clock.asleep())
    await advancing
    assert [type(event).__name__ for event in bench.events[1:4]] == ["TextAppended", "TextDiscarded", "TextAppended"]
    assert [m.text for m in await bench.messages()] == ["Go.", "It is cold."]


@pytest.mark.parametrize(
    ("turn", "text", "status"),
    [
        (Turn("I cannot help with that.", refused=True), "I cannot help with that.", "completed"),
        (Turn("", refused=True), REFUSED, "completed"),
    ],
)
async def test_a_refusal_is_the_answer(bench: Bench, turn: Turn, text: str, status: str) -> None:
    bench.model.act(turn)
    run = await bench.advance(await bench.ask("Go."))
    assert (run.status, (await last(bench)).text, told(bench)) == (status, text, text)


async def test_a_content_filter_ends_the_run_with_a_sentence(bench: Bench) -> None:
    bench.model.say("So the", finish="content_filter")
    run = await bench.advance(await bench.ask("Go."))
    assert run.last_error is not None
    assert (run.status, run.last_error.code, run.last_error.message) == ("failed", "invalid_prompt", FILTERED)
    assert (await last(bench)).incomplete_reason == "content_filter"


async def test_a_silent_model_fails_the_run(bench: Bench) -> None:
    bench.model.act(Turn("  \n"))
    run = await bench.advance(await bench.ask("Go."))
    assert run.last_error is not None
    assert (run.status, run.last_error.message) == ("failed", SILENT)


async def test_a_run_expires_ten_minutes_after_its_creation(bench: Bench) -> None:
    gate = bench.model.hold("It is ")
    run = await bench.ask("Go.")
    assert run.expires_at == run.created_at + 600
    advancing = asyncio.create_task(bench.advance(run))
    await gate.reached.wait()
    bench.clock.advance(600)
    run = await advancing
    assert (run.status, run.expires_at, run.entered("expired")) == ("expired", None, run.created_at + 600)
    assert ((await last(bench)).text, (await last(bench)).incomplete_reason) == ("It is ", "run_expired")


async def test_a_hung_tool_does_not_outlive_the_run(bench: Bench) -> None:
    never, reached = asyncio.Event(), asyncio.Event()

    async def hang(arguments: dict[str, object]) -> str:
        reached.set()
        await never.wait()
        return ""

    bench.tools.functions = {"hang": hang}
    bench.model.call(("hang", {}))
    advancing = asyncio.create_task(bench.advance(await bench.ask("Go.")))
    await reached.wait()
    bench.clock.advance(600)
    run = await advancing
    (step,) = await bench.journal.steps(run.id)
    assert (run.status, step.status, step.expired_at) == ("expired", "expired", run.ended_at)


async def test_a_waiting_run_expires_too_and_takes_no_output_then(bench: Bench) -> None:
    (call_id,) = bench.model.call(("ask", {}))
    run = await bench.advance(await bench.ask("Go.", tools=["ask"]))
    with pytest.raises(IllegalTransition):
        await bench.engine.expire(run.id)
    bench.clock.advance(600)
    with pytest.raises(IllegalTransition):
        await bench.engine.submit_tool_outputs(run.id, [(call_id, "late")])
    run = await bench.engine.expire(run.id)
    (step,) = await bench.journal.steps(run.id)
    assert (run.status, run.expires_at, run.required_action, step.status) == ("expired", None, None, "expired")


async def test_a_cancelled_run_keeps_the_words_that_were_seen(bench: Bench) -> None:
    gate = bench.model.hold("It is ")
    run = await bench.ask("Go.")
    advancing = asyncio.create_task(bench.advance(run))
    await gate.reached.wait()
    assert (await bench.engine.cancel(run.id)).status == "cancelling"
    advancing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await advancing
    stored = await bench.stored(run)
    assert (stored.status, stored.expires_at) == ("cancelled", None)
    assert ((await last(bench)).text, (await last(bench)).incomplete_reason) == ("It is ", "run_cancelled")
    assert isinstance(bench.events[-1], events.RunEnded)


async def test_cancelling_stops_the_tools(bench: Bench) -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def slow(arguments: dict[str, object]) -> str:
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return ""

    bench.tools.functions = {"slow": slow}
    bench.model.call(("slow", {}))
    run = await bench.ask("Go.")
    advancing = asyncio.create_task(bench.advance(run))
    await reached.wait()
    await bench.engine.cancel(run.id)
    advancing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await advancing
    (step,) = await bench.journal.steps(run.id)
    assert (gone.is_set(), (await bench.stored(run)).status, step.status) == (True, "cancelled", "cancelled")


async def test_a_stop_that_overtakes_the_answer_wins(bench: Bench) -> None:
    gate = bench.model.hold("It is cold.")
    run = await bench.ask("Go.")
    advancing = asyncio.create_task(bench.advance(run))
    await gate.reached.wait()
    await bench.engine.cancel(run.id)
    gate.open()
    assert (await advancing).status == "cancelled"


async def test_a_run_that_is_over_cannot_be_cancelled(bench: Bench) -> None:
    bench.model.say("Hi.")
    run = await bench.advance(await bench.ask("Hello."))
    with pytest.raises(IllegalTransition, match="is completed and cannot become cancelling"):
        await bench.engine.cancel(run.id)


async def test_an_interrupted_run_computes_no_recorded_output_again(bench: Bench) -> None:
    gate = asyncio.Event()
    bench.tools.functions = {"quick": answering("done"), "slow": waiting(gate, "late")}
    bench.model.call(("quick", {}), ("slow", {}))
    bench.model.say("Well.")
    run = await bench.ask("Go.")
    recorded = asyncio.Event()
    crashing = asyncio.create_task(
        bench.engine.advance(run, lambda e: recorded.set() if isinstance(e, events.OutputRecorded) else None)
    )
    await recorded.wait()
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)
    gate.set()
    run = await bench.advance(await bench.stored(run))
    names = [call.name for call in bench.tools.calls]
    assert (run.status, bench.model.outputs()) == ("completed", ["done", "late"])
    assert (names.count("quick"), names.count("slow")) == (1, 2)
    assert len({call.id for call in bench.tools.calls if call.name == "slow"}) == 1


async def test_a_resumed_run_tells_again_what_it_had_done(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    (asked,) = bench.model.call(("ask", {}), text="Let me ask.")
    run = await bench.advance(await bench.ask("Go.", tools=["ask"]))
    bench.events.clear()
    bench.model.say("Thanks.")
    await bench.advance(await bench.engine.submit_tool_outputs(run.id, [(asked, "A")]))
    assert [type(event).__name__ for event in bench.events] == [
        "RunStarted", "TextAppended", "MessageCompleted", "CallsRecorded", "OutputRecorded",
        "TextAppended", "MessageCompleted", "RunEnded",
    ]  # fmt: skip


async def test_a_terminal_run_is_only_told(bench: Bench) -> None:
    bench.model.say("Hi.")
    run = await bench.advance(await bench.ask("Hello."))
    bench.events.clear()
    assert await bench.advance(run) == run
    assert told(bench) == "Hi."
    assert isinstance(bench.events[-1], events.RunEnded)


async def test_every_status_keeps_its_time(bench: Bench) -> None:
    (asked,) = bench.model.call(("ask", {}))
    bench.model.say("Thanks.")
    run = await bench.ask("Go.", tools=["ask"])
    bench.clock.advance(1)
    run = await bench.advance(run)
    bench.clock.advance(2)
    run = await bench.advance(await bench.engine.submit_tool_outputs(run.id, [(asked, "A")]))
    start = run.created_at
    assert list((await bench.stored(run)).transitions) == [
        ("queued", start), ("in_progress", start + 1), ("requires_action", start + 1),
        ("in_progress", start + 3), ("completed", start + 3),
    ]  # fmt: skip
    assert (run.started_at, run.completed_at) == (start + 1, start + 3)


async def test_exactly_one_terminal_event_ends_each_run(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}))
    bench.model.say("Cold.")
    await bench.advance(await bench.ask("Go."))
    ended = [event for event in bench.events if isinstance(event, events.RunEnded)]
    assert (len(ended), bench.events[-1]) == (1, ended[0])
    assert {type(event) for event in bench.events} < set(get_args(events.Event))


async def test_a_thread_has_one_active_run_at_a_time(bench: Bench) -> None:
    first = await bench.ask("One.")
    with pytest.raises(AssertionError):
        await bench.ask("Two.")
    bench.model.say("Hi.")
    await bench.advance(first)
    bench.model.say("Ho.")
    assert isinstance(await bench.advance(await bench.ask("Two.")), Run)
