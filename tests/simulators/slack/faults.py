"""What goes wrong when a test says so: errors, dropped connections, slow answers, methods that are not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.simulators.openai.script import Gate

STREAMING = ("chat.startStream", "chat.appendStream", "chat.stopStream")
SESSIONS = ("agents.sessions.setStatus", "agents.sessions.rename")


@dataclass(slots=True)
class Fault:
    """`after`: the call takes effect first. `drop`: the connection breaks instead of an answer."""

    error: str
    status: int
    retry_after: int
    times: int
    after: bool
    drop: bool
    gate: Gate | None = None


class Faults:
    """Planned faults by method, each for its next calls. "*" means any method."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self._planned: dict[str, list[Fault]] = {}

    def fails(
        self,
        method: str,
        error: str | None = None,
        *,
        status: int | None = None,
        retry_after: int = 1,
        times: int = 1,
        after: bool = False,
        drop: bool = False,
    ) -> None:
        """The next `times` calls of a method fail.

        `error` is "ratelimited" (429), "internal_error" for a status of 500 or more; others come with status 200, as
        Slack's do. `after`: the call takes effect, and the connection breaks before the answer. `drop`: the connection
        breaks before anything happens.
        """
        name = error or ("internal_error" if status and status >= 500 else "ratelimited")
        code = status or (429 if name == "ratelimited" else 200)
        self._plan(method, Fault(name, code, retry_after, times, after, drop or after))

    def holds(self, method: str, *, times: int = 1, after: bool = False) -> Gate:
        """The next calls wait at the returned gate, before they take effect or (`after`) before they are answered."""
        gate = Gate()
        self._plan(method, Fault("", 200, 0, times, after, drop=False, gate=gate))
        return gate

    def offers(self, *, streaming: bool = True, sessions: bool = True) -> None:
        """Whether this workspace has chat.*Stream and agents.sessions.*; without, they are unknown_method."""
        self._offer(STREAMING, streaming)
        self._offer(SESSIONS, sessions)

    def clear(self) -> None:
        """None of the planned faults comes."""
        self._planned.clear()

    def take(self, method: str) -> Fault | None:
        """The fault that this call has, which is then used up."""
        for name in (method, "*"):
            if planned := self._planned.get(name):
                fault = planned[0]
                fault.times -= 1
                if fault.times <= 0:
                    planned.pop(0)
                return fault
        return None

    def _plan(self, method: str, fault: Fault) -> None:
        self._planned.setdefault(method, []).append(fault)

    def _offer(self, methods: Iterable[str], offered: bool) -> None:
        self.missing = self.missing - set(methods) if offered else self.missing | set(methods)
