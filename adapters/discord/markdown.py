"""The model's Markdown as Discord's own.

Discord has headings of three levels, lists, quotes, code, spoilers and links whose text is not the address
(support.discord.com/hc/en-us/articles/210298617, docs.discord.com/developers/reference#message-formatting), and neither
tables, rules, images, task lists nor HTML. Inferred from what others rebuilt of its parser (github.com/ItzDerock/
discord-markdown-parser, github.com/jeremy-rifkin/discord-markdown): three backticks begin and end code wherever they
stand, `>>> ` quotes all that follows, a quote needs the space behind its mark, a blank line ends a list, a code's
language is one word, a link whose text has an address in it is shown as it was typed, and a backslash takes its meaning
from any mark. Nothing here keeps a mention from pinging: `allowed_mentions` does.
"""

import re
from string import punctuation

from adapters.markdown import (
    BREAK,
    BREAK_BEGUN,
    ENTITY,
    ENTITY_BEGUN,
    INDENTED,
    QUIET,
    TARGET,
    Conversion,
    character,
    past,
)
from adapters.text import BLANK, DELIMITER, Fence, opened_by

RULE = "─" * 12  # Discord shows `---` as three hyphens, and `***` would make the next `**` the end of something bold
LEAD = re.compile(r"[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++|>(?!>> )[ \t]*+)*+")
QUOTES = re.compile(r"(?:[ \t]*+>)*+")
TIGHT = re.compile(r"([ \t]*+>)(?! )")
MARKED = re.compile(r"[ \t]*+(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]")
LINE_MARKS = re.compile(r"[ \t>*+\-_#\d.)]*+[`~]*+\Z")
RULED = re.compile(r"[ \t]*+([-*_])(?:[ \t]*+\1){2,}+[ \t]*+\n?\Z")
HEADING = re.compile(r"#{4,6}+[ \t]")
BOLD = re.compile(r"(`[^`\n]+`|\\.)|\*\*")
TASK = re.compile(r"\[([ xX])\](?=\s|\Z)")
TASK_BEGUN = re.compile(r"\[(?:[ xX]\]?)?\Z")
BLANK_LINES = re.compile(r"(?:[ \t]*+\n)*+")
BLANKS = re.compile(r"[ \t]*+")
LANGUAGE = re.compile(r"[\w+\-.#]++", re.ASCII)
BACKTICKS = re.compile("``(?=`)")
PLAIN = re.compile(r"[^\\`<&!\[|\n]+")
BARS = re.compile(r"\|+")
AUTOLINK = re.compile(r"<https?://[^\s<>]++>", re.IGNORECASE)
ANGLE_BEGUN = re.compile(r"<[^\s<>]*+\Z")
LABEL = re.compile(r"\[((?:[^\[\]\\\n`]|\\[^\n]|`[^`\n]+`|\[(?:[^\[\]\\\n`]|\\[^\n]|`[^`\n]+`)*+\])*+)\]")
LABEL_IMAGE = re.compile(r"!\[([^\[\]\n]*+)\]" + TARGET.pattern)
SCHEME = re.compile(r"(?P<web>https?://)|mailto:|tel:", re.IGNORECASE)
BEGINS = frozenset("#>-*+~`0123456789")  # what begins with these may be more than text at the beginning of a line
INERT = frozenset("\"',;=%?")  # marks that mean nothing, wherever they come to stand


def to_discord(text: str, *, final: bool) -> str:
    """The model's Markdown for the `content` of messages. While the text grows (`final=False`) an end that more text
    could turn into something else is held back, so that each result begins with the one before. A fence that is open at
    the end stays open, that of a growing table too. Linear time.
    """
    return _ToDiscord(text, final=final).converted()


def _code(text: str) -> str:
    """Code without anything that would end it."""
    return BACKTICKS.sub("``" + QUIET, text)


def _spaced(line: str) -> str:
    """A line, or its beginning, with a space behind its quote mark."""
    return TIGHT.sub(r"\1 ", line, count=1) if TIGHT.match(line) else line


def _unquoted(line: str) -> str:
    return line[past(QUOTES, line) :]


def _inside(text: str) -> str:
    """What is in a heading or in the text of a link, as one line."""
    return _ToDiscord(text, final=True, inside=True).converted()


class _ToDiscord(Conversion):
    plain = PLAIN

    def __init__(self, text: str, *, final: bool, inside: bool = False) -> None:
        super().__init__(text, final=final)
        self.inside = inside
        self.ours: str | None = None
        """What stands before our own fence while one is open, around a table or around code by its indentation."""
        self.table = False
        self.under = ""
        """What the next line has to begin with to belong to this one: a quote's mark, a list's indentation."""
        self.end = -1
        """Where this line ends, as far as that was looked for."""
        self.markers = {
            "\\": self._backslash,
            "`": self._ticks,
            "<": self._angle,
            "&": self._ampersand,
            "!": self._image,
            "[": self._link,
            "|": self._bars,
            "\n": lambda: self.emit("\n", 1),
        }

    def converted(self) -> str:
        shown = super().converted()
        if self.ours is None or not self.final:
            return shown
        return shown + ("" if self.text.endswith("\n") else "\n") + self.ours + "```"

    def line(self, line: str, done: bool) -> bool:
        """The beginning of a line: of code, of a table or of text."""
        if self.inside:
            return self.inline()
        if self.fence:
            if not done and self.fence.perhaps_closed_by(line):
                return False
            if not self.fence.ends_before(line):
                return self._fenced(self.fence, line, done)
            self.emit(_spaced(f"{self.fence.lead}```\n"), 0)
            self.fence = None
        if self.ours is not None:
            within = self._is_row(line, done) if self.table else self._is_code()
            if within is None:
                return False
            if within:
                return self._boxed(line, done)
            self.emit(f"{self.ours}```\n", 0)
            self.ours = None
        return self._unboxed(line, done)

    def _unboxed(self, line: str, done: bool) -> bool:
        """The beginning of a line that is not in code or a table already."""
        fence = opened_by(line)
        if not done and (fence or LINE_MARKS.match(line)):
            return False
        if fence:
            return self._open_fence(fence, line)
        self.look(line)
        heads = False if self.code else self._is_head(line, done)
        if self.code or heads:
            self.table = not self.code
            self.ours = _spaced(line[: past(QUOTES, line)]) if self.table else ""
            self.emit(f"{self.ours}```\n", 0)
            return self._boxed(line, done)
        return heads is False and self._text(line, done)

    def _open_fence(self, fence: Fence, line: str) -> bool:
        self.fence = fence
        lead, info = line[: line.index(fence.run)], fence.info.strip(BLANK)
        end = "\n" if line.endswith("\n") else ""
        return self.emit(f"{_spaced(lead)}```{info[: past(LANGUAGE, info)]}{end}", len(line))

    def _fenced(self, fence: Fence, line: str, done: bool) -> bool:
        """A line of code. A blank one gets what stands before the fence: it would end a list there."""
        end = "\n" if line.endswith("\n") else ""
        if fence.closed_by(line):
            self.fence = None
            return self.emit(f"{_spaced(fence.lead + '```')}{end}", len(line))
        if fence.lead and not line.strip(BLANK):
            return self.emit(f"{fence.lead}{end}", len(line))
        return self.emit(_code(_spaced(line) if ">" in fence.lead else line), len(line)) and done

    def _boxed(self, line: str, done: bool) -> bool:
        """A line within our own fence; of blank ones all that follow each other."""
        if not line.strip(BLANK):
            line = self.text[self.at : past(BLANK_LINES, self.text, self.at)]
        return self.emit(_code(_spaced(line) if self.ours else line), len(line)) and done

    def _is_row(self, line: str, done: bool) -> bool | None:
        """Whether a table goes on with this line; None if that is not certain yet."""
        if not done and ("|" not in line or opened_by(line)):
            return None
        body = _unquoted(line)
        same = (len(body) < len(line)) == (self.ours != "")
        return same and "|" in body and not MARKED.match(body) and not opened_by(line)

    def _is_head(self, line: str, done: bool) -> bool | None:
        """Whether a table begins with this line; None if that is not certain yet. Its first character has to tell: of a
        line that begins otherwise some is shown before its bar is known, and no fence can be opened before that."""
        body = _unquoted(line)
        if not body.lstrip(" \t").startswith("|"):
            return False
        if not done:
            return None
        start = self.at + len(line)
        end = self.text.find("\n", start) + 1
        after = self.text[start : end or len(self.text)]
        row = _unquoted(after)
        if not self.final and not end:
            return False if row.strip(" \t|:-") else None
        same = (len(row) < len(after)) == (len(body) < len(line))
        return same and "|" in row and not MARKED.match(row) and DELIMITER.match(row.strip(BLANK)) is not None

    def _is_code(self) -> bool | None:
        """Whether indented code goes on here, perhaps behind blank lines; None if that is not certain yet."""
        at = past(BLANK_LINES, self.text, self.at)
        if self.open(past(BLANKS, self.text, at)):
            return None
        return INDENTED.match(self.text, at) is not None

    def _text(self, line: str, done: bool) -> bool:
        """The beginning of a line of text, with the marks before it."""
        lead = line[: past(LEAD, line)]
        body, shown = line[len(lead) :], _spaced(lead)
        if done and RULED.match(_unquoted(line)):
            quotes = line[: past(QUOTES, line)]
            return self.emit(_spaced(quotes + RULE), len(line.rstrip(BLANK)))
        if HEADING.match(body):
            return done and self._heading(shown, body, len(line.rstrip(BLANK)))
        self.under = re.sub(r"[^\s>]", " ", shown)
        if lead.rstrip(" \t")[-1:] not in ("", ">"):
            if not done and TASK_BEGUN.match(body):
                return False
            if task := TASK.match(body):
                return self.emit(shown + ("☐" if task[1] == " " else "☑"), len(lead) + 3)
        if body.startswith((">>> ", "-# ")):
            shown += "\\"
        self.emit(shown, len(lead))
        return self.at >= len(self.text) or self.inline()

    def _heading(self, lead: str, body: str, length: int) -> bool:
        """A heading of a level that Discord does not have: all of it bold, and nothing bold in it."""
        words = body.lstrip("#").strip()
        bare = words.rstrip("#")
        if not bare or bare[-1].isspace():
            words = bare.rstrip()
        words = _inside(BOLD.sub(lambda found: found[1] or "", words)).strip()
        return self.emit(f"{lead}**{words}**" if words else lead, length)

    def _backslash(self) -> bool:
        if self.open(self.at + 1):
            return False
        following = self.next()
        if following == "\n":
            return self.emit("", 1)
        length = 2 if following and following in punctuation else 1
        return self.emit(self.text[self.at : self.at + length], length)

    def _ticks(self) -> bool:
        """Code stays exact; backticks that are none would make code of all up to the next."""
        span = self.span()
        shown = span if span.strip("`") else "\\`" * len(span)
        return span != "" and self.emit(shown, len(span))

    def _bars(self) -> bool:
        """More than one bar hides what follows as a spoiler."""
        end = past(BARS, self.text, self.at)
        length = end - self.at
        return not self.open(end) and self.emit("|" if length == 1 else "\\|" * length, length)

    def _angle(self) -> bool:
        if found := AUTOLINK.match(self.text, self.at):
            return self.emit(found[0], len(found[0]))
        if found := BREAK.match(self.text, self.at):
            return self._break(len(found[0]))
        if not self.final and (ANGLE_BEGUN.match(self.text, self.at) or BREAK_BEGUN.match(self.text, self.at)):
            return False
        return self.emit("<", 1)

    def _break(self, length: int) -> bool:
        """A line break as HTML writes it. What follows begins nothing, and stays in its quote or list."""
        if self.inside:
            return self.emit(" ", length)
        at = past(BLANKS, self.text, self.at + length)
        if self.open(at):
            return False
        following = self.text[at : at + 1]
        if following in ("", "\n"):
            return self.emit("", at - self.at)
        return self.emit(f"\n{self.under}{QUIET if following in BEGINS else ''}", at - self.at)

    def _ampersand(self) -> bool:
        found = ENTITY.match(self.text, self.at)
        if not found:
            held = not self.final and ENTITY_BEGUN.match(self.text, self.at)
            return not held and self.emit("&", 1)
        shown = character(found[0])
        if shown == "&":
            shown = "\\&" if self.text[max(0, self.at - 1) : self.at] == "@" else "&"
        elif not shown or (len(shown) > 1 and not set(punctuation).isdisjoint(shown)):
            shown = found[0]
        elif shown in punctuation and shown not in INERT:
            shown = f"\\{shown}"
        elif shown.isascii() and shown.isalnum():
            shown = QUIET + shown
        return self.emit(shown, len(found[0]))

    def _image(self) -> bool:
        """An image as a link."""
        if self.open(self.at + 1):
            return False
        return self._linked(self.at + 1) if self.next() == "[" else self.emit("!", 1)

    def _link(self) -> bool:
        return self._linked(self.at)

    def _linked(self, begin: int) -> bool:
        """The link whose text begins there, or an image; where there is none, one character of text."""
        label = LABEL.match(self.text, begin)
        if label and self.open(label.end()):
            return False
        target = TARGET.match(self.text, label.end()) if label else None
        missing = label is None or (target is None and self.text[label.end() : label.end() + 1] == "(")
        if missing and not self._ends():
            return False
        shown = _address(label[1], target, image=begin > self.at) if label and target else ""
        return self.emit(shown, target.end() - self.at) if target and shown else self.emit(self.text[self.at], 1)

    def _ends(self) -> bool:
        """Whether all of this line is known."""
        if not self.final and self.end < self.at:
            self.end = self.text.find("\n", self.at)
        return self.final or self.end >= 0


def _address(label: str, target: re.Match[str], *, image: bool) -> str:
    """A link as Discord shows it; "" where the target is no address that it or a reader could follow."""
    url = target["bare"] if target["braced"] is None else re.sub(r"\s", "%20", target["braced"])
    scheme = SCHEME.match(url)
    if not scheme or (image and not scheme["web"]):
        return ""
    words = _inside(LABEL_IMAGE.sub(lambda found: found[1] or "image", label)).strip()
    shown = url if scheme["web"] else url[scheme.end() :]
    if scheme["web"] and words and "://" not in words:
        return f"[{words}]({url if target['braced'] is None else f'<{url}>'})"
    if not words or words.rstrip("/") in (url.rstrip("/"), shown):
        return shown
    return f"{QUIET if words[0] in BEGINS else ''}{words} ({shown})"
