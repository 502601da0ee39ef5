"""Accepts messages once, durably, in thread order, and gives what waits in a thread to a run."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.lifecycle import move, new_run
from bot.assistants.types import Assistant, Run, new_id
from bot.clock import Clock
from bot.ownership import Ownership
from bot.ports import Accepted, Conversation, InboundMessage
from bot.store import flags, inbox, runs, threads
from bot.store.database import Database
from bot.store.inbox import Asked


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that has begun, and where its question came from. All that waited in the thread is in it."""

    run: Run
    asked: Asked


class Rush:
    """The messages that are being stored just now. Platforms want to hear soon that theirs are: work lets them pass."""

    PATIENCE = 0.5
    """Seconds that work waits for them, at most."""

    def __init__(self) -> None:
        self._count = 0
        self._over = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1
        self._over.clear()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._over.set()

    async def over(self) -> None:
        if self._count:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self.PATIENCE)


class _NothingToClaim(Exception):
    """Rolls a claim back."""


@dataclass(frozen=True, slots=True)
class Inbox:
    database: Database
    assistant: Assistant
    tools: Collection[str]
    """The names of all of Parley's own tools; the switches choose among them."""
    ownership: Ownership
    clock: Clock
    rush: Rush = field(default_factory=Rush)

    async def knows(self, conversation: Conversation) -> bool:
        """Parley takes part in this conversation."""
        return await self.database.read(lambda c: threads.bound(c, conversation)) is not None

    async def accept(self, message: InboundMessage, *, claim: bool) -> tuple[Accepted, Claimed | None]:
        """Store the message; with `claim` also begin a run at once, where the thread has none.

        One transaction for both: a quiet thread's question is on its way before the platform is acknowledged.
        """

        async def operation(tx: AsyncConnection) -> tuple[Accepted, Claimed | None]:
            accepted = await inbox.accept(tx, message, self.clock.now())
            if accepted.duplicate or not claim:
                return accepted, None
            return accepted, await self._claim(tx, accepted.thread_id, message.conversation)

        with self.rush:
            return await self.database.write(operation)

    async def claim(self, thread_id: str) -> Claimed | None:
        """Begin a run with what waits in the thread; None where nothing does, or a run is active there."""

        async def operation(tx: AsyncConnection) -> Claimed:
            conversation = await inbox.waiting_in(tx, thread_id)
            claimed = await self._claim(tx, thread_id, conversation) if conversation else None
            if claimed is None:
                raise _NothingToClaim
            return claimed

        try:
            return await self.database.write(operation)
        except _NothingToClaim:
            return None

    async def _claim(self, tx: AsyncConnection, thread_id: str, where: Conversation) -> Claimed | None:
        now = self.clock.now()
        switches = await flags.nearest(tx, where)
        enabled = [name for name in self.tools if name not in switches or switches[name].enabled]
        queued = new_run(
            now,
            id=new_id("run"),
            thread_id=thread_id,
            assistant_id=self.assistant.id,
            model=self.assistant.model,
            instructions=self.assistant.instructions or "",
            tools=[{"type": "function", "function": {"name": name}} for name in enabled],
            temperature=self.assistant.temperature,
            top_p=self.assistant.top_p,
            response_format=self.assistant.response_format,
        )
        run = move(queued, "in_progress", now)
        lease = self.ownership.lease(now)
        owner = self.ownership.name
        if not await runs.add(tx, run, owner=owner, lease_until=lease, platform=where.platform, delivery="open"):
            return None
        asked = await inbox.hand_to(tx, thread_id, run.id)
        if asked is None:
            raise _NothingToClaim
        return Claimed(run, asked)
