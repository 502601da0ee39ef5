"""What goes wrong when a test says so: errors, dropped connections, lost answers, gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulators.openai.script import Gate


@dataclass(slots=True)
class Fault:
    """`after`: the call takes effect first. `drop`: the connection breaks instead of an answer. `banned`: a 429 as it
    comes from the network in front of Discord, a page without a `Via` header.
    """

    status: int
    retry_after: float
    times: int
    after: bool
    drop: bool
    banned: bool = False
    gate: Gate | None = None


class Faults:
    """Planned faults by route, each for its next calls. "*" means any route."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self._planned: dict[str, list[Fault]] = {}

    def fails(
        self,
        route: str,
        *,
        status: int | None = None,
        retry_after: float = 0.05,
        times: int = 1,
        after: bool = False,
        drop: bool = False,
        banned: bool = False,
    ) -> None:
        """The next `times` calls of a route ("POST /channels/{channel_id}/messages", or "*") fail.

        `status`: 503 unless given; 429 comes with `retry_after`, in seconds. `after`: the call takes effect before;
        without a status the connection breaks then. `drop`: it breaks before anything happens. Raises `LookupError`
        for a route that is not served.
        """
        lost = drop or (after and status is None)
        code = 429 if banned else status or 503
        self._plan(route, Fault(code, retry_after, times, after, lost, banned))

    def holds(self, route: str, *, times: int = 1, after: bool = False) -> Gate:
        """The next calls wait at the returned gate, before they take effect or (`after`) before they are answered."""
        gate = Gate()
        self._plan(route, Fault(200, 0, times, after, drop=False, gate=gate))
        return gate

    def clear(self) -> None:
        """None of the planned faults comes."""
        self._planned.clear()

    def take(self, route: str) -> Fault | None:
        """The fault that this call has, which is then used up."""
        for name in (route, "*"):
            if planned := self._planned.get(name):
                fault = planned[0]
                fault.times -= 1
                if fault.times <= 0:
                    planned.pop(0)
                return fault
        return None

    def _plan(self, route: str, fault: Fault) -> None:
        if route != "*" and not self._known(route):
            raise LookupError(f"no route {route}")
        self._planned.setdefault(route, []).append(fault)
