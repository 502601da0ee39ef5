"""The Assistant objects as plain values, with the field names of the Assistants API.

They know nothing of storage. Times are Unix seconds with a fraction (the API's own are whole seconds).
Fields that the API does not have are marked as Parley's.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Mapping[str, Any]

RunStatus = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
Terminal = Literal["completed", "failed", "cancelled", "incomplete", "expired"]
ErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
IncompleteReason = Literal["max_completion_tokens", "max_prompt_tokens"]
StepStatus = Literal["in_progress", "cancelled", "failed", "completed", "expired"]
MessageStatus = Literal["in_progress", "incomplete", "completed"]
MessageReason = Literal["content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"]
Role = Literal["user", "assistant"]
Asks = Literal["answers", "approval"]
"""What a call waits for a person to give: answers to its questions, or leave to be run at all."""
ToolChoice = Literal["none", "auto", "required"] | JSON
"""One of three words, or `{"type": "function", "function": {"name": …}}`."""

RUN_LIFETIME = 600.0
"""Seconds from a run's creation to its expiry, as the Assistants API had it."""

Prefix = Literal["asst", "thread", "msg", "run", "step", "call", "file", "vs", "vsfb"]


def new_id(prefix: Prefix) -> str:
    """`prefix_` and 24 hexadecimal characters; ids made later sort later (to the millisecond)."""
    return f"{prefix}_{int(time.time() * 1000):012x}{secrets.token_hex(6)}"


def well_formed(text: str) -> str:
    """`text` with halves of surrogate pairs joined or replaced: neither UTF-8 nor a database takes them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def well_formed_items(items: Sequence[JSON]) -> Sequence[JSON]:
    """The same for every text in JSON objects."""
    written = json.dumps(list(items), ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        whole: Sequence[JSON] = json.loads(well_formed(written))
        return whole
    return items


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call, or the sum over several."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Assistant:
    id: str
    created_at: float
    model: str
    name: str | None = None
    """Parley's: what it is called by in chat, unique in its workspace."""
    title: str | None = None
    """The API's `name`, where a program gave it; else that is `name`."""
    description: str | None = None
    instructions: str | None = None
    tools: Sequence[JSON] = ()
    response_format: str | JSON | None = None
    temperature: float | None = None
    top_p: float | None = None
    tool_resources: JSON | None = None
    metadata: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thread:
    id: str
    created_at: float
    metadata: JSON = field(default_factory=dict)
    tool_resources: JSON | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message. `id` is the platform's own (`U024BE7LH`), `name` what people see."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class File:
    """What the model gets of an attachment: its `text`, or an image as `data`.

    Neither where it could not be read; `note` says why then, or what of it was left out, in a sentence for the person.
    """

    name: str
    mime: str
    size: int
    """Bytes of the file as it was sent."""
    text: str = ""
    data: bytes = field(default=b"", repr=False)
    note: str = ""
    url: str = ""
    """Where the model is to fetch an image itself."""


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    thread_id: str
    created_at: float
    role: Role
    text: str
    status: MessageStatus = "completed"
    attachments: Sequence[JSON] = ()
    assistant_id: str | None = None
    run_id: str | None = None
    completed_at: float | None = None
    incomplete_at: float | None = None
    incomplete_reason: MessageReason | None = None
    metadata: JSON = field(default_factory=dict)
    author: Author | None = None
    """Parley's: the person, for messages of role `user`."""
    position: int | None = None
    """Parley's: the order in which the model reads the thread; `None` while the message waits for its run."""
    files: Sequence[File] = ()
    """Parley's: what the model gets of the attachments."""
    blocks: Sequence[JSON] | None = None
    """The content as a program brought it, where it is more than one text."""

    @property
    def content(self) -> list[dict[str, Any]]:
        """The API's content blocks."""
        if self.blocks is not None:
            return [dict(block) for block in self.blocks]
        return [{"type": "text", "text": {"value": self.text, "annotations": []}}]

    @property
    def incomplete_details(self) -> dict[str, str] | None:
        return {"reason": self.incomplete_reason} if self.incomplete_reason else None


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that a tool made for the person: it is handed over with the answer."""

    id: str
    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function call of a `tool_calls` step, and its output once that is known."""

    id: str
    name: str
    arguments: str
    outside: bool = False
    """Parley's: waits for someone outside (a person, an API client) rather than for a tool of ours."""
    asks: Asks | None = None
    """Parley's: what it waits for where that is a person; known while it waits (`Run.required_calls`)."""
    answers: Sequence[str] = ()
    """Parley's: what the person has answered so far, in the order of the questions; likewise."""
    output: str | None = None
    failed: bool = False
    """Parley's: the output tells the model of an error."""
    shown: Sequence[ShownFile] = ()
    """Parley's: what the person gets of it beside the answer; known to the run that made it until it is delivered."""
    started_at: float | None = None
    completed_at: float | None = None


@dataclass(frozen=True, slots=True)
class LastError:
    code: ErrorCode
    message: str
    """A sentence for the person who asked, which says what to do."""


@dataclass(frozen=True, slots=True)
class RunStep:
    """A `tool_calls` or a `message_creation` step.

    How a `tool_calls` step ended follows from its calls, unless the run broke it off (`ended`).
    """

    id: str
    run_id: str
    thread_id: str
    assistant_id: str
    created_at: float
    type: Literal["tool_calls", "message_creation"]
    calls: Sequence[ToolCall] = ()
    message_id: str | None = None
    ended: tuple[StepStatus, float] | None = None
    usage: Usage | None = None
    last_error: LastError | None = None
    items: Sequence[JSON] = ()
    """Parley's: the model's own output items of this turn, passed back to it within the run …"""
    provider: str = ""
    """… by the model that wrote them."""
    metadata: JSON = field(default_factory=dict)

    @property
    def status(self) -> StepStatus:
        if self.ended:
            return self.ended[0]
        answered = bool(self.calls) and all(call.output is not None for call in self.calls)
        return "completed" if answered else "in_progress"

    @property
    def completed_at(self) -> float | None:
        if self.ended is None and self.status == "completed":
            return max(call.completed_at or self.created_at for call in self.calls)
        return self._ended_at("completed")

    @property
    def cancelled_at(self) -> float | None:
        return self._ended_at("cancelled")

    @property
    def failed_at(self) -> float | None:
        return self._ended_at("failed")

    @property
    def expired_at(self) -> float | None:
        return self._ended_at("expired")

    @property
    def step_details(self) -> dict[str, Any]:
        """The API's form of what the step did."""
        if self.type == "message_creation":
            return {"type": self.type, "message_creation": {"message_id": self.message_id}}
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments, "output": call.output},
            }
            for call in self.calls
        ]
        return {"type": self.type, "tool_calls": calls}

    def _ended_at(self, status: StepStatus) -> float | None:
        return self.ended[1] if self.ended and self.ended[0] == status else None


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    thread_id: str
    assistant_id: str
    status: RunStatus
    created_at: float
    expires_at: float | None
    model: str
    instructions: str = ""
    tools: Sequence[JSON] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    response_format: str | JSON | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: JSON = field(default_factory=lambda: {"type": "auto"})
    required_calls: Sequence[ToolCall] = ()
    """Parley's form of `required_action`."""
    last_error: LastError | None = None
    incomplete_reason: IncompleteReason | None = None
    usage: Usage | None = None
    metadata: JSON = field(default_factory=dict)
    transitions: Sequence[tuple[RunStatus, float]] = ()
    """Parley's: each status the run has had, with the time it was entered, oldest first."""

    @property
    def is_terminal(self) -> bool:
        return self.status in ("completed", "failed", "cancelled", "incomplete", "expired")

    @property
    def required_action(self) -> dict[str, Any] | None:
        """Every call of the turn that waits for someone outside, in the API's form."""
        if not self.required_calls:
            return None
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self.required_calls
        ]
        return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}

    @property
    def incomplete_details(self) -> dict[str, str] | None:
        return {"reason": self.incomplete_reason} if self.incomplete_reason else None

    @property
    def started_at(self) -> float | None:
        return self.entered("in_progress")

    @property
    def completed_at(self) -> float | None:
        return self.entered("completed")

    @property
    def failed_at(self) -> float | None:
        return self.entered("failed")

    @property
    def cancelled_at(self) -> float | None:
        return self.entered("cancelled")

    @property
    def ended_at(self) -> float | None:
        """Parley's: when the run became terminal, however it ended."""
        return self.transitions[-1][1] if self.is_terminal else None

    def entered(self, status: RunStatus) -> float | None:
        """When the run first came into `status`."""
        return next((at for was, at in self.transitions if was == status), None)


def function_name(tool: JSON) -> str:
    """What the model calls a tool: a function's own name, or the type of a built-in one (`{"type": "file_search"}`)."""
    return str(tool["function"]["name"] if tool["type"] == "function" else tool["type"])
