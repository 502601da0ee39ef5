"""A run as server-sent events: https://platform.openai.com/docs/api-reference/assistants-streaming/events.

The stream listens to the run and does not drive it: a client that goes away stops nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

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
from bot.errors import NotFound, StoreError
from bot.relay import BegunAgain, Heard, Listener
from bot.store import programs, runs, steps
from bot.store.database import Database

JSON = dict[str, Any]
log = structlog.get_logger(__name__)
Told = tuple[str, JSON | None]
"""The name of an event and its data."""

QUIET = 15.0
"""Seconds after which a comment keeps a stream open on which nothing happens, and the store is asked for the run."""
SOON = 1.0
"""The same, the first time."""
_JSON = json.JSONEncoder(ensure_ascii=False)
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def streamed(
    call: Call, run: Run, begun: Sequence[Told], done: Sequence[RunStep] = (), include: Collection[str] = ()
) -> StreamingResponse:
    """What happens to a run from now on, after the events in `begun`. `done`: its steps so far, as they were told;
    `include`: further fields that were asked for.

    Nobody drives the run yet: that begins here, when the listener is there.
    """
    return _Stream(call, run, begun, Telling(run, done, include))


class _Stream(StreamingResponse):
    """The run begins with it even where the client has gone before anything could be sent."""

    def __init__(self, call: Call, run: Run, begun: Sequence[Told], telling: Telling) -> None:
        super().__init__((), media_type="text/event-stream", headers=HEADERS)
        self._call = call
        self._run = run
        self._begun = begun
        self._telling = telling

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        desk = self._call.desk
        with desk.relay.listening(self._run.id) as listener:
            desk.handler.begin(self._run.id)
            self.body_iterator = self._events(listener)
            await super().__call__(scope, receive, send)

    async def _events(self, listener: Listener) -> AsyncIterator[str]:
        """What is known at once goes out as one piece."""
        yield _all_written(self._begun)
        wait = SOON
        while not self._telling.over:
            try:
                try:
                    async with asyncio.timeout(wait):
                        heard = await listener.next()
                except TimeoutError:
                    heard = await missed(self._call.desk.database, self._run)
                    wait = QUIET
                told = [one for event in heard for one in await self._told(event)]
            except Exception:
                log.exception("stream broke off", run_id=self._run.id)
                yield _written(("error", broken().body["error"]))
                return
            yield _all_written(told) or ": still at work\n\n"
        yield "event: done\ndata: [DONE]\n\n"

    async def _told(self, event: Heard) -> Sequence[Told]:
        telling = self._telling
        return () if telling.over else list(telling.of(event, await self._looked_up(event)))

    async def _looked_up(self, event: Heard) -> Found:
        """What an event refers to, where that has to be asked for."""
        database, tenant = self._call.desk.database, self._call.tenant
        match event:
            case MessageCompleted(message) if self._telling.has_calls or rendering.MARK.search(message.text):
                return await database.read(lambda c: rendering.of_messages(c, tenant, [message]))
            case CallsRecorded(step) if any(call.name in (rendering.CODE, rendering.SEARCH) for call in step.calls):
                return await database.read(lambda c: rendering.of_steps(c, tenant, [step]))
            case OutputRecorded(done) if done.name == rendering.SEARCH:
                numbers = [one["number"] for one in rendering.passages(done)]
                return Found(await database.read(lambda c: programs.sources(c, tenant, numbers)))
            case _:
                return Found()


async def missed(database: Database, run: Run) -> Sequence[Heard]:
    """What a run came to of which nothing was heard: another process drives it, or it had begun before. Nothing while
    it is at work. Told twice, it counts once.
    """

    async def operation(connection: AsyncConnection) -> Sequence[Heard]:
        found = await runs.get(connection, run.id)
        if found.status in ("queued", "in_progress", "cancelling"):
            return ()
        events: list[Heard] = [RunStarted(found)] if any(to == "in_progress" for to, _ in found.transitions) else []
        for step in await steps.of_runs(connection, [run.id]):
            if step.type == "tool_calls":
                events.append(CallsRecorded(step))
            elif step.message_id is not None:
                with suppress(NotFound):  # it was deleted
                    message = await programs.message(connection, run.thread_id, step.message_id)
                    events.append(MessageCompleted(message, step))
        return [*events, ActionRequired(found) if found.status == "requires_action" else RunEnded(found)]

    try:
        return await database.read(operation)
    except StoreError as error:
        log.warning("run not looked at while nothing is heard of it", run_id=run.id, error=str(error))
        return ()


def _all_written(told: Iterable[Told]) -> str:
    return "".join(map(_written, told))


def _written(told: Told) -> str:
    return f"event: {told[0]}\ndata: {_JSON.encode(told[1])}\n\n"


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

    @property
    def has_calls(self) -> bool:
        """Tools were called, which may have made files."""
        return any(step.type == "tool_calls" for step in self._steps.values())

    def of(self, event: Heard, found: Found) -> Iterable[Told]:
        match event:
            case RunStarted(run):
                if not self._begun:
                    self._begun = True
                    yield "thread.run.in_progress", objects.run(replace(run, status="in_progress"))
            case MessageBegun(message, step) if step.id not in self._ended:
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
