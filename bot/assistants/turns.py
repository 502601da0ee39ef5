"""One run on its way: model call, tool calls, model call, …, until it is terminal or waits for someone outside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.assistants.asking import Asking
from bot.assistants.events import (
    ActionRequired,
    CallsRecorded,
    Emit,
    MessageCompleted,
    OutputRecorded,
    PastRead,
    Remarked,
    RunEnded,
    RunStarted,
)
from bot.assistants.history import Past
from bot.assistants.journal import Journal
from bot.assistants.lifecycle import move
from bot.assistants.prompt import model_calls, next_request, used
from bot.assistants.types import (
    IncompleteReason,
    LastError,
    MessageReason,
    Run,
    RunStep,
    Terminal,
    ToolCall,
    Usage,
    function_name,
    new_id,
    well_formed,
    well_formed_items,
)
from bot.assistants.writing import Writing, new_step
from bot.clock import Clock
from bot.errors import StoreError, Superseded
from bot.models import port, retry

if TYPE_CHECKING:
    from bot.assistants.engine import Preparation, Toolbox

MODEL_CALLS = 16
"""Model calls of one run, at most."""

FILTERED = "The model's content filter stopped this answer. Please put it differently and try again."
SILENT = "The model gave no answer. Please try again."
TOO_MANY_CALLS = (
    f"I stopped after {MODEL_CALLS} rounds of work without an answer. Please try again with a simpler question."
)


class Drive:
    """The state that `Engine.advance` needs while it lasts; everything worth keeping is in the journal."""

    def __init__(
        self,
        journal: Journal,
        model: port.Model,
        toolbox: Toolbox,
        clock: Clock,
        run: Run,
        emit: Emit,
        preparation: Preparation | None = None,
        ask_timeout: float = 3600.0,
    ) -> None:
        self.journal = journal
        self.model = model
        self.toolbox = toolbox
        self.clock = clock
        self.run = run
        self.emit = emit
        self.preparation = preparation
        self.ask_timeout = ask_timeout
        self.past = Past()
        self.steps: list[RunStep] = []
        self.writing = Writing(run, clock, emit)
        self.time_is_up = False
        self.at_rest = False

    async def run_through(self, fresh: bool) -> Run:
        if not fresh:
            await self._look_again()
        if self.run.status == "queued":
            self.run = move(self.run, "in_progress", self.clock.now())
            await self.journal.start_run(self.run)
        await self._catch_up(fresh)
        try:
            while not self.at_rest:
                try:
                    await self._go_on()
                except Superseded:
                    await self._look_again()
                except TimeoutError:
                    self.time_is_up = True  # whatever the wall clock says: it may have been set, or drift
                    await self._look_again()
        except asyncio.CancelledError:
            await self._let_go()
            raise
        return self.run

    async def _go_on(self) -> None:
        """As far as it goes. Raises `Superseded` where someone else moved the run, `TimeoutError` at its deadline."""
        deadline = self.run.expires_at or 0.0
        if self.run.is_terminal:
            self._rest(RunEnded(self.run))
        elif self.run.status == "cancelling":
            await self._end("cancelled")
        elif self.time_is_up or self.clock.now() >= deadline:
            await self._end("expired")
        else:
            try:
                async with self.clock.until(deadline):
                    await self._prepare()
                    await self._turns()
            except port.ModelError as error:
                await self._end("failed", error=LastError(error.code, error.sentence))

    async def _look_again(self) -> None:
        """The run and its steps as the store has them. Raises `Superseded` where the run is no longer ours."""
        self.run = await self.journal.run(self.run.id)
        self.steps = list(await self.journal.steps(self.run.id))

    async def _let_go(self) -> None:
        """The work was cancelled. A run that was stopped ends here, and keeps the words that a person has seen."""
        with suppress(Superseded):
            await self._look_again()
            if self.run.is_terminal:
                self._rest(RunEnded(self.run))
            elif self.run.status == "cancelling":
                await self._end("cancelled")

    def _rest(self, event: RunEnded | ActionRequired) -> None:
        """Nothing is left to do here."""
        self.at_rest = True
        self.emit(event)

    async def _catch_up(self, fresh: bool) -> None:
        """Read the thread, and tell again what an interrupted run had done."""
        if fresh and self.preparation is not None:  # it is read when its questions are ready
            self.emit(RunStarted(self.run))
            return
        await self._read_past(fresh)
        self.steps = [step for step in self.past.steps if step.run_id == self.run.id]
        self.emit(RunStarted(self.run))
        written = {message.id: message for message in self.past.messages if message.run_id == self.run.id}
        for step in self.steps:
            if step.type == "message_creation" and step.message_id in written:
                message = written[step.message_id]
                self.emit(MessageCompleted(message, step))
            elif step.type == "tool_calls":
                self.emit(CallsRecorded(step, self._asking() if step.status == "in_progress" else ()))
                for call in step.calls:
                    if call.output is not None:
                        self.emit(OutputRecorded(call))

    async def _prepare(self) -> None:
        """Have the questions made ready, and read the thread as it is then."""
        if self.preparation is None:
            return
        error = await self.preparation()
        self.preparation = None
        if error is not None:
            await self._end("failed", error=error)
        else:
            await self._read_past(fresh=not self.steps)

    async def _read_past(self, fresh: bool) -> None:
        self.past = await self.journal.past(self.run, fresh=fresh)
        earlier = [call for step in self.past.steps if step.run_id != self.run.id for call in step.calls]
        if earlier:
            self.emit(PastRead(earlier))

    async def _turns(self) -> None:
        while not self.at_rest:
            step = self._open_step()
            if step is not None and not await self._answer(step):
                self._rest(ActionRequired(self.run, self._asking()))
                return
            if self.run.status == "requires_action":  # somebody answered between the look at it and that at its steps
                raise Superseded(f"Run '{self.run.id}' has moved on.")
            turn = await self._ask()
            if turn is not None:
                await self._take(turn)

    def _open_step(self) -> RunStep | None:
        return next((step for step in self.steps if step.type == "tool_calls" and step.status == "in_progress"), None)

    # -- tools ------------------------------------------------------------------------------------------------

    async def _answer(self, step: RunStep) -> bool:
        """Run our own calls of the step, also those that are approved meanwhile.

        False where calls are left that wait for someone outside.
        """
        while True:
            await self._run_tools(_own_calls(step))
            if not any(call.outside for call in step.calls):
                return True
            await self._look_again()
            if self.run.status not in ("in_progress", "requires_action"):
                raise Superseded(f"Run '{self.run.id}' is {self.run.status}.")
            left = self._open_step()
            if left is None:
                return self.run.status == "in_progress"
            if not _own_calls(left):
                return False
            step = left

    def _asking(self) -> list[Asking]:
        return [self.toolbox.asking(call) for call in self.run.required_calls if call.asks]

    async def _run_tools(self, calls: Sequence[ToolCall]) -> None:
        """All at once; each output is recorded the moment it is known (those known together, together)."""
        started = [replace(call, started_at=self.clock.now()) for call in calls]
        pending = {
            asyncio.create_task(self.toolbox.run(self.run, call), name=f"tool {call.name} {call.id}")
            for call in started
        }
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                await self._record([task.result() for task in done])
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _record(self, answered: Sequence[ToolCall]) -> None:
        calls = [replace(call, completed_at=self.clock.now()) for call in answered]
        await self.journal.record_outputs(self.run, calls)
        by_id = {call.id: call for call in calls}
        self.steps = [
            replace(step, calls=tuple(by_id.get(call.id, call) for call in step.calls)) if step.calls else step
            for step in self.steps
        ]
        for call in calls:
            self.emit(OutputRecorded(call))

    # -- the model ----------------------------------------------------------------------------------------------

    async def _ask(self) -> port.Turn | None:
        """One model call. None where the run ended instead."""
        self.writing.discard()
        self.writing = Writing(self.run, self.clock, self.emit)
        request, fits = next_request(self.run, self.past, self.steps, self.toolbox)
        if model_calls(self.steps) >= MODEL_CALLS:
            await self._end("failed", error=LastError("server_error", TOO_MANY_CALLS))
        elif not fits:
            await self._end("incomplete", reason="max_prompt_tokens")
        elif request.max_output_tokens is not None and request.max_output_tokens <= 0:
            await self._end("incomplete", reason="max_completion_tokens")
        else:
            return await self._listen(request)
        return None

    async def _listen(self, request: port.ModelRequest) -> port.Turn:
        async with aclosing(retry.stream(self.model, request, self.clock)) as events:  # type: ignore[type-var]
            async for event in events:
                match event:
                    case port.TextDelta(text):
                        self.writing.append(text)
                    case port.TextDiscarded():
                        self.writing.discard()
                    case port.Remark(text):
                        self.emit(Remarked(text))
                    case port.Turn():
                        return event
        raise port.ModelError(SILENT)

    # -- what the model said ------------------------------------------------------------------------------------

    async def _take(self, turn: port.Turn) -> None:
        self.writing.settle(turn)
        if turn.finish == "content_filter":
            error = LastError("invalid_prompt", FILTERED)
            await self._end("failed", error=error, usage=turn.usage, why="content_filter")
        elif turn.finish == "length":
            await self._end("incomplete", reason="max_completion_tokens", usage=turn.usage)
        elif turn.calls and not turn.refused:
            await self._record_turn(turn)
        elif self.writing:
            await self._end("completed", usage=turn.usage)
        else:
            await self._end("failed", error=LastError("server_error", SILENT), usage=turn.usage)

    async def _record_turn(self, turn: port.Turn) -> None:
        was, now = self.run, self.clock.now()
        calls, renamed = self._calls(turn.calls)
        step = new_step(was, "tool_calls", now, calls=calls, usage=turn.usage, provider=turn.provider)
        if not renamed:
            step = replace(step, items=tuple(well_formed_items(turn.items)))
        steps, message, creation = [step], None, None
        if self.writing:
            message, creation = self.writing.completed()
            steps = [creation, step]
        waiting = tuple(call for call in calls if call.outside)
        run = move(was, "requires_action", now, required_calls=waiting) if waiting else was
        if any(call.asks for call in waiting):
            run = replace(run, expires_at=now + self.ask_timeout)
        # Taken before the write: it goes on when this is cancelled, and what it has written is not said again.
        said = self.writing.take()
        try:
            await self.journal.record_turn(run, was.status, steps, message)
        except (Superseded, StoreError):
            self.writing.bring_back(said)
            raise
        self.run = run
        self.steps += steps
        if message is not None and creation is not None:
            self.past = replace(self.past, messages=[*self.past.messages, message])
            self.emit(MessageCompleted(message, creation))
        self.emit(CallsRecorded(step, self._asking()))

    def _calls(self, calls: Sequence[port.Call]) -> tuple[tuple[ToolCall, ...], bool]:
        """The turn's calls under ids that are unique in the run, and whether one had to be renamed."""
        seen = {call.id for step in self.steps for call in step.calls}
        offered = {function_name(tool) for tool in self.run.tools}
        outside = offered - set(self.toolbox.own(self.run))
        recorded: list[ToolCall] = []
        for call in calls:
            id_ = well_formed(call.id)
            call_id = id_ if id_ and id_ not in seen else new_id("call")
            seen.add(call_id)
            name, arguments = well_formed(call.name), well_formed(call.arguments)
            made = ToolCall(call_id, name, arguments, outside=name in outside)
            asks = self.toolbox.asks(self.run, made) if name in offered - outside else None
            recorded.append(replace(made, outside=made.outside or asks is not None, asks=asks))
        return tuple(recorded), any(was.id != now.id for was, now in zip(calls, recorded, strict=True))

    # -- the end ------------------------------------------------------------------------------------------------

    async def _end(
        self,
        status: Terminal,
        *,
        error: LastError | None = None,
        reason: IncompleteReason | None = None,
        usage: Usage | None = None,
        why: MessageReason | None = None,
    ) -> None:
        """Write the terminal run, with the message that the model was writing."""
        was = self.run.status
        total = used(self.steps) + (usage or Usage())
        run = move(self.run, status, self.clock.now(), last_error=error, incomplete_reason=reason, usage=total)
        message, step = None, None
        if self.writing and status == "completed":
            message, step = self.writing.completed(usage)
        elif self.writing:
            message, step = self.writing.cut_short(run, usage, why)
        await self.journal.end_run(run, was, step, message)
        self.run = run
        if message is not None and step is not None:
            self.emit(MessageCompleted(message, step))
        self._rest(RunEnded(run))


def _own_calls(step: RunStep) -> Sequence[ToolCall]:
    """The calls that are to be run here, and were not yet."""
    return [call for call in step.calls if call.output is None and not call.outside]
