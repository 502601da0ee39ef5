"""View: what a person should see of a reply now. A state, not a conversation of verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.assistants.types import Terminal

LineState = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class StatusLine:
    """A tool at work: the tool's own name, never its arguments."""

    call_id: str
    tool: str
    state: LineState = "running"

    def __str__(self) -> str:
        return f"calling {self.tool}…"


@dataclass(frozen=True, slots=True)
class View:
    """`outcome` is set in the last view of a reply, and only there.

    The status lines are empty then: in the end there is the answer (`text`, what there is of it) and, where the
    run did not complete, one sentence that says how it ended (`notice`).
    """

    status_lines: Sequence[StatusLine] = ()
    text: str = ""
    outcome: Terminal | None = None
    notice: str = ""

    @property
    def whole(self) -> str:
        """Text and notice, as the person reads them in the end."""
        return "\n\n".join(part for part in (self.text, self.notice) if part)
