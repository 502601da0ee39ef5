"""Brings a run's events to the platform: folds them into a View and has the adapter render the newest one.

States that are overtaken before the adapter gets to them are never rendered, so a slow platform costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.assistants.events import (
    ActionRequired,
    CallsRecorded,
    Event,
    MessageCompleted,
    OutputRecorded,
    RunEnded,
    RunStarted,
    TextAppended,
    TextDiscarded,
)
from bot.assistants.types import Run
from bot.clock import Clock
from bot.errors import PlatformError
from bot.ports import Adapter, Conversation, Placed
from bot.view import LineState, StatusLine, View

ATTEMPTS = 6
"""How often a last state is tried on a platform that fails; with the waits between them some half a minute.

States on the way are tried for as long as the run goes on."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 16.0
"""Seconds before the second attempt, doubled with each further one, unless the platform names its own."""

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
    if run.status == "incomplete":
        return CUT[run.incomplete_reason or "max_completion_tokens"]
    return NOTICES.get(run.status, "")


class Sheet:
    """What the events so far add up to. Text is joined only when somebody looks."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._writing: list[str] = []
        self._lines: dict[str, StatusLine] = {}
        self._ended: Run | None = None
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
            case CallsRecorded(step):
                for call in step.calls:
                    self._line(call.id, call.name, "running")
            case OutputRecorded(call):
                self._line(call.id, call.name, "failed" if call.failed else "done")
            case RunEnded(run):
                self._ended = run
                self.at_rest = True
            case ActionRequired():
                self.at_rest = True
            case RunStarted():
                pass

    def view(self) -> View:
        texts = [*self._messages, "".join(self._writing)]
        text = "\n\n".join(part.strip("\n") for part in texts if part.strip())
        run = self._ended
        if run is None:
            return View(tuple(self._lines.values()), text)
        match run.status:
            case "completed" | "failed" | "cancelled" | "incomplete" | "expired":
                return View(text=text, outcome=run.status, notice=notice(run))
            case _:
                raise AssertionError(f"a run ended as {run.status}")

    def _line(self, call_id: str, tool: str, state: LineState) -> None:
        self._lines[call_id] = StatusLine(call_id, tool, state)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reply goes: a `bot.ports.Reply`."""

    run_id: str
    conversation: Conversation
    route: Mapping[str, Any]
    save: Callable[[Placed], Awaitable[None]]

    async def record(self, placed: Placed) -> None:
        await self.save(placed)


class Delivery:
    """One reply on its way. `show` takes events; a task of its own renders until the run ends or rests."""

    def __init__(self, adapter: Adapter, destination: Destination, placed: Placed, clock: Clock) -> None:
        self._adapter = adapter
        self._destination = destination
        self._placed = placed
        self._clock = clock
        self._sheet = Sheet()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._render_newest(), name=f"delivery {destination.run_id}")

    def show(self, event: Event) -> None:
        self._sheet.fold(event)
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
            self._news.clear()
            at_rest = self._sheet.at_rest
            try:
                self._placed = await self._adapter.render(self._destination, self._sheet.view(), self._placed)
            except Exception as error:
                failures, last_tries = failures + 1, last_tries + at_rest
                self._bear(error, last_tries)
                await self._clock.sleep(_wait(error, failures))
                self._news.set()
            else:
                failures = 0
                if at_rest and not self._news.is_set():
                    return self._placed

    def _bear(self, error: Exception, last_tries: int) -> None:
        """Go on in spite of `error`. Raises `PlatformError` where another attempt makes no sense."""
        known = isinstance(error, PlatformError)
        # The text of an error that nobody expected may quote the message.
        log.warning("render failed", error=str(error) if known else type(error).__name__)
        if isinstance(error, PlatformError) and error.permanent:
            raise error
        if last_tries >= ATTEMPTS:
            raise PlatformError(f"The answer could not be shown in {ATTEMPTS} attempts.") from error
        self._placed = Placed(self._placed.state, undecided=True)


def _wait(error: Exception, failures: int) -> float:
    named = error.retry_after if isinstance(error, PlatformError) else None
    return named or min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)
