"""Brings a run's events to the platform: folds them into a View and has the adapter render the newest one.

A state on the way is looked at when the platform has room for it, and not before: those that are overtaken by then
are never rendered, so a slow platform costs nothing. The last state waits for no room of that kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot import asking, citations
from bot.assistants.asking import Asking
from bot.assistants.events import (
    ActionRequired,
    CallsRecorded,
    Event,
    FileRead,
    MessageBegun,
    MessageCompleted,
    OutputRecorded,
    PastRead,
    Remarked,
    RunEnded,
    RunStarted,
    TextAppended,
    TextDiscarded,
)
from bot.assistants.types import Run, ShownFile
from bot.buttons import Button
from bot.citations import Source
from bot.clock import Clock
from bot.errors import PlatformError
from bot.ports import Adapter, Conversation, Placed
from bot.view import LineState, StatusLine, View

ATTEMPTS = 6
"""How often a last state is tried on a platform that fails; with the waits between them some half a minute.

States on the way are tried for as long as the run goes on."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 16.0
"""Seconds before the second attempt, doubled with each further one, unless the platform names its own."""

JUDGEMENTS = ("good", "bad")

log = structlog.get_logger(__name__)

NOTICES = {
    "cancelled": "Stopped.",
    "expired": "This took longer than ten minutes, so I stopped. Please try again.",
}
CUT = {
    "max_completion_tokens": "The answer reached its length limit and ends here. Ask me to go on for the rest.",
    "max_prompt_tokens": "This conversation is too long for the limit it runs under. Please ask in a new thread.",
}


def notice(run: Run) -> str:
    """The sentence that tells how a run ended which did not complete."""
    if run.status == "failed" and run.last_error is not None:
        return run.last_error.message
    if run.status == "expired" and tuple(was for was, _ in run.transitions[-2:]) == ("requires_action", "expired"):
        return asking.NOBODY_ANSWERED
    if run.status == "incomplete":
        return CUT[run.incomplete_reason or "max_completion_tokens"]
    return NOTICES.get(run.status, "")


class Sheet:
    """What the events so far add up to. Text is joined only when somebody looks."""

    def __init__(self, run_id: str, *, withdrawn: bool = False) -> None:
        self._run_id = run_id
        self.withdrawn = withdrawn
        """The question was deleted: nothing of the reply is to stay."""
        self._messages: list[str] = []
        self._writing: list[str] = []
        self._remarks: dict[str, None] = {}
        self._lines: dict[str, StatusLine] = {}
        self._ended: Run | None = None
        self._asking: Sequence[Asking] = ()
        self._shown: dict[str, Sequence[ShownFile]] = {}
        self._sources: dict[int, Source] = {}
        self._put_away = False
        self.at_rest = False
        """Nothing more comes: the run ended, or waits for someone outside."""

    def fold(self, event: Event) -> None:
        match event:
            case TextAppended(text):
                self._writing.append(text)
            case TextDiscarded():
                self._writing.clear()
            case MessageCompleted(message):
                self._messages.append(message.text)
                self._writing.clear()
            case CallsRecorded(step, asked):
                self._asking = asked
                for call in step.calls:
                    self._line(call.id, call.name, "running")
            case OutputRecorded(call):
                self._asking = [one for one in self._asking if one.call.id != call.id]
                self._put_away = self._put_away or call.output == asking.DISMISSED
                self._shown[call.id] = call.shown
                self._sources |= citations.sources(call)
                self._line(call.id, call.name, "failed" if call.failed else "done")
            case PastRead(calls):
                for call in calls:
                    self._sources |= citations.sources(call)
            case FileRead(name, share) if share < 1 or f"file {name}" in self._lines:  # a short one is not worth a line
                state: LineState = "done" if share >= 1 else "running"
                self._lines[f"file {name}"] = StatusLine(f"file {name}", name, state, share)
            case FileRead():
                pass
            case Remarked(text):
                self._remarks.setdefault(text)
            case RunEnded(run):
                self._ended = run
                self.at_rest = True
            case ActionRequired(_, asked):
                self._asking = asked
                self.at_rest = True
            case RunStarted() | MessageBegun():
                pass

    def view(self) -> View:
        run, remarks = self._ended, tuple(self._remarks)
        text = citations.cited(self._text(), self._sources, final=run is not None)
        if run is None:
            stop = (Button("stop", self._run_id),)
            waiting = {one.call.id for one in self._asking}
            lines = tuple(line for call_id, line in self._lines.items() if call_id not in waiting)
            asks = tuple(asking.shown(self._run_id, one) for one in self._asking)
            return View(lines, text, remarks=remarks, buttons=stop, asks=asks, rests=self.at_rest)
        match run.status:
            case "cancelled" if self.withdrawn:
                return View(outcome=run.status)
            case "completed" | "failed" | "cancelled" | "incomplete" | "expired":
                judging = self._judging() if run.status == "completed" and text else ()
                told = asking.PUT_AWAY if run.status == "cancelled" and self._put_away else notice(run)
                files = tuple(file for shown in self._shown.values() for file in shown)
                return View((), text, run.status, told, remarks, judging, files=files)
            case _:
                raise AssertionError(f"a run ended as {run.status}")

    def _text(self) -> str:
        texts = [*self._messages, "".join(self._writing)]
        return "\n\n".join(part.strip("\n") for part in texts if part.strip())

    def _judging(self) -> tuple[Button, ...]:
        thumbs = (Button("feedback", self._run_id, value) for value in JUDGEMENTS)
        return (*thumbs, Button("why", self._run_id))

    def _line(self, call_id: str, tool: str, state: LineState) -> None:
        self._lines[call_id] = StatusLine(call_id, tool, state)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reply goes: a `bot.ports.Reply`."""

    run_id: str
    conversation: Conversation
    routes: Sequence[Mapping[str, Any]]
    save: Callable[[Placed], Awaitable[None]]

    @property
    def route(self) -> Mapping[str, Any]:
        return self.routes[-1]

    async def record(self, placed: Placed) -> None:
        await self.save(placed)


class Delivery:
    """One reply on its way. `show` takes events; a task of its own renders until the run ends or rests."""

    def __init__(
        self, adapter: Adapter, destination: Destination, placed: Placed, clock: Clock, *, withdrawn: bool = False
    ) -> None:
        self._adapter = adapter
        self._destination = destination
        self._placed = placed
        self._clock = clock
        self._sheet = Sheet(destination.run_id, withdrawn=withdrawn)
        self._news = asyncio.Event()
        self._rest = asyncio.Event()
        self._seeking: asyncio.Task[None] | None = None
        """For room; cancelled when the run comes to rest."""
        self._task = asyncio.create_task(self._render_newest(), name=f"delivery {destination.run_id}")

    def show(self, event: Event) -> None:
        self._sheet.fold(event)
        self._news.set()
        if self._sheet.at_rest:
            self._rest.set()
            if self._seeking is not None:
                self._seeking.cancel()

    def begin_again(self) -> None:
        """What was told so far no longer holds: the run, which is not at rest, is told anew."""
        self._sheet = Sheet(self._destination.run_id, withdrawn=self._sheet.withdrawn)
        self._news.set()

    def withdraw(self) -> None:
        """The question was deleted: when the run, which is being cancelled, is over, nothing of the reply stays."""
        self._sheet.withdrawn = True
        self._news.set()

    @property
    def at_rest(self) -> bool:
        return self._sheet.at_rest

    async def finished(self) -> Placed:
        """What is placed once the run ended or rests. Raises `PlatformError` where the platform did not take that."""
        return await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Give up; what is placed so far stays."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _render_newest(self) -> Placed:
        failures, last_tries = 0, 0
        while True:
            await self._news.wait()
            at_rest = self._sheet.at_rest
            try:
                if not at_rest:
                    await self._room()
                self._news.clear()
                at_rest = self._sheet.at_rest
                self._placed = await self._adapter.render(self._destination, self._sheet.view(), self._placed)
            except Exception as error:
                failures, last_tries = failures + 1, last_tries + at_rest
                hopeless = self._bear(error, last_tries, at_rest)
                await (self._rest.wait() if hopeless else self._clock.sleep(_wait(error, failures)))
                self._news.set()
            else:
                failures = 0
                if at_rest and not self._news.is_set():
                    return self._placed

    async def _room(self) -> None:
        """Wait until the platform has room for a state on the way, or none of these is left to show."""
        name = f"ready {self._destination.run_id}"
        self._seeking = asyncio.create_task(self._adapter.ready(self._destination, self._placed), name=name)
        try:
            await asyncio.wait([self._seeking])
            if not self._rest.is_set():
                self._seeking.result()
        finally:
            self._seeking.cancel()
            await asyncio.gather(self._seeking, return_exceptions=True)

    def _bear(self, error: Exception, last_tries: int, at_rest: bool) -> bool:
        """Go on in spite of `error`; True where only the last state makes sense yet.

        Raises `PlatformError` where that makes none, either.
        """
        known = isinstance(error, PlatformError)
        # The text of an error that nobody expected may quote the message.
        log.warning("render failed", error=str(error) if known else type(error).__name__)
        hopeless = isinstance(error, PlatformError) and error.permanent
        if hopeless and at_rest:
            raise error
        if last_tries >= ATTEMPTS:
            raise PlatformError(f"The answer could not be shown in {ATTEMPTS} attempts.") from error
        self._placed = Placed(self._placed.state, undecided=True)
        return hopeless


def _wait(error: Exception, failures: int) -> float:
    named = error.retry_after if isinstance(error, PlatformError) else None
    return named or min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)
