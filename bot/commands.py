"""The commands: one implementation for every platform to call. Each answers with a sentence or a short list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import access
from bot.clock import Clock
from bot.ports import CommandRequest, Conversation
from bot.stopping import NOT_YOURS, STOPPED, Stopping
from bot.store import audit, flags, runs, threads
from bot.store.database import Database
from bot.store.flags import Scope

SCOPES = {"here": "channel", "channel": "channel", "workspace": "workspace", "server": "workspace"}
ADMINS_ONLY = "Only admins can switch tools here. Ask one of them."
NOTHING_TO_RENEW = (
    "There is no conversation here to begin anew: each thread is one of its own. Ask me in a new thread instead."
)
PEOPLE_HELP = """\
new — begin a fresh conversation here; the old one is kept
stop — stop the answer that is being made here
tools list — what I can use here
help — this list"""
ADMIN_HELP = """\
tools enable NAME [here|{workspace}] — switch a tool on, for this channel or the whole {workspace} (the default)
tools disable NAME [here|{workspace}] — switch it off; it holds from the next question on"""


@dataclass(frozen=True, slots=True)
class Commands:
    database: Database
    stopping: Stopping
    tools: Collection[str]
    """The names of all of Parley's tools."""
    admins: Collection[str]
    clock: Clock

    async def run(self, request: CommandRequest) -> str:
        """Carry out a command and return what to show. Raises `StoreError`."""
        word, *rest = request.text.split() or ["help"]
        known: dict[str, Callable[[CommandRequest, list[str]], Awaitable[str]]] = {
            "tools": self._tools,
            "new": self._new,
            "stop": self._stop,
            "help": self._help,
            **({"threads": self._threads} if request.conversation.platform == access.OPERATOR else {}),
        }
        command = known.get(word.lower())
        if command is None:
            return f"There is no command “{word[:40]}”. There are: {', '.join(known)}."
        return await command(request, rest)

    async def _help(self, request: CommandRequest, _rest: list[str]) -> str:
        admin = access.is_admin(request, self.admins)
        return f"{PEOPLE_HELP}\n{_said(request, ADMIN_HELP)}" if admin else PEOPLE_HELP

    async def _new(self, request: CommandRequest, _rest: list[str]) -> str:
        async def operation(tx: AsyncConnection) -> str:
            thread_id = await threads.bound(tx, request.conversation)
            if thread_id is None and not request.conversation.thread:
                return NOTHING_TO_RENEW
            if thread_id and await runs.active_in(tx, thread_id):
                return "An answer is still being made here. Wait for it, or say “stop” first."
            await threads.rebind(tx, request.conversation, self.clock.now())
            return "A fresh conversation begins here. I no longer see what was said before."

        return await self.database.write(operation)

    async def _threads(self, request: CommandRequest, _rest: list[str]) -> str:
        place = request.conversation
        lines = await self.database.read(lambda c: threads.newest_first(c, 20, platform=place.platform))
        now = await self.database.read(lambda c: threads.bound(c, place))
        marks = [f"{'*' if line.id == now else ' '} {line.id}  {line.messages:>4}  {line.title}" for line in lines]
        return "\n".join(marks) or "No threads yet."

    async def _stop(self, request: CommandRequest, _rest: list[str]) -> str:
        outcomes = [await self.stopping.stop(request, run_id) for run_id in await self._stoppable(request.conversation)]
        if count := outcomes.count("stopped"):
            return STOPPED if count == 1 else f"Stopped {count} answers."
        return NOT_YOURS if "not yours" in outcomes else "There is nothing to stop here."

    async def _stoppable(self, where: Conversation) -> Sequence[str]:
        """The run that is active in a conversation; said beside all of a channel's threads, those in all of them."""

        async def look(connection: AsyncConnection) -> Sequence[str]:
            thread_id = await threads.bound(connection, where)
            if thread_id is None:
                return [] if where.thread else await threads.in_channel(connection, where)
            run = await runs.active_in(connection, thread_id)
            return [run.id] if run else []

        return await self.database.read(look)

    async def _tools(self, request: CommandRequest, rest: list[str]) -> str:
        verb, *rest = rest or ["list"]
        match verb.lower(), rest:
            case "list", []:
                return await self._list_tools(request)
            case ("enable" | "disable") as wanted, [name, *scope] if len(scope) <= 1:
                return await self._switch(request, name, wanted == "enable", scope[0].lower() if scope else "workspace")
            case _:
                scopes = _said(request, "[here|{workspace}]")
                return f"Say “tools list”, “tools enable NAME {scopes}” or “tools disable NAME {scopes}”."

    async def _list_tools(self, request: CommandRequest) -> str:
        switches = await self.database.read(lambda c: flags.nearest(c, request.conversation))
        lines = []
        for name in self.tools:
            flag = switches.get(name)
            state = "on" if flag is None or flag.enabled else "off"
            lines.append(f"{name}: {state}" + (f" (set for this {_named(request, flag.scope)})" if flag else ""))
        return "\n".join(lines) or "There are no tools."

    async def _switch(self, request: CommandRequest, name: str, enabled: bool, scope_word: str) -> str:
        action = "tools enable" if enabled else "tools disable"
        if not access.is_admin(request, self.admins):
            await self._note(request, action, name[:64], allowed=False)
            return ADMINS_ONLY
        if name not in self.tools:
            return f"There is no tool “{name[:64]}”. There are: {', '.join(self.tools)}."
        if scope_word not in SCOPES:
            whole = _named(request, "workspace")
            return f"“{scope_word[:40]}” is no scope. Say “here” for this channel or “{whole}” for all of it."
        scope: Scope = "channel" if SCOPES[scope_word] == "channel" else "workspace"
        before = await self._set(request, action, scope, name, enabled)
        where = "this channel" if scope == "channel" else f"the whole {_named(request, scope)}"
        state = "on" if enabled else "off"
        if before is enabled:
            return f"{name} was {state} for {where} already."
        note = await self._nearer(request, scope, name, enabled)
        return f"{name} is {state} for {where} from the next question on.{note}"

    async def _set(self, request: CommandRequest, action: str, scope: Scope, name: str, enabled: bool) -> bool | None:
        async def operation(tx: AsyncConnection) -> bool | None:
            before = await flags.switch(tx, request.conversation, scope, name, enabled)
            await audit.add(tx, self._entry(request, action, f"{name} ({scope})", True, _word(before), _word(enabled)))
            return before

        return await self.database.write(operation)

    async def _nearer(self, request: CommandRequest, scope: Scope, name: str, enabled: bool) -> str:
        """A word of warning where this channel's own switch says otherwise."""
        if scope == "channel":
            return ""
        flag = (await self.database.read(lambda c: flags.nearest(c, request.conversation))).get(name)
        if flag is None or flag.enabled is enabled:
            return ""
        return f" This channel's own switch still says {_word(flag.enabled)}."

    async def _note(self, request: CommandRequest, action: str, target: str, *, allowed: bool) -> None:
        entry = self._entry(request, action, target, allowed, None, None)
        await self.database.write(lambda tx: audit.add(tx, entry))

    def _entry(
        self, request: CommandRequest, action: str, target: str, allowed: bool, before: str | None, after: str | None
    ) -> audit.Entry:
        now = self.clock.now()
        return audit.Entry(now, request.author, request.conversation, action, target, allowed, before, after)


def _named(request: CommandRequest, scope: Scope) -> str:
    """A scope in the platform's word."""
    return request.workspace if scope == "workspace" else scope


def _said(request: CommandRequest, text: str) -> str:
    return text.format(workspace=_named(request, "workspace"))


def _word(enabled: bool | None) -> str:
    return "not set" if enabled is None else "on" if enabled else "off"
