"""The next model call of a run, made from its settings, its thread and what it has done so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.assistants.history import Past, window
from bot.assistants.types import JSON, Run, RunStep, ToolChoice, Usage, function_name
from bot.models.port import FunctionTool, ModelRequest

if TYPE_CHECKING:
    from bot.assistants.engine import Toolbox


def model_calls(steps: Sequence[RunStep]) -> int:
    """How many model calls the run has behind it while it is not over."""
    return sum(step.type == "tool_calls" for step in steps)


def used(steps: Sequence[RunStep]) -> Usage:
    return sum((step.usage for step in steps if step.usage), Usage())


def next_request(run: Run, past: Past, steps: Sequence[RunStep], toolbox: Toolbox) -> tuple[ModelRequest, bool]:
    """The request, and whether the thread's newest question fits what is left of `max_prompt_tokens`."""
    spent = used(steps)
    budget = None if run.max_prompt_tokens is None else run.max_prompt_tokens - spent.prompt_tokens
    left = None if run.max_completion_tokens is None else run.max_completion_tokens - spent.completion_tokens
    earlier = [step for step in past.steps if step.run_id != run.id]
    items, fits = window(Past(past.messages, [*earlier, *steps], past.more), run, budget)
    # A forced choice holds for the first call only: it would be forced again after each output, without end.
    free = model_calls(steps) > 0 and run.tool_choice != "none"
    request = ModelRequest(
        model=run.model,
        instructions=run.instructions,
        items=items,
        tools=[_tool(run, tool, toolbox) for tool in run.tools],
        tool_choice="auto" if free else _choice(run.tool_choice),
        parallel_tool_calls=run.parallel_tool_calls,
        response_format=run.response_format,
        temperature=run.temperature,
        top_p=run.top_p,
        max_output_tokens=left,
        cache_key=run.thread_id,
    )
    return request, fits or budget is None


def _choice(choice: ToolChoice) -> ToolChoice:
    """To a provider a built-in tool of ours is a function like any other."""
    if isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": function_name(choice)}}


def _tool(run: Run, tool: JSON, toolbox: Toolbox) -> FunctionTool:
    name = function_name(tool)
    if name in toolbox.own(run):
        return toolbox.definition(name)
    given = tool["function"]
    parameters = given.get("parameters") or {"type": "object", "properties": {}}
    return FunctionTool(name, given.get("description") or "", parameters, bool(given.get("strict")))
