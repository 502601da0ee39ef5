"""Threads that programs made in this workspace: admins see which there are, read them and go on with one here.

One that is gone on with belongs to that conversation from then on: what is said there is shown nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import access
from bot.assistants.types import Message
from bot.commands import scopes
from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.ports import CommandRequest
from bot.store import programs, runs, threads
from bot.store.database import Database
from bot.store.paging import Page
from bot.store.threads import ThreadLine
from bot.tenants import Tenant
from bot.view import one_line

LISTED, SHOWN = 20, 20
"""Threads, and messages of one."""
LONGEST_SAID = 200
"""Characters that are shown of a message."""
LONGEST_ID = 64

ADMINS_ONLY = "Only admins can see and continue the threads of programs. Ask one of them."
FORMS = "Say “threads list”, “threads show ID” or “threads continue ID”."
NONE = "There are no threads of programs in this {workspace}, or all of them are continued in a conversation."
UNKNOWN = (
    "There is no thread “{id}” of a program to continue in this {workspace}. “threads list” tells which there are."
)
NOWHERE = "There is no conversation here to continue it in. Say it in the thread that is to go on with it."
STILL_AT_WORK = "An answer is still being made here. Wait for it, or say “stop” first."
CONTINUED = "This conversation goes on in {id}. I see what was said there, and no longer what was said here before."


@dataclass(frozen=True, slots=True)
class ThreadCommands:
    database: Database
    rights: Rights
    people_help: Sequence[str] = ()
    admin_help: Sequence[str] = ("threads [list|show ID|continue ID] — what programs talked about; go on with it here",)

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"threads": self._threads}

    async def _threads(self, request: CommandRequest, rest: str) -> str:
        if not rest and request.conversation.platform == access.OPERATOR:
            return await self._of_the_terminal(request)
        word, *ids = rest.split() or ["list"]
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, f"threads {word[:10].lower()}", " ".join(ids)[:LONGEST_ID])
            return ADMINS_ONLY
        match word.lower(), ids:
            case "list", []:
                return await self._list(request)
            case "show", [id_]:
                return await self._show(request, id_)
            case "continue", [id_]:
                return await self._continue(request, id_)
        return FORMS

    async def _of_the_terminal(self, request: CommandRequest) -> str:
        place = request.conversation
        lines = await self.database.read(lambda c: threads.newest_first(c, LISTED, platform=place.platform))
        now = await self.database.read(lambda c: threads.bound(c, place))
        marks = [f"{'*' if line.id == now else ' '} {line.id}  {line.messages:>4}  {line.title}" for line in lines]
        return "\n".join(marks) or "No threads yet."

    async def _list(self, request: CommandRequest) -> str:
        tenant = _tenant(request)
        found = await self.database.read(lambda c: programs.free_threads(c, tenant, LISTED))
        return "\n".join(map(_line, found)) or scopes.said(request, NONE)

    async def _show(self, request: CommandRequest, thread_id: str) -> str:
        async def look(connection: AsyncConnection) -> Sequence[Message] | None:
            if not await programs.is_free(connection, _tenant(request), thread_id):
                return None
            return (await programs.list_messages(connection, thread_id, Page(SHOWN)))[0]

        found = await self.database.read(look)
        if found is None:
            return _unknown(request, thread_id)
        return "\n".join(map(_said, reversed(found)))

    async def _continue(self, request: CommandRequest, thread_id: str) -> str:
        where = request.conversation

        async def operation(tx: AsyncConnection) -> str:
            if not await programs.is_free(tx, _tenant(request), thread_id):
                return _unknown(request, thread_id)
            before = await threads.bound(tx, where)
            if before is None and not (where.thread or request.direct):
                return NOWHERE
            if before and await runs.active_in(tx, before):
                return STILL_AT_WORK
            await threads.rebind_to(tx, where, thread_id)
            await self.rights.record(tx, request, "threads continue", thread_id, before, thread_id)
            return CONTINUED.format(id=thread_id)

        return await self.database.write(operation)


def _tenant(request: CommandRequest) -> Tenant:
    return Tenant(request.conversation.platform, request.conversation.workspace)


def _unknown(request: CommandRequest, thread_id: str) -> str:
    return UNKNOWN.format(id=one_line(thread_id)[:LONGEST_ID], workspace=scopes.named(request, "workspace"))


def _line(one: ThreadLine) -> str:
    day = datetime.fromtimestamp(one.created_at, UTC).strftime("%Y-%m-%d")
    return f"• {one.id} — {day}, {one_line(one.title) or '(no text)'}"


def _said(one: Message) -> str:
    who = "Parley" if one.role == "assistant" else one_line(one.author.name) if one.author else "user"
    text = one_line(one.text)
    cut = f"{text[:LONGEST_SAID]}…" if len(text) > LONGEST_SAID else text
    return f"{who}: {cut or '(no text)'}"
