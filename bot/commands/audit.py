"""The audit record, as admins read it in chat: who changed what, newest first, refusals too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.ports import CommandRequest
from bot.store import audit
from bot.store.audit import Entry
from bot.store.database import Database
from bot.view import one_line

LINES, MOST = 10, 50
"""Entries that are shown without a number, and at most."""
LONGEST_NAME, LONGEST_VALUE = 64, 200
"""Characters that are shown of a name or a target, and of what something was set to."""
QUOTES = str.maketrans("“”", '""')

ADMINS_ONLY = "Only admins can read the audit record here. Ask one of them."
FORM = f"Say “audit”, or “audit NUMBER” with a number from 1 to {MOST}."
EMPTY = "Nothing has been changed yet."


@dataclass(frozen=True, slots=True)
class AuditCommand:
    database: Database
    rights: Rights
    people_help: Sequence[str] = ()
    admin_help: Sequence[str] = ("audit [NUMBER] — who changed what here, newest first; refusals too",)

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"audit": self._audit}

    async def _audit(self, request: CommandRequest, rest: str) -> str:
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, "audit", rest[:LONGEST_NAME])
            return ADMINS_ONLY
        if rest and not (re.fullmatch(r"[0-9]{1,2}", rest) and 1 <= int(rest) <= MOST):
            return FORM
        count = int(rest or LINES)
        entries = await self.database.read(lambda c: audit.newest_first(c, request.conversation, count))
        return "\n".join(map(_line, entries)) or EMPTY


def _line(entry: Entry) -> str:
    """One line, whatever people wrote: when, who (the id, and the name in quotes), where, what, from what to what."""
    when = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    who = f"{_one_line(entry.actor.id)} “{_one_line(entry.actor.name)}”"
    where = f" in {_one_line(entry.where.channel)}" if entry.where.channel else ""
    what = f"{entry.action} {_one_line(entry.target)}".rstrip()
    change = "" if entry.before is None and entry.after is None else f": {_word(entry.before)} → {_word(entry.after)}"
    return f"{when}  {who}{where}: {'' if entry.allowed else 'REFUSED '}{what}{change}"


def _word(value: str | None) -> str:
    return _one_line(value or "", LONGEST_VALUE) or "nothing"


def _one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """Without quotes like those around a name, which nobody's name can end then."""
    return one_line(text)[:longest].translate(QUOTES)
