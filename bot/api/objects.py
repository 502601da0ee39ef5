"""Parley's values as the objects of the API: https://platform.openai.com/docs/api-reference/assistants.

Times are whole Unix seconds there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bot.assistants.types import Assistant, Message, Run, RunStep, Thread, ToolCall, Usage
from bot.documents.reading import trouble
from bot.store.uploads import Upload
from bot.store.vector_stores import Batch, Counts, Member, VectorStore

JSON = dict[str, Any]

RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
"""What `include` has to name for the texts of passages that were found."""


def second(at: float | None) -> int | None:
    return None if at is None else int(at)


def assistant(one: Assistant) -> JSON:
    return {
        "id": one.id,
        "object": "assistant",
        "created_at": int(one.created_at),
        "name": one.title if one.title is not None or one.name == one.id else one.name,
        "description": one.description,
        "model": one.model,
        "instructions": one.instructions,
        "tools": [tool(given) for given in one.tools],
        "tool_resources": one.tool_resources or {},
        "metadata": dict(one.metadata),
        "temperature": one.temperature,
        "top_p": one.top_p,
        "response_format": one.response_format or "auto",
    }


def thread(one: Thread) -> JSON:
    return {
        "id": one.id,
        "object": "thread",
        "created_at": int(one.created_at),
        "metadata": {key: str(value) for key, value in one.metadata.items()},
        "tool_resources": one.tool_resources or {},
    }


def message(one: Message, annotations: Sequence[JSON] = (), images: Sequence[str] = ()) -> JSON:
    """`annotations` are those of its text; `images` the ids of files that tools made for it."""
    content = one.content
    if annotations:
        text = {"value": one.text, "annotations": list(annotations)}
        content = [{"type": "text", "text": text}]
    shown = [{"type": "image_file", "image_file": {"file_id": id_, "detail": "auto"}} for id_ in images]
    said_by = {"parley_author": one.author.name, "parley_author_id": one.author.id} if one.author else {}
    return {
        "id": one.id,
        "object": "thread.message",
        "created_at": int(one.created_at),
        "thread_id": one.thread_id,
        "status": one.status,
        "incomplete_details": one.incomplete_details,
        "completed_at": second(one.completed_at),
        "incomplete_at": second(one.incomplete_at),
        "role": one.role,
        "content": [*shown, *content],
        "assistant_id": one.assistant_id,
        "run_id": one.run_id,
        "attachments": [dict(given) for given in one.attachments if "file_id" in given],
        "metadata": {**said_by, **one.metadata},
    }


def run(one: Run) -> JSON:
    strategy = {"last_messages": None, **one.truncation_strategy}
    return {
        "id": one.id,
        "object": "thread.run",
        "created_at": int(one.created_at),
        "thread_id": one.thread_id,
        "assistant_id": one.assistant_id,
        "status": one.status,
        "required_action": one.required_action,
        "last_error": {"code": one.last_error.code, "message": one.last_error.message} if one.last_error else None,
        "expires_at": second(one.expires_at),
        "started_at": second(one.started_at),
        "cancelled_at": second(one.cancelled_at),
        "failed_at": second(one.failed_at),
        "completed_at": second(one.completed_at),
        "incomplete_details": one.incomplete_details,
        "model": one.model,
        "instructions": one.instructions,
        "tools": [tool(given) for given in one.tools],
        "metadata": dict(one.metadata),
        "usage": usage(one.usage) if one.is_terminal else None,
        "temperature": one.temperature,
        "top_p": one.top_p,
        "max_prompt_tokens": one.max_prompt_tokens,
        "max_completion_tokens": one.max_completion_tokens,
        "truncation_strategy": strategy,
        "tool_choice": one.tool_choice if isinstance(one.tool_choice, str) else dict(one.tool_choice),
        "parallel_tool_calls": one.parallel_tool_calls,
        "response_format": one.response_format or "auto",
    }


def step(one: RunStep, calls: Sequence[JSON]) -> JSON:
    """`calls` are its tool calls as objects."""
    details: Mapping[str, Any] = {"type": "tool_calls", "tool_calls": list(calls)}
    if one.type == "message_creation":
        details = one.step_details
    error = one.last_error
    return {
        "id": one.id,
        "object": "thread.run.step",
        "created_at": int(one.created_at),
        "assistant_id": one.assistant_id,
        "thread_id": one.thread_id,
        "run_id": one.run_id,
        "type": one.type,
        "status": one.status,
        "step_details": dict(details),
        "last_error": {"code": _step_error(error.code), "message": error.message} if error else None,
        "expired_at": second(one.expired_at),
        "cancelled_at": second(one.cancelled_at),
        "failed_at": second(one.failed_at),
        "completed_at": second(one.completed_at),
        "metadata": dict(one.metadata),
        "usage": usage(one.usage),
    }


def _step_error(code: str) -> str:
    return code if code in ("server_error", "rate_limit_exceeded") else "server_error"


def usage(spent: Usage | None) -> JSON | None:
    if spent is None:
        return None
    return {
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "total_tokens": spent.total_tokens,
    }


def function_call(call: ToolCall) -> JSON:
    function = {"name": call.name, "arguments": call.arguments, "output": call.output}
    return {"id": call.id, "type": "function", "function": function}


def code_call(call: ToolCall, code: str, images: Sequence[str]) -> JSON:
    """`images` are the ids of files that it made."""
    outputs: list[JSON] = [{"type": "logs", "logs": call.output}] if call.output else []
    outputs += [{"type": "image", "image": {"file_id": id_}} for id_ in images]
    return {"id": call.id, "type": "code_interpreter", "code_interpreter": {"input": code, "outputs": outputs}}


def search_call(call: ToolCall, found: Sequence[JSON], include: Collection[str]) -> JSON:
    """`found` are passages with `file_id`, `file_name` and `text`, the best first. There is no score but their rank."""
    results = []
    for rank, one in enumerate(found, 1):
        result: JSON = {"file_id": one["file_id"], "file_name": one["file_name"], "score": round(1 / rank, 4)}
        if RESULTS in include:
            result["content"] = [{"type": "text", "text": one["text"]}]
        results.append(result)
    ranking = {"ranker": "auto", "score_threshold": 0}
    return {"id": call.id, "type": "file_search", "file_search": {"ranking_options": ranking, "results": results}}


def tool(given: Mapping[str, Any]) -> JSON:
    """A tool without what Parley notes beside it."""
    return {name: value for name, value in given.items() if name in ("type", "function", "file_search")}


def file(one: Upload) -> JSON:
    made = {"expires_at": int(one.expires_at)} if one.expires_at is not None else {}
    return {
        "id": one.id,
        "object": "file",
        "bytes": one.size,
        "created_at": int(one.created_at),
        "filename": one.name,
        "purpose": one.purpose,
        "status": "processed",
        **made,
    }


def deleted(id_: str, kind: str) -> JSON:
    return {"id": id_, "object": f"{kind}.deleted", "deleted": True}


# -- vector stores ----------------------------------------------------------------------------------------------------


def vector_store(one: VectorStore, counts: Counts, now: float) -> JSON:
    days = one.expires_after_days
    status = "expired" if one.expired(now) else "in_progress" if counts.in_progress else "completed"
    return {
        "id": one.id,
        "object": "vector_store",
        "created_at": int(one.created_at),
        "name": one.name or "",
        "usage_bytes": counts.size,
        "file_counts": _counts(counts),
        "status": status,
        "expires_after": {"anchor": "last_active_at", "days": days} if days is not None else None,
        "expires_at": second(one.expires_at),
        "last_active_at": int(one.last_active_at),
        "metadata": dict(one.metadata),
    }


DEFAULT_CHUNKING: JSON = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
"""What `auto` stands for in the API. Parley cuts files in its own way."""


def store_file(one: Member) -> JSON:
    error = {"code": _file_error(one.problem), "message": one.problem} if one.status == "failed" else None
    return {
        "id": one.file_id,
        "object": "vector_store.file",
        "usage_bytes": one.size if one.status == "completed" else 0,
        "created_at": int(one.created_at),
        "vector_store_id": one.store_id,
        "status": one.status,
        "last_error": error,
        "chunking_strategy": dict(one.chunking_strategy) if "static" in one.chunking_strategy else DEFAULT_CHUNKING,
        "attributes": dict(one.attributes),
    }


def _file_error(problem: str) -> str:
    match trouble(problem):
        case "image" | "unknown" | "old" | "page":
            return "unsupported_file"
        case "" | "slow" | "stopped":
            return "server_error"
        case _:
            return "invalid_file"


def file_batch(one: Batch, counts: Counts) -> JSON:
    ended = "failed" if counts.failed and counts.failed == counts.total else "completed"
    status = "cancelled" if one.cancelled else "in_progress" if counts.in_progress else ended
    return {
        "id": one.id,
        "object": "vector_store.files_batch",
        "created_at": int(one.created_at),
        "vector_store_id": one.store_id,
        "status": status,
        "file_counts": _counts(counts),
    }


def _counts(counts: Counts) -> JSON:
    return {
        "in_progress": counts.in_progress,
        "completed": counts.completed,
        "failed": counts.failed,
        "cancelled": counts.cancelled,
        "total": counts.total,
    }


def found(one: Member, rank: int, text: str) -> JSON:
    """A passage that a search of a store found. There is no score but its rank, from 1 on."""
    return {
        "file_id": one.file_id,
        "filename": one.name,
        "score": round(1 / rank, 4),
        "attributes": dict(one.attributes),
        "content": [{"type": "text", "text": text}],
    }
