"""Markdown as one plain line: for notifications, and for titles of what a question opens."""

import html
import re

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


def title(text: str, limit: int = 60) -> str:
    """A readable question as one line of at most `limit` characters."""
    line = plain(text[: 4 * limit + 1000])
    if len(line) <= limit:
        return line
    words = line[:limit].rpartition(" ")[0]
    cut = words if len(words) > limit // 2 else line[: limit - 1]
    return cut.rstrip(" ,;:.-–") + "…"


def plain(text: str) -> str:
    """Markdown without its marks, on one line. Time grows with the square of a line: cut the text before."""
    for pattern, shown in MARKS:
        text = pattern.sub(shown, text)
    return " ".join(ENTITIES.sub(_decoded, text).split())


def _decoded(found: re.Match[str]) -> str:
    return html.unescape(found[0])
