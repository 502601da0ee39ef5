"""A workspace's own assistants: making and changing them, and choosing which one answers where."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Assistant
from bot.clock import Clock
from bot.commands import scopes
from bot.commands.catalogue import Command
from bot.commands.fields import FIELDS, LONGEST_RECORDED, Wrong, shown, with_field
from bot.commands.rights import Rights
from bot.ports import CommandRequest, Conversation
from bot.store import assistants, policies
from bot.store.assistants import DEFAULT
from bot.store.database import Database
from bot.store.policies import Policy, Scope
from bot.view import printable

MOST = 50
"""Assistants of one workspace, beside the operator's."""
NAME = r"[a-z0-9_-]{1,32}"

ADMINS_ONLY = "Only admins can change assistants here. Ask one of them."
BAD_NAME = "An assistant's name has 1 to 32 of the letters a to z, digits, “-” and “_”."
OPERATORS = (
    "The assistant that answers here is the operator's own, and cannot be changed. Create one of your own first: "
    "assistant create NAME, and then assistant use NAME."
)
FORMS = (
    "Say “assistant list”, “assistant show [NAME]”, “assistant create NAME”, “assistant use NAME [here|{workspace}]”, "
    "“assistant set FIELD VALUE” or “assistant delete NAME”."
)

Operation = Callable[[AsyncConnection], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class AssistantCommands:
    database: Database
    rights: Rights
    tools: Sequence[str]
    """The names of all of Parley's own."""
    clock: Clock
    people_help: Sequence[str] = (
        "assistant list — the assistants here, and which one answers",
        "assistant show [NAME] — its model, temperature and tools; to admins its instructions, too",
    )
    admin_help: Sequence[str] = (
        "assistant create NAME — make one of your own, as the one that answers here is",
        "assistant use NAME [here|{workspace}] — let it answer, here or in the whole {workspace} (the default)",
        "assistant set FIELD VALUE — change the one that answers here: instructions, model, temperature or tools",
        "assistant delete NAME — remove it",
    )

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"assistant": self._assistant}

    async def _assistant(self, request: CommandRequest, rest: str) -> str:
        words = rest.split() or ["list"]
        match words[0].lower(), words[1:]:
            case "list", []:
                return await self.database.read(lambda c: _list(c, request))
            case "show", [*names] if len(names) <= 1:
                admin = self.rights.is_admin(request)
                return await self.database.read(lambda c: _show(c, request, "".join(names), instructions=admin))
            case "create", [name]:
                return await self._change(request, "create", name, lambda tx: self._create(tx, request, name.lower()))
            case "use", [name, *scope] if len(scope) <= 1:
                said = "".join(scope)
                return await self._change(request, "use", name, lambda tx: self._use(tx, request, name.lower(), said))
            case "set", [field, _, *_]:
                value = rest.split(maxsplit=2)[2]  # whole, with its line breaks
                return await self._change(request, "set", field, lambda tx: self._set(tx, request, field, value))
            case "delete", [name]:
                return await self._change(request, "delete", name, lambda tx: self._delete(tx, request, name.lower()))
        return scopes.said(request, FORMS)

    async def _change(self, request: CommandRequest, verb: str, target: str, operation: Operation) -> str:
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, f"assistant {verb}", target[:64])
            return ADMINS_ONLY
        try:
            return await self.database.write(operation)
        except Wrong as wrong:
            return str(wrong)

    async def _create(self, tx: AsyncConnection, request: CommandRequest, name: str) -> str:
        where = request.conversation
        if not re.fullmatch(NAME, name):
            raise Wrong(BAD_NAME)
        seen = [one.name for one in await assistants.seen_in(tx, where)]
        if name in seen:
            raise Wrong(f"There is an assistant {name} already. Take another name.")
        if len(seen) > MOST:
            raise Wrong(f"There are {MOST} assistants already. Delete one that is not used any more.")
        answering = await _answering(tx, where)
        await assistants.copy(tx, where, answering, name, self.clock.now())
        await self.rights.record(tx, request, "assistant create", name, "not there", f"a copy of {answering.name}")
        return f"{name} is there, a copy of {answering.name}. Say “assistant use {name}” to let it answer."

    async def _use(self, tx: AsyncConnection, request: CommandRequest, name: str, word: str) -> str:
        where, scope = request.conversation, scopes.chosen(request, word)
        if scope is None:
            raise Wrong(scopes.unknown(request, word))
        if problem := scopes.impossible(request, scope):
            raise Wrong(problem)
        wanted = await _named(tx, where, name)
        beneath = scope == "channel" and "assistant" in await policies.holding(tx, replace(where, channel=""))
        # The operator's answers where nothing is chosen; beneath another choice it has to be chosen itself.
        value = {"id": wanted.id} if name != DEFAULT or beneath else None
        before = await policies.put(tx, where, scope, "assistant", value)
        names = {one.id: str(one.name) for one in await assistants.seen_in(tx, where)}
        was, after = (names.get(chosen["id"], "deleted") if chosen else "not set" for chosen in (before, value))
        await self.rights.record(tx, request, "assistant use", f"{name} ({scope})", was, after)
        place = f"in {scopes.whole(request, scope)}"
        if before == value:
            return f"{name} answered {place} already."
        return f"{name} answers {place} from the next question on.{await _nearer(tx, where, scope, wanted, names)}"

    async def _set(self, tx: AsyncConnection, request: CommandRequest, field: str, value: str) -> str:
        where, field = request.conversation, field.lower()
        assistant = await _answering(tx, where)
        changed = with_field(assistant, field, value, self.tools)
        if assistant.name == DEFAULT:
            raise Wrong(OPERATORS)
        before, after = shown(assistant, field), shown(changed, field)
        await assistants.change(tx, changed)
        cut = (before[:LONGEST_RECORDED], after[:LONGEST_RECORDED])
        await self.rights.record(tx, request, "assistant set", f"{assistant.name} {field}", *cut)
        told = f": {after}" if field != "instructions" else f" ({len(after):,} characters)"
        if before == after:
            return f"{assistant.name} had that already. Its {field}{told}"
        return f"{assistant.name} is changed from the next question on. Its {field}{told}"

    async def _delete(self, tx: AsyncConnection, request: CommandRequest, name: str) -> str:
        where = request.conversation
        if name == DEFAULT:
            raise Wrong("The operator's own assistant cannot be deleted.")
        assistant = await _named(tx, where, name)
        channels = await assistants.remove(tx, where, assistant)
        before = ", ".join(sorted(channel or "all channels" for channel in channels))
        await self.rights.record(tx, request, "assistant delete", name, f"chosen for {before or 'none'}", "deleted")
        others = " Where it answered, another one does from the next question on." if channels else ""
        return f"{name} is deleted.{others}"


async def _list(connection: AsyncConnection, request: CommandRequest) -> str:
    where = request.conversation
    held = await policies.holding(connection, where)
    answering = await assistants.answering(connection, where, held)
    return "\n".join(
        f"{one.name}{_told(request, one, answering, held)}" for one in await assistants.seen_in(connection, where)
    )


def _told(request: CommandRequest, one: Assistant, answering: Assistant, held: Mapping[str, Policy]) -> str:
    told = ["the operator's"] if one.name == DEFAULT else []
    if one.id == answering.id:
        policy = held.get("assistant")
        by_policy = policy is not None and policy.value["id"] == one.id
        place = scopes.whole(request, policy.scope) if policy else ""
        told.append(f"answers here, chosen for {place}" if by_policy else "answers here")
    return f" ({'; '.join(told)})" if told else ""


async def _show(connection: AsyncConnection, request: CommandRequest, name: str, *, instructions: bool) -> str:
    where = request.conversation
    try:
        assistant = await _named(connection, where, name.lower()) if name else await _answering(connection, where)
    except Wrong as wrong:
        return str(wrong)
    lines = [f"{field}: {shown(assistant, field)}" for field in FIELDS if field != "instructions"]
    told = ["instructions:", shown(assistant, "instructions")] if instructions else ["instructions: for admins to read"]
    return "\n".join([f"assistant: {assistant.name}", *lines, *told])


async def _answering(connection: AsyncConnection, where: Conversation) -> Assistant:
    return await assistants.answering(connection, where, await policies.holding(connection, where))


async def _named(connection: AsyncConnection, where: Conversation, name: str) -> Assistant:
    """Raises `Wrong`, in the same words for one that is another workspace's and one that is nowhere."""
    seen = {str(one.name): one for one in await assistants.seen_in(connection, where)}
    if name not in seen:
        raise Wrong(f"There is no assistant “{printable(name)[:40]}” here. There are: {', '.join(seen)}.")
    return seen[name]


async def _nearer(
    connection: AsyncConnection, where: Conversation, scope: Scope, wanted: Assistant, names: Mapping[str, str]
) -> str:
    """A word of warning where this channel's own choice is another one."""
    policy = (await policies.holding(connection, where)).get("assistant")
    if scope == "channel" or policy is None or policy.value["id"] == wanted.id:
        return ""
    return f" In this channel {names.get(policy.value['id'], 'another one')} was chosen, and still answers."
