"""The model's Markdown as Slack's own Markdown takes it, with nothing in it that notifies anyone, and as a plain line
for notifications.

Documented: the Markdown of `markdown_text` and `markdown` blocks has headings, nested lists, tables, task lists and
rules, and shows images as links (docs.slack.dev/reference/block-kit/blocks/markdown-block); in mrkdwn it is
`<!channel>`, `<@U…>`, `<#C…>` and their like that notify or link, `&lt;`, `&gt;` and `&amp;` are the only entities that
are decoded, and a bare `@here` is resolved only where `link_names` or `parse` ask for it, which we never do
(docs.slack.dev/messaging/formatting-message-text). Inferred: Slack's Markdown resolves the same tokens (libraries use
it to mention people), decodes those entities outside code and shows code as it stands, as any Markdown does. Where the
inference could fail and notify, a zero-width space breaks the token as well, in code too; other code stays exact."""

import html
import re
from string import punctuation
from urllib.parse import quote

from adapters.markdown import (
    BREAK,
    BREAK_BEGUN,
    ENTITY,
    ENTITY_BEGUN,
    QUIET,
    TARGET,
    URL_SAFE,
    Conversion,
    character,
)
from adapters.plain import plain
from adapters.text import DELIMITER, opened_by

PING = r"(?:!(?i:here|channel|everyone|group|subteam|date)|@[UWBS][A-Z0-9]|#[CGD][A-Z0-9])"
TOKEN = re.compile(rf"<(?={PING})")
TOKEN_BEGUN = re.compile(r"<(?:[!@#][A-Za-z]{0,7})?\Z")
BROADCAST = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)
LINE_MARKS = re.compile(r"[ \t>*+\-\d.)]*+[`~]*+\Z")
PLAIN = re.compile(r"[^\\`<&@!\]\n]+")
AUTOLINK = re.compile(r"<((?:https?://|mailto:|tel:)[^\s<>|]++)(?:\|([^<>\[\]`\n|]++))?>", re.IGNORECASE)
AUTOLINK_BEGUN = re.compile(r"<(?:[^\s<>|]*+|(?:https?://|mailto:|tel:)[^\s<>|]++\|[^<>\n]*+)\Z", re.IGNORECASE)
EMAIL = re.compile(r"<([\w.+-]++@[\w-]++(?:\.[\w-]++)++)>", re.ASCII)
ALT = re.compile(r"!\[((?:[^\[\]\\\n`]|\\[^\n])*+)")
SAFE = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
NAME = re.compile(r"[ \t]{0,3}\[([^\[\]\n]*)")
NAMED = re.compile(r":[ \t]*+<?(\S{0,8})")
ADDRESS = re.compile(r"(?:https?://\S*|\w)\Z", re.ASCII)
KEPT = {">": "&gt;", "&": "&amp;", "@": "@" + QUIET, '"': '"', "'": "'", "/": "/", ",": ","}


def to_slack(text: str, *, final: bool) -> str:
    """The model's Markdown for `markdown_text` and `markdown` blocks. While the text grows (`final=False`) an end that
    more text could turn into something else is held back, so that each result begins with the one before. Linear time.
    """
    return _ToSlack(text, final=final).converted()


def _code(text: str) -> str:
    return TOKEN.sub("<" + QUIET, text)


def _quiet(text: str) -> str:
    """Plain words from the model, safe to stand in a link's label."""
    return BROADCAST.sub("@" + QUIET, text.replace("<", "&lt;" + QUIET))


class _ToSlack(Conversion):
    plain = PLAIN

    def __init__(self, text: str, *, final: bool) -> None:
        super().__init__(text, final=final)
        self.table = False
        """Whether the line before was within a table."""
        self.bar = False
        """Whether this line has a bar, as far as `looked`."""
        self.looked = 0
        self.markers = {
            "\\": self._backslash,
            "`": self._ticks,
            "<": self._angle,
            "&": self._ampersand,
            "@": self._at_sign,
            "!": self._image,
            "]": self._bracket,
            "\n": lambda: self.emit("\n", 1),
        }

    def line(self, line: str, done: bool) -> bool:
        """The beginning of a line: of code, of a fence or of text."""
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
        self.look(line)
        return self._code_line(line, done) if self.code else self.inline()

    def look(self, line: str) -> None:
        """See whether the line is within a table as well."""
        super().look(line)
        body = line.strip()
        if not body:
            self.table = False
        elif not self.code:
            self.table = self.table or ("|" in body and DELIMITER.match(body) is not None)

    def _code_line(self, line: str, done: bool) -> bool:
        held = None if done else TOKEN_BEGUN.search(line)
        line = line[: held.start()] if held else line
        return self.emit(_code(line), len(line)) and done

    def _backslash(self) -> bool:
        if self.open(self.at + 1):
            return False
        following = self.next()
        if following == "<":
            return self._less_than(2)
        if following and following in punctuation and following not in "&@":
            return self.emit(f"\\{following}", 2)
        return self.emit("\\", 1)

    def _less_than(self, length: int) -> bool:
        """A `<`, however it is written, as a character."""
        if self.open(self.at + length):
            return False
        return self.emit("&lt;" + QUIET * (self.next(length) in ("!", "@", "#")), length)

    def _ticks(self) -> bool:
        span = self.span()
        return span != "" and self.emit(_code(span), len(span))

    def _angle(self) -> bool:
        if found := AUTOLINK.match(self.text, self.at):
            url, label = found.groups()
            shown = f"[{_quiet(label)}]({quote(url, safe=URL_SAFE, errors='replace')})" if label else found[0]
            return self.emit(shown, len(found[0]))
        if found := EMAIL.match(self.text, self.at):
            return self.emit(found[1], len(found[0]))
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
            return self.emit(" ", length)
        if self.open(self.at + length):
            return False
        return self.emit("  " if self.next(length) in ("\n", "") else f"  \n{QUIET}", length)

    def _ampersand(self) -> bool:
        found = ENTITY.match(self.text, self.at)
        if not found:
            held = not self.final and ENTITY_BEGUN.match(self.text, self.at)
            return not held and self.emit("&", 1)
        shown, length = character(found[0]), len(found[0])
        if shown == "<":
            return self._less_than(length)
        if shown in KEPT:
            shown = KEPT[shown]
        elif shown and shown in punctuation:
            shown = f"\\{shown}"
        elif not shown or "<" in shown:
            shown = found[0]
        return self.emit(shown, length)

    def _at_sign(self) -> bool:
        rest = self.text[self.at : self.at + 9].lower()
        if self.open(self.at + 9) and any(word.startswith(rest) for word in ("@channel", "@here", "@everyone")):
            return False
        loud = BROADCAST.match(self.text, self.at) and not ADDRESS.search(self.text[max(0, self.at - 200) : self.at])
        return self.emit("@" + QUIET if loud else "@", 1)

    def _target(self, at: int) -> re.Match[str] | bool:
        """The `(target)` of a link; false if there is none, true if that is not certain yet."""
        found = TARGET.match(self.text, at)
        return found or (not self.final and self.text.find("\n", at) < 0)

    def _image(self) -> bool:
        """An image as a link; within a link's text only what it is called."""
        if self.open(self.at + 1):
            return False
        alt = ALT.match(self.text, self.at)
        if not alt:
            return self.emit("!", 1)
        end = alt.end()
        if not self.final and self.text[end : end + 2] in ("", "\\", "]"):
            return False
        target = self._target(end + 1) if self.text[end : end + 2] == "](" else False
        if isinstance(target, bool):
            return not target and self.emit("!", 1)
        label = _quiet(alt[1]) or "image"
        if self.text[max(0, self.at - 1) : self.at] != "[":
            label = f"[{label}]{_link(target) or QUIET + BROADCAST.sub('@' + QUIET, target[0])}"
        return self.emit(label, target.end() - self.at)

    def _bracket(self) -> bool:
        if self.open(self.at + 1):
            return False
        following = self.next()
        if following == ":":
            return self._definition()
        target = self._target(self.at + 1) if following == "(" else False
        if target is True:
            return False
        if target and (link := _link(target)):
            return self.emit(f"]{link}", 1 + len(target[0]))
        return self.emit("]" + QUIET if following == "(" else "]", 1)

    def _definition(self) -> bool:
        """`[name]: target`, which Markdown does not show; one that is a footnote or no safe link is shown as text."""
        begin = self.text.rfind("\n", max(0, self.at - 200), self.at) + 1
        label = NAME.fullmatch(self.text, begin, self.at) if begin or self.at < 200 else None
        target = NAMED.match(self.text, self.at + 1)
        if not label or not target:
            return self.emit("]", 1)
        if self.open(target.end()) and len(target[1]) < 8:
            return False
        kept = label[1][:1] != "^" and SAFE.match(target[1])
        return self.emit("]" if kept else "]" + QUIET, 1)


def _link(target: re.Match[str]) -> str:
    """A link's target without its title; "" where it leads nowhere that a reader should go by a click."""
    braced, bare = target["braced"], target["bare"]
    if not SAFE.match(bare if braced is None else braced):
        return ""
    return f"({bare})" if braced is None else f"({quote(braced, safe=URL_SAFE, errors='replace')})"


def fallback(text: str, limit: int) -> str:
    """Markdown, the model's or that of `to_slack`, as one plain line for the `text` beside blocks: mrkdwn with nothing
    in it that notifies, at most `limit` characters."""
    line = plain(text[: 4 * limit + 1000])
    shown = html.escape(BROADCAST.sub("@" + QUIET, line), quote=False)
    shown = re.sub("&lt;(?=[!@#])", "&lt;" + QUIET, shown)
    if len(shown) <= limit:
        return shown
    return re.sub(r"&\w{0,4}\Z", "", shown[: limit - 1]).rstrip() + "…"
