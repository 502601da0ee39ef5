"""What a tool may know while it runs, and ask for. Reached through `context()`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

import httpx2


class ToolContext(Protocol):
    @property
    def call_id(self) -> str:
        """The call's id, the same when a call is repeated after a crash: an idempotency key for effects outside."""
        ...

    @property
    def http(self) -> httpx2.AsyncClient:
        """One client for all tools, closed at shutdown. Time-outs are the registry's."""
        ...

    def setting(self, name: str, default: str) -> str:
        """A setting of the operator, from the environment or `.env`; `default` where it is unset or empty."""
        ...

    def now(self) -> float:
        """Unix seconds."""
        ...


current: ContextVar[ToolContext] = ContextVar("tool context")


def context() -> ToolContext:
    """The context of the call that is running. Raises `LookupError` outside of one."""
    return current.get()
