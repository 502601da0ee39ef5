"""The bytes of a web page as text, in the encoding that the page and its server name.

In the order of browsers: a byte order mark, the server's word, the page's own, else UTF-8. What cannot be decoded is
shown as U+FFFD. https://encoding.spec.whatwg.org and https://html.spec.whatwg.org/#determining-the-character-encoding
"""

from __future__ import annotations

import codecs
import re

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD = 1024
"""Bytes in which a page may name its encoding."""
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^<\?xml[^>]{0,80}?encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})["']""")

# Python knows more encodings than the web does, some of which run at length or are no encodings of text at all.
_KNOWN = frozenset(
    {"utf-8", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "iso2022_jp", "euc_jp"}
    | {"gb18030", "big5hkscs", "cp866", "cp874", "cp932", "cp949"}
    | {f"cp{page}" for page in range(1250, 1259)}
    | {f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
)
# As browsers read them: with the letters that were added later.
_READ_AS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-16-le",
    "utf-8-sig": "utf-8",
}


def decode(data: bytes, named: str | None) -> str:
    """The text. `named` is the encoding of the `Content-Type` header, if there is one."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode(_known(named) or _own(data) or "utf-8", "replace")


def _own(data: bytes) -> str | None:
    """What the page says in its head. One whose head reads as ASCII is not in UTF-16, whatever it says."""
    found = _META.search(data[:_HEAD]) or _XML.search(data[:_HEAD])
    encoding = _known(found[1].decode("ascii", "replace")) if found else None
    return "utf-8" if encoding in ("utf-16-le", "utf-16-be") else encoding


def _known(name: str | None) -> str | None:
    if not name:
        return None
    try:
        plain = codecs.lookup(name.strip()[:40]).name
    except (LookupError, ValueError):
        return None
    encoding = _READ_AS.get(plain, plain)
    return encoding if encoding in _KNOWN else None
