"""How runs end: limits, errors, refusals, expiry, stops, interruptions."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest

from bot.assistants import events
from bot.assistants.turns import FILTERED, MODEL_CALLS, SILENT, TOO_MANY_CALLS
from bot.assistants.writing import REFUSED
from bot.errors import IllegalTransition
from bot.models.port import ModelError, Turn
from tests.bench import Bench, answering, waiting


async def test_the_completion_budget_spans_the_run(bench: Bench) -> None:
    bench.tools.functions = {"forecast": answering("Snow.")}
    bench.model.call(("forecast", {}))
    bench.model.say("It is", finish="length")
    run = await bench.advance(await bench.ask("Go.", max_completion_tokens=8))
    assert [request.max_output_tokens for request in bench.model.requests] == [8, 3]
    assert (run.status, run.incomplete_details) == ("incomplete", {"reason": "max_completion_tokens"})
    message = await bench.last()
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
    assert (await bench.last()).incomplete_reason == "run_failed"
    assert (await bench.journal.steps(run.id))[-1].status == "failed"


async def test_a_broken_stream_begins_anew_and_its_text_does_not_stay(bench: Bench) -> None:
    bench.model.act("It is wa", ModelError("Broken.", retryable=True))
    bench.model.say("It is cold.")
    advancing = asyncio.create_task(bench.advance(await bench.ask("Go.")))
    bench.clock.advance(await bench.clock.asleep())
    await advancing
    begun = ["MessageBegun", "TextAppended"]
    assert [type(event).__name__ for event in bench.events[1:6]] == [*begun, "TextDiscarded", *begun]
    first, second = [event for event in bench.events if isinstance(event, events.MessageBegun)]
    assert first.message.id != second.message.id == (await bench.last()).id
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
    assert (run.status, (await bench.last()).text, bench.told) == (status, text, text)


async def test_a_content_filter_ends_the_run_with_a_sentence(bench: Bench) -> None:
    bench.model.say("So the", finish="content_filter")
    run = await bench.advance(await bench.ask("Go."))
    assert run.last_error is not None
    assert (run.status, run.last_error.code, run.last_error.message) == ("failed", "invalid_prompt", FILTERED)
    assert (await bench.last()).incomplete_reason == "content_filter"


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
    assert ((await bench.last()).text, (await bench.last()).incomplete_reason) == ("It is ", "run_expired")


async def test_a_deadline_that_fires_before_the_wall_clock_says_so_asks_the_model_no_more(bench: Bench) -> None:
    gate = bench.model.hold("It is ")
    run = await bench.ask("Go.")
    advancing = asyncio.create_task(bench.advance(run))
    await gate.reached.wait()
    bench.clock.ring()
    assert ((await advancing).status, bench.told, len(bench.model.requests)) == ("expired", "It is ", 1)


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
    assert ((await bench.last()).text, (await bench.last()).incomplete_reason) == ("It is ", "run_cancelled")
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
        "RunStarted", "MessageCompleted", "CallsRecorded", "OutputRecorded",
        "MessageBegun", "TextAppended", "MessageCompleted", "RunEnded",
    ]  # fmt: skip


async def test_a_terminal_run_is_only_told(bench: Bench) -> None:
    bench.model.say("Hi.")
    run = await bench.advance(await bench.ask("Hello."))
    bench.events.clear()
    assert await bench.advance(run) == run
    assert [event.message.text for event in bench.events if isinstance(event, events.MessageCompleted)] == ["Hi."]
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
