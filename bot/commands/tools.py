"""The tools' switches, and whose approval a tool needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Assistant
from bot.commands import scopes
from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.ports import CommandRequest
from bot.store import assistants, policies
from bot.store.database import Database
from bot.store.policies import Policy, Scope, approver, enabled
from tools.registry import Tool

ADMINS_ONLY = "Only admins can switch tools here. Ask one of them."
APPROVERS = ("asker", "admins", "either")
FORMS = (
    "Say “tools list”, “tools enable NAME [here|{workspace}]”, “tools disable NAME [here|{workspace}]” or "
    "“tools approve NAME on|off [asker|admins|either] [here|{workspace}]”."
)


@dataclass(frozen=True, slots=True)
class ToolCommands:
    database: Database
    rights: Rights
    tools: Mapping[str, Tool]
    """All of Parley's tools by name."""
    approvers: str
    """Who approves where nobody says otherwise."""
    people_help: Sequence[str] = ("tools list — what I can use here",)
    admin_help: Sequence[str] = (
        "tools enable NAME [here|{workspace}] — switch a tool on, here or in the whole {workspace} (the default)",
        "tools disable NAME [here|{workspace}] — switch it off; it holds from the next question on",
        "tools approve NAME on|off [asker|admins|either] [here|{workspace}] — run it only when one of them approves",
    )

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"tools": self._tools}

    async def _tools(self, request: CommandRequest, rest: str) -> str:
        words = rest.split() or ["list"]
        match words[0].lower(), words[1:]:
            case "list", []:
                return await self._list(request)
            case ("enable" | "disable") as verb, [name, *scope] if len(scope) <= 1:
                switch = {"enabled": verb == "enable"}
                return await self._set(request, f"tools {verb}", name, f"tool:{name}", switch, scope)
            case "approve", [name, state, *more] if state.lower() in ("on", "off") and len(more) <= 2:
                by = more.pop(0).lower() if more and more[0].lower() in APPROVERS else self.approvers
                if len(more) <= 1:
                    value = {"by": by if state.lower() == "on" else "nobody"}
                    return await self._set(request, "tools approve", name, f"approval:{name}", value, more)
        return scopes.said(request, FORMS)

    async def _list(self, request: CommandRequest) -> str:
        async def look(connection: AsyncConnection) -> tuple[Mapping[str, Policy], Assistant | None]:
            held = await policies.holding(connection, request.conversation)
            return held, await assistants.chosen(connection, request.conversation, held)

        held, assistant = await self.database.read(look)
        lines = (self._line(request, held, assistant, name) for name in self.tools)
        return "\n".join(lines) or "There are no tools."

    def _line(self, request: CommandRequest, held: Mapping[str, Policy], assistant: Assistant | None, name: str) -> str:
        policy, approving = held.get(f"tool:{name}"), held.get(f"approval:{name}")
        told = [f"set for this {scopes.named(request, policy.scope)}"] if policy else []
        if by := approver(held, name, self.tools[name].approval, self.approvers):
            told.append(f"each call needs the approval of {_approval(by)}")
        elif approving is not None and self.tools[name].approval:
            told.append("needs no approval")
        if assistant is not None and not assistants.has(assistant, name):
            told.append(f"not one of the tools of {assistant.name}, which answers here")
        return f"{name}: {'on' if enabled(held, name) else 'off'}" + (f" ({'; '.join(told)})" if told else "")

    async def _set(
        self, request: CommandRequest, action: str, name: str, policy: str, value: Mapping[str, Any], words: list[str]
    ) -> str:
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, action, name[:64])
            return ADMINS_ONLY
        if name in self.tools and self.tools[name].asks and action == "tools approve":
            return f"{name} asks a person anyway, and needs no approval."
        if name not in self.tools:
            return f"There is no tool “{name[:64]}”. There are: {', '.join(self.tools)}."
        scope = scopes.chosen(request, "".join(words))
        if scope is None:
            return scopes.unknown(request, words[0])
        if problem := scopes.impossible(request, scope):
            return problem
        before = await self._put(request, action, scope, name, policy, value)
        where, state = scopes.whole(request, scope), _state(value)
        if before == value:
            return f"{name} {_was(state)} for {where} already."
        return (
            f"{name} {state} for {where} from the next question on.{await self._nearer(request, scope, policy, value)}"
        )

    async def _put(
        self, request: CommandRequest, action: str, scope: Scope, name: str, policy: str, value: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        async def operation(tx: AsyncConnection) -> Mapping[str, Any] | None:
            before = await policies.put(tx, request.conversation, scope, policy, value)
            await self.rights.record(tx, request, action, f"{name} ({scope})", _word(before), _word(value))
            return before

        return await self.database.write(operation)

    async def _nearer(self, request: CommandRequest, scope: Scope, name: str, value: Mapping[str, Any]) -> str:
        """A word of warning where this channel's own policy says otherwise."""
        if scope == "channel":
            return ""
        held = (await self.database.read(lambda c: policies.holding(c, request.conversation))).get(name)
        if held is None or held.value == value:
            return ""
        return f" This channel's own switch still says {_word(held.value)}."


def _approval(by: str) -> str:
    return {"asker": "who asked", "admins": "an admin"}.get(by, "who asked or an admin")


def _state(value: Mapping[str, Any]) -> str:
    if "enabled" in value:
        return f"is {_word(value)}"
    by = str(value["by"])
    return "needs no approval" if by == "nobody" else f"needs the approval of {_approval(by)}"


def _was(state: str) -> str:
    return state.replace("is ", "was ", 1) if state.startswith("is ") else state.replace("needs", "needed", 1)


def _word(value: Mapping[str, Any] | None) -> str:
    """What the record says of a policy."""
    if value is None:
        return "not set"
    if "enabled" in value:
        return "on" if value["enabled"] else "off"
    return str(value["by"])
