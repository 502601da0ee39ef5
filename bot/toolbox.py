"""The tools of `tools/`, as the engine sees them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import httpx2

from bot.assistants.types import Run, ToolCall, function_name
from bot.clock import Clock
from bot.models.port import FunctionTool
from tools.registry import Registry


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
        enabled = {function_name(tool) for tool in run.tools}
        result = await self.registry.execute(call.name, call.arguments, context, enabled=enabled)
        return replace(call, output=result.output, failed=result.failed)
