"""Citations: what stands in an answer as the mark of a passage is shown as a number, and below the answer what it is.

`file_search` gives each passage a mark, and the model puts it behind what it takes from there. People read
“… within 30 days [1]” and, at the end, “Sources: [1] travel.pdf, page 3”. A mark that no search of the run, nor of the
thread before it, has given says nothing to anybody and is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.assistants.types import ToolCall
from bot.view import QUIET, one_line, unlinked

TOOL = "file_search"
_MARK = re.compile(r"(?<![ \t])[ \t]*+【(\d{1,12})】(?=([(\[:]?))")
_BEGUN = re.compile(r"(?<![ \t])[ \t]*+(?:【\d{0,12}】?)?\Z")
"""What may become a mark as the text grows, or is one and what follows it is not known."""
_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a passage stands. `document` tells files of one name apart."""

    document: str
    file: str
    place: str

    def __str__(self) -> str:
        """As Markdown."""
        said = f"{one_line(self.file)}, {one_line(self.place)}" if self.place else one_line(self.file)
        return _SIGNS.sub(r"\\\1", unlinked(said))


def mark(number: int) -> str:
    return f"【{number}】"


def sources(call: ToolCall) -> Mapping[int, Source]:
    """The passages that a call has found, by the number in their mark."""
    if call.name != TOOL or call.failed or call.output is None:
        return {}
    try:
        passages = json.loads(call.output)["passages"]
        return {
            int(found[1]): Source(str(one["document"]), str(one["file"]), str(one["place"]))
            for one in passages
            if (found := _MARK.fullmatch(one["mark"]))
        }
    except (ValueError, LookupError, TypeError):  # of another version
        return {}


def cited(text: str, known: Mapping[int, Source], *, final: bool) -> str:
    """An answer as people read it. On the way an answer that grows keeps what was shown of it."""
    numbers: dict[Source, int] = {}

    def number(found: re.Match[str]) -> str:
        source = known.get(int(found[1]))
        if source is None:
            return ""
        link = QUIET if found[2] else ""  # it would be one together with what follows
        return f" [{numbers.setdefault(source, len(numbers) + 1)}]{link}"

    if not final:
        text = _BEGUN.sub("", text)
    shown = _MARK.sub(number, text)
    if not (final and numbers):
        return shown
    listed = " · ".join(f"[{number}] {source}" for source, number in numbers.items())
    return f"{shown.rstrip()}\n\nSources: {listed}"
