"""What a test reads back of the simulated Slack: plain values, and the refusal that a method raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

JSON = dict[str, Any]


class Refusal(Exception):
    """An answer with `"ok": false`: Slack's error code, the HTTP status, and what the body says besides.

    `retry_after`: seconds for the header of that name; `detail` goes into `response_metadata.messages`.
    """

    def __init__(
        self, error: str, detail: str = "", *, status: int = 200, retry_after: int | None = None, **body: Any
    ) -> None:
        super().__init__(error)
        self.error, self.detail, self.status, self.retry_after = error, detail, status, retry_after
        self.body: JSON = {"ok": False, "error": error, **body}
        if detail:
            self.body["response_metadata"] = {"messages": [f"[ERROR] {detail}"]}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API. `at`: seconds of the workspace's clock; `error` is empty where `ok`."""

    method: str
    arguments: JSON
    at: float
    ok: bool
    error: str = ""


class Status(NamedTuple):
    """A text that assistant.threads.setStatus showed in a thread; empty where it was cleared."""

    channel: str
    thread_ts: str
    text: str
    loading_messages: tuple[str, ...] = ()


class Ephemeral(NamedTuple):
    """A message that only one person sees."""

    user: str
    channel: str
    thread_ts: str | None
    text: str


@dataclass(slots=True)
class Session:
    """An agent session of a thread. `history`: every status that was set, oldest first."""

    status: str
    title: str = ""
    initiator: str = ""
    history: list[str] = field(default_factory=list)
