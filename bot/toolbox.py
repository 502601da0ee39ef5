"""The tools of `tools/`, as the engine sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx2

from bot.assistants.asking import Asking, Question
from bot.assistants.types import Asks, Run, ShownFile, ToolCall, function_name, new_id
from bot.clock import Clock
from bot.models.port import FunctionTool
from bot.searching import Searching
from tools.registry import Registry, ToolError
from tools.sandbox import Sandbox
from tools.searching import Search

APPROVAL = "approval"
"""The key of a run's tool that says whose approval its calls need: `asker`, `admins` or `either`."""

OUTSIDE = "outside"
"""The key of a run's tool that says that its calls are answered by whoever made the run, whatever its name."""

Show = Callable[[str, str, bytes], Coroutine[Any, Any, None]]
"""Gives the person a file: its name, its MIME type and what is in it. Raises `ToolError` where it cannot."""


MOST_SHOWN, LARGEST_SHOWN = 10, 5_000_000
"""Files that one call may give the person, and bytes of each."""


async def shows_nothing(name: str, mime: str, content: bytes, /) -> None:
    raise ToolError("Files cannot be shown here.")


@dataclass(frozen=True, slots=True)
class CallContext:
    """What one call may know: a `tools.context.ToolContext`."""

    call_id: str
    http: httpx2.AsyncClient
    clock: Clock
    settings: Callable[[str], str]
    run_id: str = ""
    sandbox: Sandbox = field(default_factory=Sandbox)
    search: Search | None = None
    show: Show = shows_nothing

    def setting(self, name: str, default: str) -> str:
        return self.settings(name) or default

    def now(self) -> float:
        return self.clock.now()


@dataclass(frozen=True, slots=True)
class RegistryToolbox:
    registry: Registry
    http: httpx2.AsyncClient
    clock: Clock
    settings: Callable[[str], str]
    """A setting's value by its name; empty where it is unset."""
    sandbox: Sandbox = field(default_factory=Sandbox)
    searching: Searching | None = None

    def own(self, run: Run) -> Collection[str]:
        return {name for tool in run.tools if (name := function_name(tool)) in self.registry and not tool.get(OUTSIDE)}

    def definition(self, name: str) -> FunctionTool:
        tool = self.registry[name]
        return FunctionTool(tool.name, tool.description, tool.parameters, tool.strict)

    async def run(self, run: Run, call: ToolCall) -> ToolCall:
        """Only the tools that the run was created with are on, whatever a switch has said since."""
        shown: list[ShownFile] = []

        async def show(name: str, mime: str, content: bytes, /) -> None:
            if len(shown) >= MOST_SHOWN or len(content) > LARGEST_SHOWN:
                raise ToolError(f"At most {MOST_SHOWN} files of {LARGEST_SHOWN // 1_000_000} MB can be shown.")
            shown.append(ShownFile(new_id("file"), name, mime, content))

        search = partial(self.searching.search, run) if self.searching else None
        context = CallContext(call.id, self.http, self.clock, self.settings, run.id, self.sandbox, search, show)
        result = await self.registry.execute(call.name, call.arguments, context, enabled=_enabled(run))
        return replace(call, output=result.output, failed=result.failed, shown=tuple(shown))

    def asks(self, run: Run, call: ToolCall) -> Asks | None:
        if self.registry.problem(call.name, call.arguments, enabled=_enabled(run)):
            return None
        if self.registry[call.name].asks:
            return "answers"
        return "approval" if approvers(run, call.name) else None

    def asking(self, call: ToolCall) -> Asking:
        if call.asks == "approval":
            return Asking(call)
        try:
            form = self.registry.form(call.name, call.arguments)
        except Exception:  # another version asked it
            lost = Question("I no longer know what I wanted to ask. Please stop me.")
            return Asking(call, questions=[lost] * (len(call.answers) + 1))
        return Asking(call, form.title, [Question(one.text, one.choices) for one in form.questions])

    def answered(self, call: ToolCall) -> str:
        return json.dumps(list(call.answers), ensure_ascii=False)


def approvers(run: Run, name: str) -> str:
    """Whose approval a call needs in this run: `asker`, `admins` or `either`; nobody's where it is empty."""
    return next((str(tool.get(APPROVAL) or "") for tool in run.tools if function_name(tool) == name), "")


def _enabled(run: Run) -> Collection[str]:
    return {function_name(tool) for tool in run.tools}
