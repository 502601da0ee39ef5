"""A run as server-sent events: https://platform.openai.com/docs/api-reference/assistants-streaming/events.

The stream listens to the run and does not drive it: a client that goes away stops nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import structlog
from starlette.responses import StreamingResponse

from bot.api import objects, rendering
from bot.api.call import Call
from bot.api.errors import broken
from bot.api.rendering import Found
from bot.api.steps import builtin
from bot.assistants.events import (
    ActionRequired,
    CallsRecorded,
    MessageBegun,
    MessageCompleted,
    OutputRecorded,
    RunEnded,
    RunStarted,
    TextAppended,
    TextDiscarded,
)
from bot.assistants.types import Message, Run, RunStep, ToolCall
from bot.relay import BegunAgain, Heard
from bot.store import programs

JSON = dict[str, Any]
log = structlog.get_logger(__name__)
Told = tuple[str, JSON | None]
"""The name of an event and its data."""

QUIET = 15.0
"""Seconds after which a comment keeps a stream open on which nothing happens."""
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def streamed(
    call: Call, run: Run, begun: Sequence[Told], done: Sequence[RunStep] = (), include: Collection[str] = ()
) -> StreamingResponse:
    """What happens to a run from now on, after the events in `begun`. `done`: its steps so far, as they were told;
    `include`: further fields that were asked for.

    Nobody drives the run yet: that begins here, when the listener is there.
    """

    async def events() -> AsyncIterator[str]:
        with call.desk.relay.listening(run.id) as listener:
            call.desk.handler.begin(run.id)
            telling = Telling(run, done, include)
            for told in begun:
                yield _written(told)
            while not telling.over:
                try:
                    async with asyncio.timeout(QUIET):
                        event = await listener.next()
                except TimeoutError:
                    yield ": still at work\n\n"
                    continue
                for told in telling.of(event, await _looked_up(call, event)):
                    yield _written(told)
            yield "event: done\ndata: [DONE]\n\n"

    return StreamingResponse(_safely(events()), media_type="text/event-stream", headers=HEADERS)


async def _safely(events: AsyncIterator[str]) -> AsyncIterator[str]:
    try:
        async for event in events:
            yield event
    except Exception:
        log.exception("stream broke off")
        yield _written(("error", broken().body["error"]))


async def _looked_up(call: Call, event: Heard) -> Found:
    """What an event refers to, where that has to be asked for."""
    match event:
        case MessageCompleted(message) if message.text:
            return await call.desk.database.read(lambda c: rendering.of_messages(c, call.tenant, [message]))
        case CallsRecorded(step):
            return await call.desk.database.read(lambda c: rendering.of_steps(c, call.tenant, [step]))
        case OutputRecorded(done) if done.name == rendering.SEARCH:
            numbers = [one["number"] for one in rendering.passages(done)]
            return Found(await call.desk.database.read(lambda c: programs.sources(c, call.tenant, numbers)))
        case _:
            return Found()


def _written(told: Told) -> str:
    return f"event: {told[0]}\ndata: {json.dumps(told[1], ensure_ascii=False)}\n\n"


class Telling:
    """Turns what happens to a run into events, each once, whatever is told again."""

    def __init__(self, run: Run, done: Sequence[RunStep] = (), include: Collection[str] = ()) -> None:
        self._run = run
        self._include = include
        self._builtin = builtin(run)
        self._steps: dict[str, RunStep] = {step.id: step for step in done}
        self._ended = {step.id for step in done if step.status != "in_progress"}
        self._open: tuple[Message, RunStep] | None = None
        self._begun = False
        self.over = False

    def of(self, event: Heard, found: Found) -> Iterable[Told]:
        match event:
            case RunStarted(run):
                if not self._begun:
                    self._begun = True
                    yield "thread.run.in_progress", objects.run(replace(run, status="in_progress"))
            case MessageBegun(message, step):
                yield from self._begin(message, step)
            case TextAppended(text) if self._open is not None:
                yield "thread.message.delta", _delta(self._open[0].id, {"value": text})
            case TextDiscarded() | BegunAgain():
                yield from self._break_off()
            case MessageCompleted(message, step):
                yield from self._complete(message, step, found)
            case CallsRecorded(step):
                yield from self._call(step, found)
            case OutputRecorded(call):
                yield from self._answer(call, found)
            case ActionRequired(run):
                self.over = True
                yield "thread.run.requires_action", objects.run(run)
            case RunEnded(run):
                self.over = True
                yield from self._end(run)

    def _begin(self, message: Message, step: RunStep) -> Iterator[Told]:
        self._open = (message, step)
        self._steps[step.id] = step
        told = objects.step(step, ())
        yield "thread.run.step.created", told
        yield "thread.run.step.in_progress", told
        yield "thread.message.created", {**objects.message(message), "content": []}
        yield "thread.message.in_progress", {**objects.message(message), "content": []}

    def _break_off(self) -> Iterator[Told]:
        """What was told of a message that comes to nothing. The next one has an id of its own."""
        if self._open is None:
            return
        (message, step), self._open = self._open, None
        self._ended.add(step.id)
        at = message.created_at
        yield (
            "thread.message.incomplete",
            objects.message(replace(message, status="incomplete", incomplete_at=at, incomplete_reason="run_failed")),
        )
        yield "thread.run.step.failed", objects.step(replace(step, ended=("failed", at)), ())

    def _complete(self, message: Message, step: RunStep, found: Found) -> Iterator[Told]:
        if step.id in self._ended:
            return
        if self._open is None or self._open[1].id != step.id:
            yield from self._begin(replace(message, status="in_progress", text=""), replace(step, ended=None))
            yield "thread.message.delta", _delta(message.id, {"value": message.text})
        self._open = None
        self._ended.add(step.id)
        noted = [{"index": number, **one} for number, one in enumerate(found.annotations(message.text))]
        if noted:
            yield "thread.message.delta", _delta(message.id, {"annotations": noted})
        yield f"thread.message.{message.status}", found.message(message)
        yield f"thread.run.step.{step.status}", objects.step(step, ())

    def _call(self, step: RunStep, found: Found) -> Iterator[Told]:
        known = step.id in self._steps
        self._steps[step.id] = step
        if not known:
            told = objects.step(replace(step, calls=()), ())
            yield "thread.run.step.created", told
            yield "thread.run.step.in_progress", told
            fresh = [replace(call, output=None, shown=()) for call in step.calls]
            asked = [
                {"index": number, **_what_is_asked(found.call(step.run_id, call, self._builtin))}
                for number, call in enumerate(fresh)
            ]
            yield "thread.run.step.delta", _step_delta(step, asked)
        yield from self._finish(step, found)

    def _answer(self, call: ToolCall, found: Found) -> Iterator[Told]:
        for was in self._steps.values():
            numbers = {one.id: number for number, one in enumerate(was.calls)}
            if call.id in numbers and was.id not in self._ended:
                calls = tuple(call if other.id == call.id else other for other in was.calls)
                self._steps[was.id] = step = replace(was, calls=calls)
                came = _what_came(found.call(step.run_id, call, self._builtin, self._include))
                yield "thread.run.step.delta", _step_delta(step, [{"index": numbers[call.id], **came}])
                yield from self._finish(step, found)
                return

    def _finish(self, step: RunStep, found: Found) -> Iterator[Told]:
        if step.status != "in_progress" and step.id not in self._ended:
            self._ended.add(step.id)
            yield f"thread.run.step.{step.status}", found.step(step, self._builtin, self._include)

    def _end(self, run: Run) -> Iterator[Told]:
        for step in self._steps.values():
            if (
                step.id not in self._ended
                and run.ended_at is not None
                and run.status in ("cancelled", "failed", "expired")
            ):
                ended = replace(step, ended=(run.status, run.ended_at))
                yield f"thread.run.step.{run.status}", Found().step(ended, self._builtin)
        yield f"thread.run.{run.status}", objects.run(run)


def _delta(message_id: str, text: JSON) -> JSON:
    content = [{"index": 0, "type": "text", "text": text}]
    return {"id": message_id, "object": "thread.message.delta", "delta": {"content": content}}


def _step_delta(step: RunStep, calls: Sequence[JSON]) -> JSON:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    return {"id": step.id, "object": "thread.run.step.delta", "delta": {"step_details": details}}


def _what_is_asked(call: JSON) -> JSON:
    """A call before its output: what a search finds comes with that."""
    return {**call, "file_search": {}} if call["type"] == "file_search" else call


def _what_came(call: JSON) -> JSON:
    """Of a call what its output adds: clients put texts that are told again behind the first, its id too."""
    match call["type"]:
        case "function":
            return {"type": "function", "function": {"output": call["function"]["output"]}}
        case "code_interpreter":
            outputs = [{"index": at, **one} for at, one in enumerate(call["code_interpreter"]["outputs"])]
            return {"type": "code_interpreter", "code_interpreter": {"outputs": outputs}}
        case kind:
            return {"type": kind, kind: call[kind]}
