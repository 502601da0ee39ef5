"""The tools of `tools/`, as the engine sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import httpx2

from bot.assistants.asking import Asking, Question
from bot.assistants.types import Asks, Run, ToolCall, function_name
from bot.clock import Clock
from bot.models.port import FunctionTool
from tools.registry import Registry

APPROVAL = "approval"
"""The key of a run's tool that says whose approval its calls need: `asker`, `admins` or `either`."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """What one call may know: a `tools.context.ToolContext`."""

    call_id: str
    http: httpx2.AsyncClient
    clock: Clock
    settings: Callable[[str], str]

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

    def own(self) -> Collection[str]:
        return self.registry.keys()

    def definition(self, name: str) -> FunctionTool:
        tool = self.registry[name]
        return FunctionTool(tool.name, tool.description, tool.parameters, tool.strict)

    async def run(self, run: Run, call: ToolCall) -> ToolCall:
        """Only the tools that the run was created with are on, whatever a switch has said since."""
        context = CallContext(call.id, self.http, self.clock, self.settings)
        result = await self.registry.execute(call.name, call.arguments, context, enabled=_enabled(run))
        return replace(call, output=result.output, failed=result.failed)

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
