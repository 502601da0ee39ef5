"""What is stored of a conversation or of a person, as a JSON document that a person can read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.assistants.types import Message, Run, RunStep, ToolCall
from bot.ports import Document
from bot.store.exporting import MOST_MESSAGES, Export, Searched

MIME = "application/json"
TOO_LONG = "What this file says is too long to be here."
CUT = f"Only the newest messages are here, at most {MOST_MESSAGES:,}. There are older ones."

Fields = dict[str, Any]


def conversation(found: Export, now: float) -> Document:
    return _document("conversation.json", {**_head(found, now), "conversations": _conversations(found, found.feedback)})


def person(found: Export, now: float) -> Document:
    told = {
        **_head(found, now),
        "conversations": _conversations(found, ()),
        "feedback": [{"run": row["run_id"], **_judgement(row)} for row in found.feedback],
        "usage": [dict(row) for row in found.usage],
        "changes": [_change(row) for row in found.record],
    }
    return _document("everything-of-you.json", told)


def _document(name: str, told: Fields) -> Document:
    return Document(name, MIME, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode())


def _head(found: Export, now: float) -> Fields:
    return {"exported_at": _moment(now), **({"left_out": CUT} if found.cut else {})}


def _conversations(found: Export, feedback: Sequence[Mapping[str, Any]]) -> list[Fields]:
    """By thread, in the order in which they began; with what people thought of the answers there."""
    steps, judged = defaultdict[str, list[Fields]](list), defaultdict[str, list[Fields]](list)
    for step in found.steps:
        steps[step.run_id].append(_step(step))
    for row in feedback:
        judged[row["run_id"]].append(_judgement(row))
    told: dict[str, Fields] = {}
    for message in found.messages:
        thread = told.setdefault(message.thread_id, {"thread": message.thread_id, "messages": [], "runs": []})
        searched = [_searched(one) for one in found.searched.get(message.id, ())]
        thread["messages"].append(_message(message, searched, found.answered_by.get(message.id)))
    for run in found.runs:
        thoughts = {"feedback": judged[run.id]} if run.id in judged else {}
        told[run.thread_id]["runs"].append({**_run(run), "steps": steps[run.id], **thoughts})
    return sorted(told.values(), key=lambda thread: str(thread["thread"]))  # ids made later sort later


def _message(message: Message, searched: Sequence[Fields], answered_by: str | None) -> Fields:
    told: Fields = {"id": message.id, "at": _moment(message.created_at), "role": message.role}
    if message.author:
        told["author"] = {"id": message.author.id, "name": message.author.name}
    told["text"] = message.text
    if message.files:
        told["files"] = [
            {"name": file.name, "type": file.mime, "size": file.size, "text": file.text, "note": file.note}
            for file in message.files
        ]
    elif message.attachments:
        told["files"] = [
            {"name": one.get("name"), "type": one.get("mime"), "size": one.get("size")} for one in message.attachments
        ]
    told |= {"searchable": searched} if searched else {}
    told |= {"answered_by": answered_by} if answered_by else {}
    return told | ({"run": message.run_id} if message.run_id else {})


def _searched(file: Searched) -> Fields:
    told: Fields = {"name": file.name, "type": file.mime, "size": file.size}
    if file.passages is None:
        return told | {"left_out": TOO_LONG}
    return told | {"passages": [{"place": place, "text": text} for place, text in file.passages]}


def _run(run: Run) -> Fields:
    usage = run.usage
    return {
        "id": run.id,
        "model": run.model,
        "status": run.status,
        "created_at": _moment(run.created_at),
        "ended_at": _moment(run.ended_at),
        "error": run.last_error.message if run.last_error else None,
        "usage": {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
        if usage
        else None,
    }


def _step(step: RunStep) -> Fields:
    told: Fields = {"type": step.type, "status": step.status, "at": _moment(step.created_at)}
    if step.message_id:
        told["message"] = step.message_id
    if step.calls:
        told["calls"] = [_call(call) for call in step.calls]
    return told


def _call(call: ToolCall) -> Fields:
    return {
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "output": call.output,
        "failed": call.failed,
        "started_at": _moment(call.started_at),
        "completed_at": _moment(call.completed_at),
    }


def _judgement(row: Mapping[str, Any]) -> Fields:
    by = {"id": row["author_id"], "name": row["author_name"]}
    return {"by": by, "value": row["value"], "at": _moment(row["at"])}


def _change(row: Mapping[str, Any]) -> Fields:
    names = ("workspace", "channel", "action", "target", "before", "after", "allowed")
    return {"at": _moment(row["at"])} | {name: row[name] for name in names}


def _moment(at: float | None) -> str | None:
    """ISO 8601, in UTC."""
    return (
        None
        if at is None
        else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
