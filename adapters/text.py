"""Splitting: a Markdown text that is still being written, as the messages of a platform with a size limit. Each message
is whole by itself: a code fence that is open at a cut is closed and reopened, a table's head is repeated. A cut is made
only where the text that is known already decides it, so that what was shown never has to be taken back."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

SOFT = 0.70  # of the limit: from here on the next paragraph, heading, table or fence begins a new part
LINE = 0.80  # … any line outside code and tables, and a line of code behind a blank one
HARD = 0.88  # … any line at all; of an unfinished line nothing behind this is shown
OPENING = re.compile(
    r"(?P<lead>[ \t]*+(?:(?:[-*+>]|\d{1,9}[.)])[ \t]++|>)*+)(?P<run>`{3,}+(?=[^`]*+\Z)|~{3,}+)(?P<info>.*)"
)
MARKED_CODE = re.compile(r"(?:[ \t]*+> ?+)*+(?: {4}| {0,3}\t)[ \t]*+~")
"""Code by its indentation that begins like a fence: Python marks so where an error came from."""
FENCE = re.compile(r"[ \t]{0,4}(?:```|~~~)")
BLANK = " \t\n"
AHEAD = 8  # characters behind a cut that have to be known, so that none falls before what would open a fence
CLOSING = re.compile(r"([ \t>]*+)(`++|~++)\Z")
DELIMITER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?\Z")
SENTENCE = re.compile(r"[.!?…][\"'”’)\]*_]*\s+|[。！？]")
SPACE = re.compile(r"\s+")
ENTITY = re.compile(r"&#?\w{1,31};")


@dataclass(frozen=True, slots=True)
class Part:
    """One message: `text` stands for `source[start:end]`, less blank lines at the start and blanks past the limit."""

    start: int  # where in the source it begins
    end: int  # where the next part begins; len(source) for the last
    text: str  # what the message shows now; "" while nothing of it is certain
    closing: str  # to be appended when the part is closed for good; "" where nothing is open
    closed: bool  # another part follows

    def whole(self) -> str:
        return self.text + self.closing


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code fence: what opens it again and what closes it."""

    lead: str  # indentation and quote marks before it
    run: str
    info: str

    def ends_before(self, line: str) -> bool:
        """Whether the quote around this fence is over with `line`."""
        return ">" in self.lead and not line.lstrip(BLANK).startswith(">")

    def closed_by(self, line: str) -> bool:
        found = CLOSING.match(line.rstrip(BLANK))
        if not found or (">" in found[1]) != (">" in self.lead):
            return False
        return found[2].startswith(self.run) and len(found[1]) <= len(self.lead) + 3

    def perhaps_closed_by(self, beginning: str) -> bool:
        return not beginning.strip(" \t>" + self.run[0])


def opened_by(line: str) -> Fence | None:
    """The fence that a whole line opens; list markers before it count as indentation. Backticks open one however far
    they are indented, since models write them so in lists, which are not known here.
    """
    found = None if MARKED_CODE.match(line) else OPENING.match(line.rstrip(BLANK))
    return found and Fence(re.sub(r"[^\s>]", " ", found["lead"]), found["run"], found["info"])


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line, or what a given cut leaves of one."""

    start: int
    end: int
    text: str
    fresh: bool  # at the beginning of a line
    done: bool  # nothing will be added to it

    def after(self, cut: int) -> "_Piece":
        return _Piece(cut, self.end, self.text[cut - self.start :], fresh=False, done=self.done)


def split(
    source: str, limit: int, *, cuts: Sequence[int] = (), final: bool, size: Callable[[str], int] = len
) -> list[Part]:
    """`source` as parts whose `whole()` is at most `limit` (200 or more) by `size`, of which the size of a text must be
    at most the sum over its pieces. With `final=False` the source may grow: closed parts then stay as they are, and the
    last one's text only grows. `cuts` are offsets at which parts were closed early. A table is recognised by lines that
    begin with `|`, or by any delimiter row near the beginning of a part. At least one part; time linear in the source.
    """
    splitter = _Splitter(source, limit, size, list(_pieces(source, cuts, final)), {*cuts}, final=final)
    splitter.run()
    return splitter.parts


def with_below(text: str, below: str, limit: int, *, cuts: Sequence[int] = ()) -> str:
    """A final text with something below it, outside of any code that was broken off in it."""
    if not (text.strip() and below.strip()):
        return text or below
    return f"{text}{split(text, limit, cuts=cuts, final=True)[-1].closing}\n\n{below}"


def _pieces(source: str, cuts: Sequence[int], final: bool) -> Iterator[_Piece]:
    ends = [found.end() for found in re.finditer("\n", source)]
    lines = {0, *ends}
    for start, end in pairwise(sorted(lines | {len(source)} | {cut for cut in cuts if 0 < cut < len(source)})):
        done = final or end in lines or end < len(source) or end in cuts
        yield _Piece(start, end, source[start:end], start in lines, done)


def _unbroken(source: str, low: int, high: int) -> int:
    """The last offset in (low, high] that divides no character as people see it, no entity, no escape; else `high`."""
    for offset in range(high, max(low, high - 100), -1):
        around = ENTITY.finditer(source, max(0, offset - 33), offset + 33)
        if not _divides(source, offset) and not any(found.start() < offset < found.end() for found in around):
            return offset
    return high


def _divides(source: str, offset: int) -> bool:
    if not 0 < offset < len(source):
        return False
    before, after = source[offset - 1], source[offset]
    if before in "\\\u200d" or after in "\u200b\u200d\ufe0e\ufe0f" or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or (before, after) == ("\r", "\n"):
        return True
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return True
    flags = re.search("[\U0001f1e6-\U0001f1ff]*\\Z", source[max(0, offset - 64) : offset])
    return "\U0001f1e6" <= after <= "\U0001f1ff" and flags is not None and len(flags[0]) % 2 == 1


def _place(source: str, low: int, high: int, *, prose: bool) -> int:
    """Where in [low, high] to divide a line: behind the last sentence, else word, else character."""
    for boundary in (SENTENCE, SPACE) if prose else (SPACE,):
        found = [found.end() for found in boundary.finditer(source, max(0, low - 4), high) if found.end() >= low]
        if ends := [end for end in found if not FENCE.match(source, end)]:
            return ends[-1]
    place = max(low, _unbroken(source, low, high))
    while place > low and FENCE.match(source, place):  # it would open a fence at the beginning of a message
        place -= 1
    return place


class _Splitter:
    """The part that is being filled, and those that are closed."""

    def __init__(
        self, source: str, limit: int, size: Callable[[str], int], pieces: list[_Piece], cuts: set[int], *, final: bool
    ) -> None:
        self.source, self.limit, self.size, self.final = source, limit, size, final
        self.pieces, self.cuts = pieces, cuts
        self.parts: list[Part] = []
        self.fence: Fence | None = None
        self.table = ""  # head and delimiter row of the table that we are in
        self.delimiter = False  # the next line is the delimiter row
        self._begin(0)

    def run(self) -> None:
        for index, piece in enumerate(self.pieces):
            if not self._take(piece, index):
                break
            if piece.end in self.cuts:
                self._close(piece.end)
        self.parts.append(Part(self.start, len(self.source), self._text(), self._closing(), closed=False))

    def _begin(self, start: int) -> None:
        self.start = self.shown_from = self.shown = start
        self.head = f"{self.fence.lead}{self.fence.run}{self.fence.info}\n" if self.fence else self.table
        self.used = self.size(self.head)
        self.filled = False  # something but blanks is in it
        self.behind_blank = self.behind_heading = False

    def _close(self, end: int) -> None:
        self.parts.append(Part(self.start, end, self._text(), self._closing(), closed=True))
        self._begin(end)

    def _text(self) -> str:
        return self.head + self.source[self.shown_from : self.shown] if self.shown > self.shown_from else ""

    def _closing(self) -> str:
        if not self.fence or self.shown == self.shown_from:
            return ""
        return ("" if self.source[self.shown - 1] == "\n" else "\n") + self.fence.lead + self.fence.run

    def _past(self, mark: float) -> bool:
        return self.used >= mark * self.limit

    def _take(self, piece: _Piece, index: int) -> bool:
        """Puts a line into the part; false if that line, or what to do with it, is not certain yet."""
        body = piece.text.rstrip()
        if not body:
            return piece.done and self._take_blank(piece)
        if piece.fresh:
            if self.fence and self.fence.ends_before(body):
                self.fence = None
            if self.table and "|" not in body:
                if not piece.done:
                    return False
                self._leave_table()
            wanted = self._wants_cut(piece, body)
            if wanted:
                self._close(piece.start)
            if wanted is None or not self._enter_table(piece, body, index):
                return False
        return self._fit(piece, body)

    def _take_blank(self, piece: _Piece) -> bool:
        if self.fence and self.fence.ends_before(piece.text):
            self.fence = None
        self._leave_table()
        if self.filled or self.fence:
            self._add(piece, 0)
            self.behind_blank = True
        else:
            self.shown_from = self.shown = piece.end
        return True

    def _leave_table(self) -> None:
        if self.table and not self.filled:
            self.head, self.used = "", 0
        self.table = ""

    def _wants_cut(self, piece: _Piece, body: str) -> bool | None:
        """Whether the part ends before this line; None if that is not certain yet."""
        if self.delimiter or not self.filled:
            self.delimiter = False
            return False
        if self.fence:
            if self.fence.perhaps_closed_by(body) and not piece.done:
                return None
            return not self.fence.closed_by(body) and self._past(LINE if self.behind_blank else HARD)
        if self.table or self.behind_heading:
            return self._past(HARD)
        line = body.lstrip()
        if not piece.done and self._past(SOFT) and line in ("`", "``", "~", "~~"):
            return None
        paragraph = self.behind_blank and line[0] == body[0]
        return self._past(SOFT if paragraph or line.startswith(("|", "#", "```", "~~~")) else LINE)

    def _enter_table(self, piece: _Piece, body: str, index: int) -> bool:
        """Sees whether a table begins with this line; false if that is not certain and matters."""
        if self.fence or self.table or "|" not in body or piece.end in self.cuts:
            return True
        barred = body.lstrip().startswith("|")
        if index + 1 == len(self.pieces):
            return self.final or not barred
        after = self.pieces[index + 1]
        if not after.done:
            return not barred or after.text.strip(" \t|:-\r") != ""
        head, row = piece.text + after.text, after.text.rstrip()
        whole = after.text.endswith("\n") or after.end == len(self.source)
        if whole and "|" in row and DELIMITER.match(row) and self.size(head) * 3 <= self.limit:
            fits = self.used + self.size(head) <= self.limit * (1 if barred else SOFT)
            if barred and not fits:
                self._close(piece.start)
            if barred or fits:
                self.table, self.delimiter = head, True
        return True

    def _fence_behind(self, piece: _Piece, body: str) -> Fence | None:
        if self.table or not piece.fresh:
            return self.fence
        if self.fence:
            return None if self.fence.closed_by(body) else self.fence
        return opened_by(body) if len(body) * 8 <= self.limit else None

    def _fit(self, piece: _Piece, body: str) -> bool:
        while True:
            fence = self._fence_behind(piece, body)
            reserve = self.size(f"\n{fence.lead}{fence.run}") if fence else 0
            if self.used + self.size(body) + reserve <= self.limit:
                break
            if self.filled and (self.table or (self.fence and self._past(SOFT))):
                self._close(piece.start)
            elif not piece.done and self.used + self.size(body[:-AHEAD]) + reserve <= self.limit:
                break
            else:
                piece = self._divide(piece, body, reserve)
                body = piece.text.rstrip()
        if piece.done:
            prose = piece.fresh and not self.fence and not self.table
            self.fence = fence
            self._add(piece, len(body))
            self.behind_heading = prose and body.lstrip().startswith("#")
        elif not self.table and not (self.fence and self._past(SOFT)):
            self.shown = self._reach(piece, self._sure(reserve))
            self.fence = fence
        return piece.done

    def _add(self, piece: _Piece, body: int) -> None:
        """Shows a piece whose first `body` characters fit, and the blanks behind those if they fit too."""
        closing = f"{self.fence.lead}{self.fence.run}" if self.fence else ""
        if closing and not piece.text.endswith("\n"):
            closing = "\n" + closing
        used = self.used + self.size(piece.text)
        if used + self.size(closing) <= self.limit:
            self.used, self.shown = used, piece.end
        else:
            self.used, self.shown = self.limit, piece.start + body if body else self.shown
        self.filled, self.behind_blank = True, False

    def _sure(self, reserve: int) -> float:
        """How much of an unfinished line may be shown: a cut in it comes no sooner."""
        return min(self.limit * HARD, self.limit - reserve) - self.used

    def _reach(self, piece: _Piece, room: float) -> int:
        """The last offset in the piece up to which it is no larger than `room`."""
        start, end = piece.start, min(piece.end, piece.start + max(0, int(room)))
        if self.size is len:
            return end
        sizes = range(start, end + 1)
        return start + bisect_right(sizes, room, key=lambda offset: self.size(self.source[start:offset])) - 1

    def _divide(self, piece: _Piece, body: str, reserve: int) -> _Piece:
        """Closes the part within a line that is too long for it; what is left of the line."""
        high = self._reach(piece, self.limit - reserve - self.used)
        low = min(max(self._reach(piece, self._sure(reserve)), piece.start + 1), high)
        prose = not (self.fence or self.table)
        self.shown = cut = _place(self.source, low, high, prose=prose)
        while prose and self.source[cut].isspace():
            cut += 1
        self._close(cut)
        return piece.after(cut)
