"""Stopping an answer that is being made: by a command or a button, for whoever may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bot import access
from bot.clock import Clock
from bot.handler import Handler
from bot.ports import CommandRequest, Press
from bot.store import audit, inbox
from bot.store.database import Database

NOT_YOURS = "Only the one who asked, or an admin, can stop this answer."
STOPPED = "Stopped."

Stopped = Literal["stopped", "over", "not yours"]


@dataclass(frozen=True, slots=True)
class Stopping:
    database: Database
    handler: Handler
    admins: Collection[str]
    clock: Clock

    async def stop(self, request: CommandRequest | Press, run_id: str) -> Stopped:
        """Stop a run for its askers and for admins; a refusal is recorded. Raises `StoreError`."""
        asked = await self.database.read(lambda c: inbox.asked(c, run_id))
        askers = asked.askers if asked else frozenset[str]()
        if not access.is_admin(request, self.admins) and request.author.id not in askers:
            entry = audit.Entry(self.clock.now(), request.author, request.conversation, "stop", run_id, allowed=False)
            await self.database.write(lambda tx: audit.add(tx, entry))
            return "not yours"
        return "stopped" if await self.handler.stop(run_id) else "over"
