"""Calls that wait for someone outside, and the outputs that come from there."""

from __future__ import annotations

import asyncio

import pytest

from bot.assistants import events
from bot.errors import BadToolOutputs, IllegalTransition, NotFound
from tests.bench import Bench, answering, waiting


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
