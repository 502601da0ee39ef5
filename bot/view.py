"""View: what a person should see of a reply now. A state, not a conversation of verbs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.assistants.types import ShownFile, Terminal
from bot.buttons import Button

LONGEST_NAME = 64
"""Characters of a function's name: https://platform.openai.com/docs/api-reference/responses/create (tools)."""

# C0 and C1 controls but for tab and newline, line and paragraph separators, and what turns the direction of text.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

_LINKED = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)
QUIET = "\u200b"
"""Nothing to be seen: it keeps apart what would mean something together."""

LineState = Literal["running", "done", "failed"]
MARKS = {"running": "⏳", "done": "✅", "failed": "❌"}


def printable(text: str) -> str:
    """What people and models wrote, without the control characters that a terminal would obey."""
    return _OBEYED.sub("�", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same in one line, with single blanks."""
    return " ".join(printable(text).split())


def unlinked(text: str) -> str:
    """The same without what platforms take for an address, and make a link of."""
    return _LINKED.sub(QUIET, text)


@dataclass(frozen=True, slots=True)
class StatusLine:
    """A tool at work: the tool's own name, never its arguments. Or a file that is being read."""

    call_id: str
    tool: str
    state: LineState = "running"
    share: float | None = None
    """How much of the file called `tool` was read (0 to 1), where the line tells of that."""

    def __str__(self) -> str:
        if self.share is not None:
            return f"reading {one_line(self.tool)[:LONGEST_NAME]} ({self.share:.0%})…"
        return f"calling {one_line(self.tool)[:LONGEST_NAME]}…"

    @property
    def marked(self) -> str:
        """The line with a sign of its state, for a platform that has no cards for tools."""
        return f"{MARKS[self.state]} {self}"


@dataclass(frozen=True, slots=True)
class Option:
    """One of the ways to react to an `Ask`. `label` is plain text of any length; a platform cuts what is too long."""

    label: str
    button: Button


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that people are asked, below the text. `text` is Markdown and tells it whole.

    A `choice` has as many options as there are answers; a `word` has one, whose press opens a form
    (`bot.ports.Form`); an `approval` has two, to approve and to deny.
    """

    kind: Literal["choice", "word", "approval"]
    text: str
    options: Sequence[Option]


@dataclass(frozen=True, slots=True)
class View:
    """`outcome` is set in the last view of a reply, and only there.

    The status lines are empty then: in the end there is the answer (`text`, what there is of it) and, where the
    run did not complete, one sentence that says how it ended (`notice`). `remarks` are what the person should know
    beside that: a file that was not read. An outcome with nothing at all to show (`whole` is empty) means that
    nothing of the reply is to stay.
    """

    status_lines: Sequence[StatusLine] = ()
    text: str = ""
    outcome: Terminal | None = None
    notice: str = ""
    remarks: Sequence[str] = ()
    buttons: Sequence[Button] = ()
    """What may be pressed now: `stop` while it goes on, `feedback` and `why` under an answer."""
    asks: Sequence[Ask] = ()
    """What the run waits for people to say, perhaps while other calls are still at work. Then nothing goes on until
    they do, so this state has to be shown as surely as the last one."""
    files: Sequence[ShownFile] = ()
    """What tools have made for the person. In the last view only, and shown below everything else, in this order."""
    rests: bool = field(default=False, compare=False)
    """No other view comes until somebody outside does something: this one is tried to the end, and then given up."""

    @property
    def whole(self) -> str:
        """Text, notice and remarks, as the person reads them in the end."""
        return "\n\n".join(part for part in (self.text, self.notice, "\n".join(self.remarks)) if part)
