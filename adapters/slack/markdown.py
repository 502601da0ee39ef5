"""The model's Markdown as Slack's own Markdown takes it, with nothing in it that notifies anyone, and as a plain line
for notifications and titles.

Documented: the Markdown of `markdown_text` and `markdown` blocks has headings, nested lists, tables, task lists and
rules, and shows images as links (docs.slack.dev/reference/block-kit/blocks/markdown-block); in mrkdwn it is
`<!channel>`, `<@U…>`, `<#C…>` and their like that notify or link, `&lt;`, `&gt;` and `&amp;` are the only entities that
are decoded, and a bare `@here` is resolved only where `link_names` or `parse` ask for it, which we never do
(docs.slack.dev/messaging/formatting-message-text). Inferred: Slack's Markdown resolves the same tokens (libraries use
it to mention people), decodes those entities outside code and shows code as it stands, as any Markdown does. Where the
inference could fail and notify, a zero-width space breaks the token as well, in code too; other code stays exact."""

import html
import re
from collections.abc import Callable
from html.entities import html5
from string import punctuation
from urllib.parse import quote

from adapters.text import DELIMITER, Fence, opened_by

QUIET = "\u200b"
PING = r"(?:!(?i:here|channel|everyone|group|subteam|date)|@[UWBS][A-Z0-9]|#[CGD][A-Z0-9])"
TOKEN = re.compile(rf"<(?={PING})")
TOKEN_BEGUN = re.compile(r"<(?:[!@#][A-Za-z]{0,7})?\Z")
BROADCAST = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)
LINE_MARKS = re.compile(r"[ \t>*+\-\d.)]*+[`~]*+\Z")
PLAIN = re.compile(r"[^\\`<&@!\]\n]+")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});", re.ASCII)
ENTITY_BEGUN = re.compile(r"&#?\w{0,32}\Z", re.ASCII)
TICKS = re.compile(r"\n[ \t]*+(?:[\n\r\-*+>#|~=\d]|`{3})|`++")
AUTOLINK = re.compile(r"<((?:https?://|mailto:|tel:)[^\s<>|]++)(?:\|([^<>\[\]`\n|]++))?>", re.IGNORECASE)
AUTOLINK_BEGUN = re.compile(r"<(?:[^\s<>|]*+|(?:https?://|mailto:|tel:)[^\s<>|]++\|[^<>\n]*+)\Z", re.IGNORECASE)
BREAK = re.compile(r"<br[ \t]{0,3}/?>", re.IGNORECASE)
BREAK_BEGUN = re.compile(r"<b(?:r[ \t]{0,3}/?)?\Z", re.IGNORECASE)
INDENTED = re.compile(r"(?: {4}| {0,3}\t)[ \t]*+\S")
LISTED = re.compile(r"[ \t]*+(?:[-*+]|\d{1,9}[.)])(?:\s|\Z)")
EMAIL = re.compile(r"<([\w.+-]++@[\w-]++(?:\.[\w-]++)++)>", re.ASCII)
TARGET = re.compile(
    r"\([ \t]*+(?:<(?P<braced>[^<>\n]*+)>|(?P<bare>(?!<)(?:[^()\s\\<>]|\\.|\((?:[^()\s\\<>]|\\.)*+\))*+))"
    r"(?P<title>[ \t]++(?:\"[^\"<>\n]*+\"|'[^'<>\n]*+'))?[ \t]*+\)"
)
RUN = re.compile("`+")
ALT = re.compile(r"!\[((?:[^\[\]\\\n`]|\\[^\n])*+)")
SAFE = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
NAME = re.compile(r"[ \t]{0,3}\[([^\[\]\n]*)")
NAMED = re.compile(r":[ \t]*+<?(\S{0,8})")
ADDRESS = re.compile(r"(?:https?://\S*|\w)\Z", re.ASCII)
URL_SAFE = ":/?#[]@!$&'*+,;=%~"
KEPT = {">": "&gt;", "&": "&amp;", "@": "@" + QUIET, '"': '"', "'": "'", "/": "/", ",": ","}

ENTITIES = re.compile("&(?:lt|gt|amp);")
MARKS = [
    (re.compile(pattern, re.MULTILINE), shown)
    for pattern, shown in (
        (r"<[bB][rR][ \t]{0,3}/?>", " "),
        (r"^[ \t>]*(?:`{3,}|~{3,})[^`\n]*$", ""),
        (r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$", ""),
        (r"^[ \t]*\|[ \t]*|[ \t]*\|[ \t]*$", ""),
        (r"^(?:[ \t]*>)+|^[ \t]*#{1,6}[ \t]+", ""),
        (r"!?\[([^\[\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)", r"\1"),
        (r"<(https?://[^\s<>|]+)>", r"\1"),
        (r"`+", ""),
        (r"(?<![\w\\])(\*{1,3}|_{1,3}|~~)(?=\S)([^\n]*?\S)\1(?!\w)", r"\2"),
        (r"\\([!-/:-@\[-`{-~])", r"\1"),
    )
]


def to_slack(text: str, *, final: bool) -> str:
    """The model's Markdown for `markdown_text` and `markdown` blocks. While the text grows (`final=False`) an end that
    more text could turn into something else is held back, so that each result begins with the one before. Linear time.
    """
    writing = _Writing(text, final=final)
    while writing.at < len(text) and writing.step():
        pass
    return "".join(writing.out)


def _code(text: str) -> str:
    return TOKEN.sub("<" + QUIET, text)


def _quiet(text: str) -> str:
    """Plain words from the model, safe to stand in a link's label."""
    return BROADCAST.sub("@" + QUIET, text.replace("<", "&lt;" + QUIET))


class _Writing:
    """How far a text is converted. A method that cannot decide yet returns false and leaves everything as it is."""

    def __init__(self, text: str, *, final: bool) -> None:
        self.text, self.final = text, final
        self.at = 0
        self.out: list[str] = []
        self.fence: Fence | None = None
        self.list = self.code = self.table = False
        """Whether the line before was within a list, code by its indentation, or within a table."""
        self.bar = False
        """Whether this line has a bar, as far as `looked`."""
        self.looked = 0
        self.markers: dict[str, Callable[[], bool]] = {
            "\\": self._backslash,
            "`": self._ticks,
            "<": self._angle,
            "&": self._ampersand,
            "@": self._at_sign,
            "!": self._image,
            "]": self._bracket,
            "\n": lambda: self._emit("\n", 1),
        }

    def step(self) -> bool:
        if self.at == 0 or self.text[self.at - 1] == "\n":
            return self._line()
        return self._inline()

    def _emit(self, shown: str, length: int) -> bool:
        self.out.append(shown)
        self.at += length
        return True

    def _next(self, offset: int = 1) -> str:
        """The character so far ahead; "" behind the end."""
        return self.text[self.at + offset : self.at + offset + 1]

    def _open(self, at: int) -> bool:
        """Whether what stands there is not known yet."""
        return not self.final and at >= len(self.text)

    def _line(self) -> bool:
        """The beginning of a line: of code, of a fence or of text."""
        found = self.text.find("\n", self.at) + 1
        done, line = found > 0 or self.final, self.text[self.at : found or len(self.text)]
        self.bar, self.looked = False, self.at
        if self.fence and not done and not line.strip() and ">" in self.fence.lead:
            return False
        if self.fence and self.fence.ends_before(line):
            self.fence = None
        if self.fence:
            if self.fence.closed_by(line) and done:
                self.fence = None
            return self._code_line(line, done)
        if not done and LINE_MARKS.match(line):
            return False
        fence = opened_by(line)
        if fence and (done or fence.run[0] == "~"):
            self.fence = fence
            return self._code_line(line, done)
        if fence:
            return False
        self._look(line)
        return self._code_line(line, done) if self.code else self._inline()

    def _look(self, line: str) -> None:
        """See whether a line outside of fences is code, and whether it is within a list or table."""
        body = line.strip()
        if not body:
            self.code = self.table = False
            return
        blank = not self.text[self.text.rfind("\n", 0, max(0, self.at - 1)) + 1 : self.at].strip()
        self.code = not self.list and (blank or self.code) and INDENTED.match(line) is not None
        if not self.code:
            self.list = LISTED.match(line) is not None or (self.list and (not blank or line[0] in " \t"))
            self.table = self.table or ("|" in body and DELIMITER.match(body) is not None)

    def _code_line(self, line: str, done: bool) -> bool:
        held = None if done else TOKEN_BEGUN.search(line)
        line = line[: held.start()] if held else line
        return self._emit(_code(line), len(line)) and done

    def _inline(self) -> bool:
        found = PLAIN.match(self.text, self.at)
        return self._emit(found[0], len(found[0])) if found else self.markers[self.text[self.at]]()

    def _backslash(self) -> bool:
        if self._open(self.at + 1):
            return False
        following = self._next()
        if following == "<":
            return self._less_than(2)
        if following and following in punctuation and following not in "&@":
            return self._emit(f"\\{following}", 2)
        return self._emit("\\", 1)

    def _less_than(self, length: int) -> bool:
        """A `<`, however it is written, as a character."""
        if self._open(self.at + length):
            return False
        return self._emit("&lt;" + QUIET * (self._next(length) in ("!", "@", "#")), length)

    def _ticks(self) -> bool:
        begin = _run_end(self.text, self.at)
        run = self.text[self.at : begin]
        if self._open(begin):
            return False
        for found in TICKS.finditer(self.text, begin):
            if found[0][0] == "\n":
                return self._emit(run, len(run))
            if self._open(found.end()):
                return False
            if len(found[0]) == len(run):
                return self._emit(_code(self.text[self.at : found.end()]), found.end() - self.at)
        return self.final and self._emit(run, len(run))

    def _angle(self) -> bool:
        if found := AUTOLINK.match(self.text, self.at):
            url, label = found.groups()
            shown = f"[{_quiet(label)}]({quote(url, safe=URL_SAFE, errors='replace')})" if label else found[0]
            return self._emit(shown, len(found[0]))
        if found := EMAIL.match(self.text, self.at):
            return self._emit(found[1], len(found[0]))
        if found := BREAK.match(self.text, self.at):
            return self._break(len(found[0]))
        if not self.final and (AUTOLINK_BEGUN.match(self.text, self.at) or BREAK_BEGUN.match(self.text, self.at)):
            return False
        return self._less_than(1)

    def _break(self, length: int) -> bool:
        """A line break as HTML writes it; a row of a table has but one line. What follows begins no list, nor code."""
        self.bar = self.bar or "|" in self.text[self.looked : self.at]
        self.looked = self.at
        if self.bar or self.table:
            return self._emit(" ", length)
        if self._open(self.at + length):
            return False
        return self._emit("  " if self._next(length) in ("\n", "") else f"  \n{QUIET}", length)

    def _ampersand(self) -> bool:
        found = ENTITY.match(self.text, self.at)
        if not found:
            held = not self.final and ENTITY_BEGUN.match(self.text, self.at)
            return not held and self._emit("&", 1)
        known = found[0][1] == "#" or found[0][1:] in html5
        shown, length = html.unescape(found[0]) if known else "", len(found[0])
        if shown == "<":
            return self._less_than(length)
        if shown in KEPT:
            shown = KEPT[shown]
        elif shown and shown in punctuation:
            shown = f"\\{shown}"
        elif not shown or "<" in shown or (shown.isascii() and not shown.isprintable()):
            shown = found[0]
        return self._emit(shown, length)

    def _at_sign(self) -> bool:
        rest = self.text[self.at : self.at + 9].lower()
        if self._open(self.at + 9) and any(word.startswith(rest) for word in ("@channel", "@here", "@everyone")):
            return False
        loud = BROADCAST.match(self.text, self.at) and not ADDRESS.search(self.text[max(0, self.at - 200) : self.at])
        return self._emit("@" + QUIET if loud else "@", 1)

    def _target(self, at: int) -> re.Match[str] | bool:
        """The `(target)` of a link; false if there is none, true if that is not certain yet."""
        found = TARGET.match(self.text, at)
        return found or (not self.final and self.text.find("\n", at) < 0)

    def _image(self) -> bool:
        """An image as a link; within a link's text only what it is called."""
        if self._open(self.at + 1):
            return False
        alt = ALT.match(self.text, self.at)
        if not alt:
            return self._emit("!", 1)
        end = alt.end()
        if not self.final and self.text[end : end + 2] in ("", "\\", "]"):
            return False
        target = self._target(end + 1) if self.text[end : end + 2] == "](" else False
        if isinstance(target, bool):
            return not target and self._emit("!", 1)
        label = _quiet(alt[1]) or "image"
        if self.text[max(0, self.at - 1) : self.at] != "[":
            label = f"[{label}]{_link(target) or QUIET + BROADCAST.sub('@' + QUIET, target[0])}"
        return self._emit(label, target.end() - self.at)

    def _bracket(self) -> bool:
        if self._open(self.at + 1):
            return False
        following = self._next()
        if following == ":":
            return self._definition()
        target = self._target(self.at + 1) if following == "(" else False
        if target is True:
            return False
        if target and (link := _link(target)):
            return self._emit(f"]{link}", 1 + len(target[0]))
        return self._emit("]" + QUIET if following == "(" else "]", 1)

    def _definition(self) -> bool:
        """`[name]: target`, which Markdown does not show; one that is a footnote or no safe link is shown as text."""
        begin = self.text.rfind("\n", max(0, self.at - 200), self.at) + 1
        label = NAME.fullmatch(self.text, begin, self.at) if begin or self.at < 200 else None
        target = NAMED.match(self.text, self.at + 1)
        if not label or not target:
            return self._emit("]", 1)
        if self._open(target.end()) and len(target[1]) < 8:
            return False
        kept = label[1][:1] != "^" and SAFE.match(target[1])
        return self._emit("]" if kept else "]" + QUIET, 1)


def _run_end(text: str, at: int) -> int:
    found = RUN.match(text, at)
    return found.end() if found else at


def _link(target: re.Match[str]) -> str:
    """A link's target without its title; "" where it leads nowhere that a reader should go by a click."""
    braced, bare = target["braced"], target["bare"]
    if not SAFE.match(bare if braced is None else braced):
        return ""
    return f"({bare})" if braced is None else f"({quote(braced, safe=URL_SAFE, errors='replace')})"


def fallback(text: str, limit: int) -> str:
    """Markdown, the model's or that of `to_slack`, as one plain line for the `text` beside blocks: mrkdwn with nothing
    in it that notifies, at most `limit` characters."""
    plain = _plain(text[: 4 * limit + 1000])
    shown = html.escape(BROADCAST.sub("@" + QUIET, plain), quote=False)
    shown = re.sub("&lt;(?=[!@#])", "&lt;" + QUIET, shown)
    if len(shown) <= limit:
        return shown
    return re.sub(r"&\w{0,4}\Z", "", shown[: limit - 1]).rstrip() + "…"


def title(text: str, limit: int = 60) -> str:
    """A readable question as one line of at most `limit` characters."""
    line = _plain(text[: 4 * limit + 1000])
    if len(line) <= limit:
        return line
    words = line[:limit].rpartition(" ")[0]
    cut = words if len(words) > limit // 2 else line[: limit - 1]
    return cut.rstrip(" ,;:.-–") + "…"


def _plain(text: str) -> str:
    """Markdown without its marks, on one line."""
    for pattern, shown in MARKS:
        text = pattern.sub(shown, text)
    return " ".join(ENTITIES.sub(_decoded, text).split())


def _decoded(found: re.Match[str]) -> str:
    return html.unescape(found[0])
