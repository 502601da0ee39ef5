"""Which status may follow which."""

from __future__ import annotations

from itertools import product
from typing import get_args

import openai.types.beta as sdk
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.beta.threads import run_status
from pydantic import BaseModel

from bot.assistants.lifecycle import ACTIVE, FOLLOWS, move, new_run
from bot.assistants.types import Assistant, Message, Run, RunStatus, RunStep, Thread, ToolCall, new_id
from bot.errors import IllegalTransition

STATUSES = get_args(RunStatus)
LEGAL = {
    ("queued", "in_progress"), ("queued", "cancelling"), ("queued", "failed"), ("queued", "expired"),
    ("in_progress", "requires_action"), ("in_progress", "cancelling"), ("in_progress", "completed"),
    ("in_progress", "failed"), ("in_progress", "incomplete"), ("in_progress", "expired"),
    ("requires_action", "in_progress"), ("requires_action", "cancelling"), ("requires_action", "failed"),
    ("requires_action", "expired"), ("cancelling", "cancelled"),
}  # fmt: skip


def run_in(status: RunStatus) -> Run:
    run = new_run(100.0, id="run_1", thread_id="thread_1", assistant_id="asst_1", model="m")
    return Run(**{**{name: getattr(run, name) for name in run.__slots__}, "status": status})


@pytest.mark.parametrize(("was", "to"), list(product(STATUSES, STATUSES)))
def test_a_transition_is_taken_where_it_is_legal_and_refused_elsewhere(was: RunStatus, to: RunStatus) -> None:
    run = run_in(was)
    if (was, to) in LEGAL:
        assert (move(run, to, 101.0).status, move(run, to, 101.0).entered(to)) == (
            to,
            101.0 if to != "queued" else 100.0,
        )
    else:
        with pytest.raises(IllegalTransition, match=f"Run 'run_1' is {was} and cannot become {to}"):
            move(run, to, 101.0)


def test_a_run_is_active_until_it_is_terminal() -> None:
    assert {"queued", "in_progress", "requires_action", "cancelling"} == ACTIVE
    assert {status for status in STATUSES if run_in(status).is_terminal} == set(STATUSES) - ACTIVE


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.floats(0, 700)), max_size=12))
def test_whatever_is_tried_a_run_stays_well_formed(steps: list[tuple[RunStatus, float]]) -> None:
    now, run = 100.0, run_in("queued")
    for to, wait in steps:
        now += wait
        waiting = (ToolCall("call_1", "ask", "{}", outside=True),)
        try:
            run = move(run, to, now, **({"required_calls": waiting} if to == "requires_action" else {}))
        except IllegalTransition:
            assert to not in FOLLOWS[run.status]
            continue
        assert run.status == to == run.transitions[-1][0]
        assert (run.expires_at is None) == run.is_terminal
        assert run.expires_at in (None, 700.0)
        assert (run.required_action is not None) == (run.status == "requires_action")
        assert [at for _, at in run.transitions] == sorted(at for _, at in run.transitions)
        assert run.ended_at == (now if run.is_terminal else None)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Assistant, sdk.Assistant),
        (Thread, sdk.Thread),
        (Message, sdk.threads.Message),
        (Run, sdk.threads.Run),
        (RunStep, sdk.threads.runs.RunStep),
    ],
)
def test_our_objects_have_every_field_of_the_api(ours: type, theirs: type) -> None:
    fields = set(theirs.model_fields) - {"object"}  # type: ignore[attr-defined]
    assert {name for name in fields if not hasattr(ours, name)} == set()


def in_the_apis_form(ours: object, theirs: type[BaseModel], name: str) -> dict[str, object]:
    return {field: getattr(ours, field) for field in theirs.model_fields if field != "object"} | {"object": name}


def test_a_waiting_run_and_its_steps_are_what_the_sdk_takes() -> None:
    call = ToolCall("call_1", "ask", '{"n": 1}', outside=True)
    run = move(move(run_in("queued"), "in_progress", 101), "requires_action", 102, required_calls=(call,))
    taken = sdk.threads.Run.model_validate(in_the_apis_form(run, sdk.threads.Run, "thread.run"))
    assert taken.required_action is not None
    assert taken.required_action.submit_tool_outputs.tool_calls[0].function.arguments == '{"n": 1}'
    for step in (
        RunStep("step_1", "run_1", "thread_1", "asst_1", 101, "tool_calls", calls=(call,)),
        RunStep("step_2", "run_1", "thread_1", "asst_1", 101, "message_creation", message_id="msg_1"),
    ):
        form = in_the_apis_form(step, sdk.threads.runs.RunStep, "thread.run.step")
        assert sdk.threads.runs.RunStep.model_validate(form).step_details.type == step.type


def test_our_run_statuses_are_those_of_the_api() -> None:
    assert set(STATUSES) == set(get_args(run_status.RunStatus))


@pytest.mark.parametrize("prefix", ["asst", "thread", "msg", "run", "step", "call"])
def test_ids_bear_their_prefix_and_are_never_the_same(prefix: str) -> None:
    ids = {new_id(prefix) for _ in range(1000)}  # type: ignore[arg-type]
    assert len(ids) == 1000
    assert all(id_.startswith(f"{prefix}_") and len(id_) == len(prefix) + 25 for id_ in ids)
