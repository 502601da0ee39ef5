"""The Assistant engine: advances a run, takes outputs from outside, cancels and expires.

It is driven by others (the handler, an API) and starts nothing by itself. Every public operation leaves the
run in the store as the returned value says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.assistants.asking import Asking
from bot.assistants.events import Emit
from bot.assistants.journal import Change, Journal
from bot.assistants.lifecycle import move
from bot.assistants.turns import Drive
from bot.assistants.types import RUN_LIFETIME, Asks, LastError, Run, ToolCall
from bot.clock import Clock
from bot.errors import BadToolOutputs, IllegalTransition
from bot.models.port import FunctionTool, Model

UNEXPECTED = "Something went wrong on my side. Please try again."


Preparation = Callable[[], Awaitable[LastError | None]]
"""Makes the questions of a run ready for the model. Cancellable, and repeated after an interruption: what is done is
not done again. Returns why the run fails instead, where it does."""


class Toolbox(Protocol):
    """Parley's own tools, as the engine sees them."""

    def own(self, run: Run) -> Collection[str]:
        """The names of the run's tools that Parley runs itself; a call of any other one waits for someone outside."""
        ...

    def definition(self, name: str) -> FunctionTool:
        """What the model is told of one of `own`."""
        ...

    async def run(self, run: Run, call: ToolCall) -> ToolCall:
        """The call with its output. Raises nothing but `CancelledError`: a failure is an output."""
        ...

    def asks(self, run: Run, call: ToolCall) -> Asks | None:
        """What a call of one of `own` waits for a person to give, if anything. One that cannot be run asks nobody."""
        ...

    def asking(self, call: ToolCall) -> Asking:
        """What the person is asked by a call that waits for one."""
        ...

    def answered(self, call: ToolCall) -> str:
        """The output of a call whose questions are all answered."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    journal: Journal
    model: Model
    toolbox: Toolbox
    clock: Clock
    ask_timeout: float = 3600.0
    """Seconds that a run waits for a person."""

    async def advance(
        self, run: Run, emit: Emit, *, fresh: bool = False, preparation: Preparation | None = None
    ) -> Run:
        """Drive a run until it is terminal, or waits for someone outside (`requires_action`).

        Goes on where the store says the run is: what it had done is told again, a recorded output is not computed
        again, a `cancelling` run is ended, a terminal one just told. `fresh`: the run has only now been made.
        `preparation` comes before the first model call, within the run's time, if it comes to that.
        `emit` gets what happens as it happens; it must not block. Raises `StoreError`, and `Superseded` where another
        process drives the run.
        """
        drive = Drive(self.journal, self.model, self.toolbox, self.clock, run, emit, preparation, self.ask_timeout)
        return await drive.run_through(fresh)

    async def submit_tool_outputs(self, run_id: str, outputs: Sequence[tuple[str, str]]) -> Run:
        """Take the outputs of all calls in `required_action`, as (`tool_call_id`, output) in any order.

        The run is `in_progress` then, for someone to advance. Raises `NotFound`, `IllegalTransition` where the run
        does not wait (any more), `BadToolOutputs` for a missing, unknown or doubled id; nothing has changed then.
        """

        def decision(run: Run) -> Change:
            self._must_wait(run)
            _must_match(run, [call_id for call_id, _ in outputs])
            return self._answered(run, dict(outputs))

        return await self.journal.decide(run_id, decision)

    async def record_output(self, run_id: str, call_id: str, output: str) -> Run:
        """Take the output of one waiting call; the run is `in_progress` once none is left. Errors as above."""

        def decision(run: Run) -> Change:
            self._waiting(run, call_id)
            return self._answered(run, {call_id: output})

        return await self.journal.decide(run_id, decision)

    async def answer(self, run_id: str, call_id: str, number: int, answer: str) -> Run:
        """Take a person's answer to question `number` of a waiting call; the last one gives the call its output.

        Raises as above, and `BadToolOutputs` where another question is open by now: an answer counts once.
        """

        def decision(run: Run) -> Change:
            call = self._waiting(run, call_id)
            asking = self.toolbox.asking(call)
            if number != asking.number:
                raise BadToolOutputs(f"Question {number} of '{call_id}' is answered already.")
            call = replace(call, answers=(*call.answers, answer))
            if len(call.answers) == len(asking.questions):
                return self._answered(run, {call_id: self.toolbox.answered(call)})
            waiting = tuple(call if one.id == call_id else one for one in run.required_calls)
            return Change(replace(run, required_calls=waiting))

        return await self.journal.decide(run_id, decision)

    def approval(self, run: Run, call_id: str) -> Change:
        """What becomes of a run when a waiting call may be run here. Raises as `record_output` does."""
        self._waiting(run, call_id)
        return replace(self._answered(run, {}, done={call_id}), allowed=[call_id])

    def denial(self, run: Run, call_id: str, output: str) -> Change:
        """What becomes of a run when a waiting call may not be run: `output` tells so. Raises the same."""
        self._waiting(run, call_id)
        return self._answered(run, {call_id: output}, failed=True)

    async def cancel(self, run_id: str) -> Run:
        """Ask a run to stop. It is `cancelling` until it is advanced, by whoever drives it.

        Raises `NotFound`, and `IllegalTransition` where it is over or being stopped already.
        """
        return await self.journal.decide(run_id, lambda run: Change(move(run, "cancelling", self.clock.now())))

    async def expire(self, run_id: str) -> Run:
        """End a run that waits for someone outside and whose time is over. Raises `IllegalTransition` otherwise."""

        def decision(run: Run) -> Change:
            now = self.clock.now()
            if run.status != "requires_action" or run.expires_at is None or now < run.expires_at:
                raise IllegalTransition(run.id, run.status, "expired now")
            return Change(move(run, "expired", now))

        return await self.journal.decide(run_id, decision)

    async def fail(self, run_id: str, sentence: str = UNEXPECTED) -> Run:
        """End a run that something unexpected broke off. Raises `IllegalTransition` where it is over."""
        error = LastError("server_error", sentence)
        return await self.journal.decide(
            run_id, lambda run: Change(move(run, "failed", self.clock.now(), last_error=error))
        )

    def _must_wait(self, run: Run) -> None:
        if run.status != "requires_action":
            raise IllegalTransition(run.id, run.status, "in_progress by tool outputs")
        if run.expires_at is not None and self.clock.now() >= run.expires_at:
            raise IllegalTransition(run.id, "past its time", "in_progress")

    def _waiting(self, run: Run, call_id: str) -> ToolCall:
        self._must_wait(run)
        for call in run.required_calls:
            if call.id == call_id:
                return call
        raise BadToolOutputs(f"Run '{run.id}' does not wait for an output of '{call_id}'.")

    def _answered(
        self, run: Run, outputs: Mapping[str, str], *, failed: bool = False, done: Collection[str] = ()
    ) -> Change:
        """What becomes of a run by these outputs; the calls in `done` wait no longer, and have none yet."""
        now = self.clock.now()
        answered = [
            replace(call, output=outputs[call.id], failed=failed, completed_at=now)
            for call in run.required_calls
            if call.id in outputs
        ]
        left = tuple(call for call in run.required_calls if call.id not in outputs and call.id not in done)
        if left:
            return Change(replace(run, required_calls=left), answered)
        # A person may have thought for long: what is left to be done has its whole time.
        asked = any(call.asks for call in run.required_calls)
        fresh = {"expires_at": now + RUN_LIFETIME} if asked else {}
        return Change(move(run, "in_progress", now, **fresh), answered)


def _must_match(run: Run, call_ids: list[str]) -> None:
    wanted = {call.id for call in run.required_calls}
    doubled = sorted({call_id for call_id in call_ids if call_ids.count(call_id) > 1})
    unknown = sorted(set(call_ids) - wanted)
    missing = sorted(wanted - set(call_ids))
    for what, ids in (("given twice", doubled), ("not waited for", unknown), ("missing", missing)):
        if ids:
            raise BadToolOutputs(f"Run '{run.id}' takes one output for each waiting call; {what}: {', '.join(ids)}.")
