"""HTML as Markdown that a model reads: the main part of a page without what is not read of it.

Of hostile HTML, too: the text is parsed as a stream, of which a shallow tree of what is worth reading is built, with
no more elements and text than are kept. That bounds memory, depth and nearly all of the time; whoever cannot wait runs
it in a process (`html_reading.py` does). The libraries are loaded with the first page.

What a page hides from people is left out where that is plain to see. There is no end of other ways (a place outside of
the window, a colour, a style sheet): whoever reads it reads what no person may have seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

DEEPEST = 60
"""Elements inside each other; what is deeper goes on in the deepest one."""
MOST_ELEMENTS = 20_000
MOST_TEXT = 300_000
"""Characters that are read of a page."""
LONGEST_LINK = 1000
LONGEST_TITLE = 300
ENOUGH = 200
"""Characters of text that make an element the main part of its page."""
SHORT_FORM = 600
"""Characters. A longer form is taken for a page in a form, as some frameworks write them."""

_UNREAD = frozenset(
    {"script", "style", "noscript", "template", "head", "nav", "footer", "aside", "svg", "math", "canvas", "iframe"}
    | {"object", "embed", "applet", "audio", "video", "source", "track", "map", "dialog", "portal", "noembed"}
    | {"frameset", "noframes", "button", "input", "select", "textarea", "datalist", "menu"}
)
_OF_HEAD = frozenset({"title", "meta", "link", "base", "style", "script", "noscript", "template"})
"""What may stand in a head; anything else ends it, also where the parser does not know that element.

https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inhead
"""
_UNREAD_ROLES = frozenset({"navigation", "search", "contentinfo", "complementary", "dialog", "alertdialog", "menu"})
_UNSEEN = re.compile(r"display:none|visibility:hidden|opacity:0(?![.\d])|font-size:0(?![.\d])")
_KEPT = ("href", "class", "start", "colspan", "alt", "role")
_URL_SIGNS = "!#$%&'*+,/:;=?@~"
"""What stays in a URL as it is, beside letters, digits and `_.-`. A bracket or a space would end a link of Markdown."""
_SCHEMES = frozenset({"http", "https", "mailto"})
_NUMBERS = frozenset({"start", "colspan"})
_NUMBER = re.compile(r"[0-9]{1,3}")
_SPACES = re.compile(r"\s+")
_LONG_GAP = re.compile(r"\s{200,}")
_CONTROLS = re.compile(
    # Controls, and what nobody sees and a page may talk with behind people's backs: directions, fillers, invisible
    # operators, tags. Joiners and variation selectors that scripts and emoji are written with stay.
    # https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight-source|brush:)-?\s?([\w+#-]{1,20})")
_GAPS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Readable:
    """`title` is one line. `cut` says that something of the page is missing at the end."""

    title: str
    text: str
    cut: bool = False


def markdown(html: str, *, base: str = "") -> str:
    """The page as Markdown, with its title on top. Links are made absolute by `base`, a URL, and by the page's own."""
    page = readable(html, base=base)
    if not page.title or page.text.startswith(f"# {page.title}"):
        return page.text
    return f"# {page.title}\n\n{page.text}".rstrip()


def readable(html: str, *, base: str = "") -> Readable:
    """Title and Markdown of the main part of a page; empty where there is nothing to read. Raises nothing of itself."""
    from lxml import etree  # type: ignore[import-untyped]

    pruned = _Pruned(etree.TreeBuilder(), base)
    parser = etree.HTMLParser(target=pruned, encoding="utf-8", huge_tree=True)
    data = html.replace("\0", "").encode("utf-8", "replace")
    step = 64 * 1024
    for start in range(0, len(data), step):
        parser.feed(data[start : start + step])
        if pruned.full:
            break
    root = parser.close() if data.strip() else None
    if root is None:
        return Readable("", "")
    text = _converted(_main(root))
    return Readable(_title(pruned.title, root), text, pruned.full)


def clean(text: str) -> str:
    """Without control characters and without those that nobody sees."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class _Pruned:
    """A target of lxml's parser: what is worth reading of its events makes the tree.

    https://lxml.de/parsing.html#the-target-parser-interface
    """

    def __init__(self, tree: Any, base: str) -> None:
        self._tree = tree
        self._base = base
        self._open: list[str] = []
        """What is inside what: the name of an element that was kept, empty for one that goes on in its parent."""
        self._depth = 0
        self._preformatted = 0
        self._skipped = 0
        """How many elements lie open since one that is not read, itself included …"""
        self._unread = ""
        """… and the name of that one."""
        self._titles: list[str] = []
        self._in_title = False
        self._elements = 0
        self._room = MOST_TEXT
        self._tree.start("page", {})

    @property
    def full(self) -> bool:
        return self._room <= 0 or self._elements >= MOST_ELEMENTS

    @property
    def title(self) -> str:
        return "".join(self._titles)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._in_title = tag == "title" and not self._titles and self._unread in ("", "head")
        if tag == "base":
            self._base = self._absolute(attributes.get("href") or "") or self._base
        if self._unread == "head" and self._skipped == 1 and tag not in _OF_HEAD:
            self._unread, self._skipped = "", 0
            self._open.append("")
        if self._skipped or _is_unread(tag, attributes):
            self._unread = self._unread or tag
            self._skipped += 1
            return
        kept_attributes = self._attributes(tag, attributes)
        # Of images their description is read, and a link that leads nowhere is plain text.
        name = "span" if tag == "img" or (tag == "a" and not kept_attributes.get("href")) else tag
        kept = self._depth < DEEPEST and not self.full
        self._open.append(name if kept else "")
        if kept:
            self._depth += 1
            self._elements += 1
            self._preformatted += tag == "pre"
            self._tree.start(name, kept_attributes)
            if tag == "img" and kept_attributes.get("alt"):
                self._tree.data(f"[image: {kept_attributes['alt']}]")

    def end(self, tag: str) -> None:
        self._in_title = False
        if self._skipped:
            self._skipped -= 1
            self._unread = self._unread if self._skipped else ""
        elif self._open:
            kept = self._open.pop()
            if kept:
                self._depth -= 1
                self._preformatted -= kept == "pre"
                self._tree.end(kept)

    def data(self, text: str) -> None:
        if self._in_title:
            self._titles.append(text[:LONGEST_TITLE])
        elif not (self._skipped or self.full):
            # The converter takes time by the square of a gap's length.
            gap, instead = (_LONG_GAP, "\n") if self._preformatted else (_SPACES, " ")
            said = gap.sub(instead, clean(text))[: self._room]
            self._room -= len(said)
            self._tree.data(said)

    def comment(self, text: str) -> None:
        """Nobody reads it."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Nobody reads it."""

    def close(self) -> Any:
        while self._open:
            if kept := self._open.pop():
                self._tree.end(kept)
        self._tree.end("page")
        return self._tree.close()

    def _attributes(self, tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
        kept = {name: clean(attributes[name])[:LONGEST_LINK] for name in _KEPT if attributes.get(name)}
        if "href" in kept:
            inside = tag != "a" or attributes["href"].startswith("#")
            kept["href"] = "" if inside else self._absolute(attributes["href"])
        return {name: value for name, value in kept.items() if name not in _NUMBERS or _NUMBER.fullmatch(value)}

    def _absolute(self, href: str) -> str:
        """The whole URL, empty where it is none that is shown."""
        try:
            url = urljoin(self._base, clean(href).strip()) if len(href) <= LONGEST_LINK else ""
            return quote(url, safe=_URL_SIGNS) if urlsplit(url).scheme in _SCHEMES and len(url) <= LONGEST_LINK else ""
        except ValueError:
            return ""


def _is_unread(tag: str, attributes: Mapping[str, str]) -> bool:
    if tag in ("html", "body"):  # some hide all of a page until their scripts have run
        return False
    if tag in _UNREAD or "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true":
        return True
    if attributes.get("role", "").lower() in _UNREAD_ROLES:
        return True
    style = attributes.get("style", "")[:LONGEST_LINK]
    return bool(style) and bool(_UNSEEN.search(_SPACES.sub("", style.lower())))


def _main(root: Any) -> Any:
    """The element that holds what the page is about: `main`, else an article with most of the text, else all of it."""
    for form in root.xpath("//form"):
        if len(_words(form)) < SHORT_FORM and form.getparent() is not None:
            _drop(form)
    for element in root.xpath("//main | //*[@role='main']"):
        if len(_words(element)) >= ENOUGH:
            return element
    articles = [(len(_words(element)), element) for element in root.xpath("//article[not(ancestor::article)]")]
    longest, article = max(articles, key=lambda one: one[0], default=(0, root))
    return article if longest >= max(ENOUGH, len(_words(root)) / 2) else root


def _drop(element: Any) -> None:
    """Takes an element out of its tree and leaves the text that follows it."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail or ""
    parent.remove(element)
    if before is None:
        parent.text = (parent.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail


def _words(element: Any) -> str:
    return _SPACES.sub(" ", "".join(element.itertext())).strip()


def _title(title: str, root: Any) -> str:
    headings: Iterator[str] = (_words(heading) for heading in root.xpath("(//h1)[1]"))
    return _SPACES.sub(" ", clean(title)).strip()[:LONGEST_TITLE] or next(headings, "")[:LONGEST_TITLE]


def _converted(element: Any) -> str:
    from lxml import etree

    html = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    lines = (line.rstrip() for line in _converter()(html).split("\n"))
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


@cache
def _converter() -> Callable[[str], str]:
    from markdownify import ATX, MarkdownConverter

    return MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        bs4_options="lxml",
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
        code_language_callback=_language,
    ).convert


def _language(pre: Any) -> str:
    """Of a `<pre>`, by the class that highlighters read, its own or its code's."""
    code = pre.find("code")
    classes = [" ".join(one.get("class") or []) for one in (pre, code) if one is not None]
    found = _LANGUAGE.search(" ".join(classes))
    return found[1] if found else ""
