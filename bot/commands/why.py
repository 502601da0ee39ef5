"""Why: the steps of an answer, for the one who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.assistants.types import Run, RunStep, ToolCall, Usage
from bot.commands.catalogue import Command
from bot.ports import CommandRequest
from bot.prices import Prices
from bot.store import runs, steps, threads
from bot.store.database import Database
from bot.view import one_line

NOTHING = "There is no answer here yet that I could explain."


@dataclass(frozen=True, slots=True)
class WhyCommand:
    database: Database
    prices: Prices = Prices()  # noqa: RUF009 - a value
    people_help: Sequence[str] = ("why — how I came to my last answer here: what I used, and how long it took",)
    admin_help: Sequence[str] = ()

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"why": self._why}

    async def _why(self, request: CommandRequest, _rest: str) -> str:
        thread_id = await self.database.read(lambda c: threads.bound(c, request.conversation))
        run = await self.database.read(lambda c: runs.last_ended(c, thread_id)) if thread_id else None
        return await self.tell(run) if run else NOTHING

    async def tell(self, run: Run) -> str:
        """The steps of a run: each with its outcome, time and tokens. Raises `StoreError`."""
        of_run = await self.database.read(lambda c: steps.of_runs(c, [run.id]))
        cost = self.prices.cost(run.model, run.usage) if run.usage else None
        return "\n".join(_lines(run, of_run, "" if cost is None else f", {self.prices.said(cost)}"))


def _lines(run: Run, of_run: Sequence[RunStep], cost: str) -> Iterator[str]:
    took = f", {_seconds(run.created_at, run.ended_at)}" if run.ended_at else ""
    yield f"{run.model}: {run.status}{took}{_tokens(run.usage)}{cost}"
    for step in of_run:
        if step.type == "message_creation":
            yield f"wrote a message{_tokens(step.usage)}"
        else:
            yield f"asked for {len(step.calls)} {'call' if len(step.calls) == 1 else 'calls'}{_tokens(step.usage)}"
            yield from (_call(call) for call in step.calls)


def _call(call: ToolCall) -> str:
    outcome = "no output" if call.output is None else "failed" if call.failed else "done"
    took = f", {_seconds(call.started_at, call.completed_at)}" if call.started_at and call.completed_at else ""
    return f"  {one_line(call.name)[:64]}: {outcome}{took}"


def _seconds(start: float, end: float) -> str:
    return f"{end - start:.1f} s"


def _tokens(usage: Usage | None) -> str:
    return f", {usage.total_tokens:,} tokens" if usage else ""
