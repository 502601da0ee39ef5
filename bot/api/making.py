"""Runs as programs want them: the assistant's settings, what the request sets over them, and which tools run here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import incoming
from bot.api.assistants import response_format, written
from bot.api.call import Call
from bot.api.errors import ApiError
from bot.api.incoming import Incoming
from bot.api.messages import must_be_quiet
from bot.assistants.lifecycle import new_run
from bot.assistants.types import Assistant, Run, ToolChoice, function_name, new_id
from bot.ports import Conversation
from bot.store import assistants, policies, programs, runs
from bot.store.policies import Policy
from bot.tenants import PROGRAMS
from bot.toolbox import APPROVAL, OUTSIDE


async def begin(
    tx: AsyncConnection, call: Call, thread_id: str, given: Mapping[str, Any], messages: Sequence[Incoming]
) -> Run:
    """Add the messages and a queued run, which somebody is to drive. Raises `ApiError`, `NotFound`."""
    desk, now = call.desk, call.desk.clock.now()
    active = await runs.active_in(tx, thread_id)
    if active is not None:
        raise ApiError(f"Thread {thread_id} already has an active run {active.id}.")
    await must_be_quiet(tx, thread_id)
    assistant = await programs.assistant(tx, call.tenant, given["assistant_id"])
    here = Conversation(call.tenant.platform, call.tenant.workspace, "", "")
    held = await policies.holding(tx, here)
    run = _run(now, thread_id, assistant, given, _tools(assistant, given, held, desk.tools))
    await incoming.add(tx, thread_id, messages, now)
    owner = desk.handler.ownership
    where = Conversation(PROGRAMS, str(call.tenant), "", thread_id)
    if not await runs.add(tx, run, owner=owner.name, lease_until=owner.lease(now), where=where, delivery="open"):
        raise ApiError(f"Thread {thread_id} already has an active run.")
    return run


def _run(
    now: float, thread_id: str, assistant: Assistant, given: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]
) -> Run:
    choice = given.get("tool_choice")
    if isinstance(choice, Mapping):
        choice = {name: value for name, value in choice.items() if value is not None}
    _must_be_possible(choice, tools)
    chosen = given.get("response_format")
    truncation = given.get("truncation_strategy")
    return new_run(
        now,
        id=new_id("run"),
        thread_id=thread_id,
        assistant_id=assistant.id,
        model=given.get("model") or assistant.model,
        instructions=_instructions(assistant, given),
        tools=tools,
        tool_choice=choice or "auto",
        parallel_tool_calls=given.get("parallel_tool_calls") is not False,
        response_format=assistant.response_format if chosen is None else response_format(chosen),
        temperature=_over(given, "temperature", assistant.temperature),
        top_p=_over(given, "top_p", assistant.top_p),
        max_prompt_tokens=given.get("max_prompt_tokens"),
        max_completion_tokens=given.get("max_completion_tokens"),
        truncation_strategy=dict(truncation) if truncation else {"type": "auto"},
        metadata=given.get("metadata") or {},
    )


def _must_be_possible(choice: ToolChoice | None, tools: Sequence[Mapping[str, Any]]) -> None:
    """Raises `ApiError` where a tool is forced that the run does not have."""
    if choice == "required" and not tools:
        raise ApiError("'tool_choice' is 'required', but this run has no tools.", param="tool_choice")
    if isinstance(choice, Mapping) and function_name(choice) not in map(function_name, tools):
        raise ApiError(
            f"'tool_choice' names '{function_name(choice)}', which is none of the tools of this run.",
            param="tool_choice",
        )  # fmt: skip


def _over(given: Mapping[str, Any], name: str, otherwise: float | None) -> float | None:
    value = given.get(name)
    return otherwise if value is None else float(value)


def _instructions(assistant: Assistant, given: Mapping[str, Any]) -> str:
    said = given.get("instructions")
    said = assistant.instructions or "" if said is None else str(said)
    return "\n\n".join(part for part in (said, given.get("additional_instructions") or "") if part)


def _tools(
    assistant: Assistant, given: Mapping[str, Any], held: Mapping[str, Policy], ours: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """The run's tools: built-in ones and Parley's own that are on are run here, all others by the program."""
    if given.get("tools") is None and not assistants.of_program(assistant):
        names = assistants.chosen_tools(assistant)
        return [_own(name, held, ours) for name in ours if (names is None or name in names) and _is_on(held, name)]
    declared = assistant.tools if given.get("tools") is None else [written(one) for one in given["tools"]]
    named = [name for name in assistants.named_tools(assistant) if name in ours and _is_on(held, name)]
    return [*_declared(declared, named, held, ours), *(_own(name, held, ours) for name in _further(declared, named))]


def _declared(
    declared: Sequence[Mapping[str, Any]], named: Sequence[str], held: Mapping[str, Policy], ours: Mapping[str, bool]
) -> Iterator[dict[str, Any]]:
    for tool in declared:
        if tool["type"] != "function":
            if _is_on(held, tool["type"]):
                yield dict(tool)
        elif tool["function"]["name"] in named:
            yield {**tool, **_own(tool["function"]["name"], held, ours), "function": tool["function"]}
        else:
            yield {**tool, OUTSIDE: True}


def _further(declared: Sequence[Mapping[str, Any]], named: Sequence[str]) -> Iterator[str]:
    there = {tool["function"]["name"] if tool["type"] == "function" else tool["type"] for tool in declared}
    return (name for name in named if name not in there)


def _is_on(held: Mapping[str, Policy], name: str) -> bool:
    return policies.enabled(held, name)


def _own(name: str, held: Mapping[str, Policy], ours: Mapping[str, bool]) -> dict[str, Any]:
    by = policies.approver(held, name, ours[name], "either")
    return {"type": "function", "function": {"name": name}, **({APPROVAL: by} if by else {})}
