"""What a tool may know while it runs, and ask for. Reached through `context()`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

import httpx2

from tools.sandbox import Sandbox
from tools.searching import Search


class ToolContext(Protocol):
    @property
    def call_id(self) -> str:
        """The call's id, the same when a call is repeated after a crash: an idempotency key for effects outside."""
        ...

    @property
    def run_id(self) -> str:
        """The run that the call belongs to: what lasts from call to call is kept under it."""
        ...

    @property
    def http(self) -> httpx2.AsyncClient:
        """One client for all tools, closed at shutdown. Time-outs are the registry's."""
        ...

    @property
    def sandbox(self) -> Sandbox:
        """One for all tools, closed at shutdown."""
        ...

    def setting(self, name: str, default: str) -> str:
        """A setting of the operator, from the environment or `.env`; `default` where it is unset or empty."""
        ...

    def now(self) -> float:
        """Unix seconds."""
        ...

    @property
    def search(self) -> Search | None:
        """Searches the files that the run may see; None where there is nothing that could."""
        ...

    async def show(self, name: str, mime: str, content: bytes, /) -> None:
        """Gives the person a file with the answer. Raises `ToolError` where it cannot."""
        ...


current: ContextVar[ToolContext] = ContextVar("tool context")


def context() -> ToolContext:
    """The context of the call that is running. Raises `LookupError` outside of one."""
    return current.get()
