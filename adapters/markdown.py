"""Conversion: the model's Markdown on its way to a platform's own. How far it is converted, what is open while the text
grows, and what every platform's conversion has to know of Markdown."""

import html
import re
from collections.abc import Callable, Mapping
from html.entities import html5

from adapters.text import BLANK, Fence

QUIET = "\u200b"
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});", re.ASCII)
ENTITY_BEGUN = re.compile(r"&#?\w{0,32}\Z", re.ASCII)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85]")
TICKS = re.compile(r"\n[ \t]*+(?:[\n\-*+>#|~=\d]|`{3})|`++")
RUN = re.compile("`+")
BREAK = re.compile(r"<br[ \t]{0,3}/?>", re.IGNORECASE)
BREAK_BEGUN = re.compile(r"<b(?:r[ \t]{0,3}/?)?\Z", re.IGNORECASE)
INDENTED = re.compile(r"(?: {4}| {0,3}\t)[ \t]*+\S")
LISTED = re.compile(r"[ \t]*+(?:[-*+]|\d{1,9}[.)])(?:\s|\Z)")
TARGET = re.compile(
    r"\([ \t]*+(?:<(?P<braced>[^<>\n]*+)>|(?P<bare>(?!<)(?:[^()\s\\<>]|\\.|\((?:[^()\s\\<>]|\\.)*+\))*+))"
    r"(?P<title>[ \t]++(?:\"[^\"<>\n]*+\"|'[^'<>\n]*+'))?[ \t]*+\)"
)
URL_SAFE = ":/?#[]@!$&'*+,;=%~"


class Conversion:
    """How far a text is converted, less its control characters: lines end with a line feed alone. A method that cannot
    decide yet returns false and leaves everything as it is.
    """

    plain: re.Pattern[str]
    """What is shown as it stands, up to the next character that may be a mark."""
    markers: Mapping[str, Callable[[], bool]]
    """Who converts what begins with which mark."""

    def __init__(self, text: str, *, final: bool) -> None:
        self.text, self.final = CONTROLS.sub("", text), final
        self.at = 0
        self.out: list[str] = []
        self.fence: Fence | None = None
        self.list = self.code = False
        """Whether the line before was within a list, or code by its indentation."""

    def line(self, line: str, done: bool) -> bool:
        """Convert the beginning of a line, or all of it; `done` says whether all of it is known."""
        raise NotImplementedError

    def converted(self) -> str:
        while self.at < len(self.text) and self._step():
            pass
        return "".join(self.out)

    def _step(self) -> bool:
        if self.at and self.text[self.at - 1] != "\n":
            return self.inline()
        end = self.text.find("\n", self.at) + 1
        return self.line(self.text[self.at : end or len(self.text)], end > 0 or self.final)

    def emit(self, shown: str, length: int) -> bool:
        self.out.append(shown)
        self.at += length
        return True

    def next(self, offset: int = 1) -> str:
        """The character so far ahead; "" behind the end."""
        return self.text[self.at + offset : self.at + offset + 1]

    def open(self, at: int) -> bool:
        """Whether what stands there is not known yet."""
        return not self.final and at >= len(self.text)

    def inline(self) -> bool:
        found = self.plain.match(self.text, self.at)
        return self.emit(found[0], len(found[0])) if found else self.markers[self.text[self.at]]()

    def look(self, line: str) -> None:
        """See whether a line outside of fences is code, and whether it is within a list."""
        if not line.strip(BLANK):
            self.code = False
            return
        blank = not self.text[self.text.rfind("\n", 0, max(0, self.at - 1)) + 1 : self.at].strip(BLANK)
        self.code = not self.list and (blank or self.code) and INDENTED.match(line) is not None
        if not self.code:
            self.list = LISTED.match(line) is not None or (self.list and (not blank or line[0] in " \t"))

    def span(self) -> str:
        """The code that begins with a backtick here, or the backticks alone if none does; "" if that is not certain."""
        begin = past(RUN, self.text, self.at)
        run = self.text[self.at : begin]
        if self.open(begin):
            return ""
        for found in TICKS.finditer(self.text, begin):
            if found[0][0] == "\n":
                return run
            if self.open(found.end()):
                return ""
            if len(found[0]) == len(run):
                return self.text[self.at : found.end()]
        return run if self.final else ""


def past(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    """Where what a pattern matches at `at` is over; `at` if it matches nothing."""
    found = pattern.match(text, at)
    return found.end() if found else at


def character(entity: str) -> str:
    """What an entity stands for; "" where that is nothing, or nothing to be seen."""
    known = entity[1] == "#" or entity[1:] in html5
    shown = html.unescape(entity) if known else ""
    return "" if shown.isascii() and not shown.isprintable() else shown
