"""The engine's journal, on the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.history import WINDOW_MESSAGES, Past
from bot.assistants.journal import Change
from bot.assistants.types import Message, Run, RunStatus, RunStep, ToolCall, Usage
from bot.errors import Superseded
from bot.store import files, runs, shown, steps, threads
from bot.store.database import Database
from bot.store.schema import messages

# What nobody has prepared yet is not for the model.
_NEWEST = (
    select(messages)
    .where(
        messages.c.thread_id == bindparam("thread_id"),
        messages.c.position.is_not(None),
        messages.c.unprepared.is_(False),
    )
    .order_by(messages.c.position.desc(), messages.c.seq.desc())
    .limit(WINDOW_MESSAGES + 1)
)


@dataclass(frozen=True, slots=True)
class StoreJournal:
    """Fenced: but for `decide`, it writes and reads the runs of `owner` only."""

    database: Database
    owner: str

    async def run(self, run_id: str) -> Run:
        found = await self.database.read(lambda c: runs.unfinished(c, run_id))
        if found.owner != self.owner:
            raise Superseded(f"Run '{run_id}' is driven by {found.owner or 'nobody'}.")
        return found.run

    async def steps(self, run_id: str) -> Sequence[RunStep]:
        return await self.database.read(lambda c: steps.of_runs(c, [run_id]))

    async def past(self, run: Run, *, fresh: bool) -> Past:
        async def operation(connection: AsyncConnection) -> Past:
            rows = (await connection.execute(_NEWEST, {"thread_id": run.thread_id})).mappings().all()
            read = [threads.to_message(row) for row in reversed(rows[:WINDOW_MESSAGES])]
            attached = [message.id for message in read if message.attachments or message.blocks]
            if attached:
                found = await files.of_messages(connection, attached)
                read = [replace(message, files=tuple(found.get(message.id, ()))) for message in read]
            wrote = {message.run_id for message in read if message.run_id is not None}
            earlier = wrote - {run.id}
            past_steps = [*(await steps.outlines(connection, earlier) if earlier else ())]
            if not fresh:
                past_steps += await _with_shown(connection, run.id)
            return Past(read, past_steps, more=len(rows) > WINDOW_MESSAGES)

        return await self.database.read(operation)

    async def start_run(self, run: Run) -> None:
        await self.database.write(lambda tx: runs.change(tx, run, "queued", self.owner))

    async def record_turn(
        self, run: Run, was: RunStatus, new_steps: Sequence[RunStep], message: Message | None
    ) -> None:
        async def operation(tx: AsyncConnection) -> None:
            if run.status != was:
                await runs.change(tx, run, was, self.owner)
            if message is not None:
                await threads.add_message(tx, message)
            await steps.add(tx, new_steps, self.owner, run.status)

        await self.database.write(operation)

    async def record_outputs(self, run: Run, calls: Sequence[ToolCall]) -> None:
        await self.database.write(lambda tx: steps.record_outputs(tx, run.id, calls, self.owner))

    async def end_run(self, run: Run, was: RunStatus, step: RunStep | None, message: Message | None) -> None:
        async def operation(tx: AsyncConnection) -> None:
            await runs.change(tx, run, was, self.owner)
            if message is not None:
                await threads.add_message(tx, message)
            if step is not None:
                await steps.add(tx, [step], self.owner, run.status)
            await steps.end_open(tx, run)

        await self.database.write(operation)

    async def decide(self, run_id: str, decision: Callable[[Run], Change]) -> Run:
        async def operation(tx: AsyncConnection) -> Run:
            return await carry_out(tx, decision(await runs.get(tx, run_id)))

        return await self.database.write(operation)


async def _with_shown(connection: AsyncConnection, run_id: str) -> Sequence[RunStep]:
    """The steps of a run, with what its calls have made for people."""
    found = await steps.of_runs(connection, [run_id])
    made = await shown.of_run(connection, run_id) if any(step.calls for step in found) else {}
    return [
        replace(step, calls=tuple(replace(call, shown=tuple(made.get(call.id, ()))) for call in step.calls))
        for step in found
    ]


async def carry_out(tx: AsyncConnection, change: Change) -> Run:
    """Write what was decided of a run that this transaction has read, whoever drives it."""
    run = change.run
    if run.is_terminal:
        spent = [step.usage for step in await steps.of_runs(tx, [run.id]) if step.usage]
        run = replace(run, usage=sum(spent, Usage()))
        await steps.end_open(tx, run)
    await runs.move(tx, run)
    await steps.record_outputs(tx, run.id, change.outputs, None)
    if change.allowed:
        await steps.allow(tx, run.id, change.allowed)
    return run
