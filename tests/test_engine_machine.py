"""The state machine under any order of what can happen to it: the real engine on a real database."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.assistants.types import Run
from bot.errors import BadToolOutputs, IllegalTransition
from bot.models.port import ModelError
from tests.bench import Bench, answering, bench_at

T = TypeVar("T")


class EngineMachine(RuleBasedStateMachine):
    """Beside the engine stands what we expect: the run's last known state, and each output that was recorded."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="parley-machine-"))
        self.stack = AsyncExitStack()
        self.bench: Bench = self.do(self.stack.enter_async_context(bench_at(self.folder / "parley.db")))
        self.bench.tools.functions = {"look": answering("Snow.")}
        self.runs: list[Run] = []
        self.outputs: dict[str, str] = {}
        self.fresh = 0

    def do(self, work: Awaitable[T]) -> T:
        async def whole() -> T:
            return await work

        return self.runner.run(whole())

    @property
    def run(self) -> Run | None:
        return self.runs[-1] if self.runs else None

    def see(self, run: Run) -> None:
        self.runs[-1] = run

    @precondition(lambda self: self.run is None or self.run.is_terminal)
    @rule()
    def ask(self) -> None:
        self.runs.append(self.do(self.bench.ask("Go.", tools=["approve", "quiz"])))

    @precondition(lambda self: self.run is not None and self.run.status in ("queued", "in_progress"))
    @rule(
        turns=st.lists(st.sampled_from(["look", "approve", "look+approve", "approve+quiz"]), max_size=3),
        end=st.sampled_from(["say", "length", "filter", "error"]),
    )
    def advance(self, turns: list[str], end: str) -> None:
        assert self.run is not None
        for turn in turns:
            self.bench.model.call(*[(name, {}) for name in turn.split("+")])
            if turn != "look":
                break
        else:
            self.script_end(end)
        self.see(self.do(self.bench.advance(self.run)))

    def script_end(self, end: str) -> None:
        match end:
            case "say":
                self.bench.model.say("Cold.")
            case "length":
                self.bench.model.say("Co", finish="length")
            case "filter":
                self.bench.model.say("Co", finish="content_filter")
            case _:
                self.bench.model.act("Co", ModelError("No. Please try again."))

    @precondition(lambda self: bool(self.run and self.run.required_calls))
    @rule(order=st.randoms(use_true_random=False))
    def submit(self, order: object) -> None:
        assert self.run is not None
        pairs = [(call.id, f"output {len(self.outputs) + n}") for n, call in enumerate(self.run.required_calls)]
        order.shuffle(pairs)  # type: ignore[attr-defined]
        try:
            self.see(self.do(self.bench.engine.submit_tool_outputs(self.run.id, pairs)))
        except IllegalTransition:
            assert self.overdue
        else:
            self.outputs |= dict(pairs)

    @precondition(lambda self: bool(self.run and self.run.required_calls))
    @rule()
    def answer_one(self) -> None:
        assert self.run is not None
        call = self.run.required_calls[0]
        with suppress(IllegalTransition):
            self.see(self.do(self.bench.engine.record_output(self.run.id, call.id, f"one for {call.id}")))
            self.outputs[call.id] = f"one for {call.id}"

    @precondition(lambda self: self.run is not None)
    @rule(ids=st.lists(st.sampled_from(["call_none", "first"]), max_size=3))
    def submit_nonsense(self, ids: list[str]) -> None:
        assert self.run is not None
        waiting = [call.id for call in self.run.required_calls]
        pairs = [(waiting[0] if waiting and which == "first" else "call_none", "x") for which in ids]
        if sorted(call_id for call_id, _ in pairs) == sorted(waiting) and waiting:
            return
        with suppress(BadToolOutputs, IllegalTransition):
            self.do(self.bench.engine.submit_tool_outputs(self.run.id, pairs))
            raise AssertionError("nonsense was taken")

    @precondition(lambda self: self.run is not None)
    @rule()
    def cancel(self) -> None:
        assert self.run is not None
        try:
            run = self.do(self.bench.engine.cancel(self.run.id))
        except IllegalTransition:
            assert self.run.is_terminal
        else:
            assert run.status == "cancelling"
            self.see(self.do(self.bench.advance(run)))
            assert self.runs[-1].status == "cancelled"

    @rule(seconds=st.sampled_from([1, 300, 600]))
    def time_passes(self, seconds: int) -> None:
        self.bench.clock.advance(seconds)

    @precondition(lambda self: self.run is not None)
    @rule()
    def expire(self) -> None:
        assert self.run is not None
        try:
            self.see(self.do(self.bench.engine.expire(self.run.id)))
        except IllegalTransition:
            assert self.run.status != "requires_action" or not self.overdue
        else:
            assert self.run.status == "expired"

    @property
    def overdue(self) -> bool:
        assert self.run is not None
        return self.run.expires_at is not None and self.bench.clock.now() >= self.run.expires_at

    @invariant()
    def the_store_says_what_we_saw(self) -> None:
        for run in self.runs[-1:]:
            assert self.do(self.bench.stored(run)) == run

    @invariant()
    def a_terminal_run_is_closed_and_an_open_one_expires(self) -> None:
        for run in self.runs[-1:]:
            assert (run.expires_at is None) == run.is_terminal
            assert bool(run.required_calls) == (run.status == "requires_action")
            steps = self.do(self.bench.journal.steps(run.id))
            if run.is_terminal:
                assert all(step.status != "in_progress" for step in steps)

    @invariant()
    def a_recorded_output_stays(self) -> None:
        if self.runs:
            steps = [step for run in self.runs for step in self.do(self.bench.journal.steps(run.id))]
            found = {call.id: call.output for step in steps for call in step.calls if call.id in self.outputs}
            assert found == self.outputs

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.model._script.clear()  # a run that was over asked for less than was written down
            self.do(self.stack.aclose())
            self.runner.close()
            shutil.rmtree(self.folder)


EngineMachine.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestEngineMachine = EngineMachine.TestCase
