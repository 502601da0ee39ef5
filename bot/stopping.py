"""Stopping an answer that is being made: by a command or a button, for whoever may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.commands.rights import Rights
from bot.ports import CommandRequest, Press
from bot.store import inbox

NOT_YOURS = "Only the one who asked, or an admin, can stop this answer."
STOPPED = "Stopped."

Stopped = Literal["stopped", "over", "not yours"]


class Stoppable(Protocol):
    async def stop(self, run_id: str) -> bool:
        """Cancel a run; False where it is over or being stopped already."""
        ...


@dataclass(frozen=True, slots=True)
class Stopping:
    handler: Stoppable
    rights: Rights

    async def stop(self, request: CommandRequest | Press, run_id: str) -> Stopped:
        """Stop a run for its askers and for admins; a refusal is recorded. Raises `StoreError`."""
        asked = await self.rights.database.read(lambda c: inbox.asked(c, run_id))
        askers = asked.askers if asked else frozenset[str]()
        if not self.rights.is_admin(request) and request.author.id not in askers:
            await self.rights.refuse(request, "stop", run_id)
            return "not yours"
        return "stopped" if await self.handler.stop(run_id) else "over"
