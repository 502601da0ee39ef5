"""Rights: who may do what by a command, and the record of it, refusals included."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import access
from bot.clock import Clock
from bot.ports import CommandRequest, Press
from bot.store import audit
from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class Rights:
    database: Database
    admins: Collection[str]
    """The operator's `ADMINS`."""
    clock: Clock

    def is_admin(self, request: CommandRequest | Press) -> bool:
        return access.is_admin(request, self.admins)

    async def refuse(self, request: CommandRequest | Press, action: str, target: str) -> None:
        """Record that somebody was refused something. Raises `StoreError`."""
        entry = self._entry(request, action, target, False, None, None)
        await self.database.write(lambda tx: audit.add(tx, entry))

    async def record(
        self,
        tx: AsyncConnection,
        request: CommandRequest | Press,
        action: str,
        target: str,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """Record in the transaction of a change what it changes. Raises `StoreError`."""
        await audit.add(tx, self._entry(request, action, target, True, before, after))

    def _entry(
        self,
        request: CommandRequest | Press,
        action: str,
        target: str,
        allowed: bool,
        before: str | None,
        after: str | None,
    ) -> audit.Entry:
        now = self.clock.now()
        return audit.Entry(now, request.author, request.conversation, action, target, allowed, before, after)
