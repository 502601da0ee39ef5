"""The bytes of a file as text, in the encodings that people use."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BINARY = bytes({*range(0x20), 0x7F} - set(b"\t\n\r\f\x08\x1b"))
_BEYOND_ASCII = bytes(range(0x80, 0x100))


def decoded(data: bytes) -> str | None:
    """The text of a file, or None for one that holds something else."""
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = data.decode("utf-16")
            return None if "\0" in text else text
        if b"\0" in data or _share(data, _BINARY) > 0.02:
            return None
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _western(data)


def clean(text: str) -> str:
    """Without control characters, which no model needs and not every database takes."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _western(data: bytes) -> str | None:
    """Text in Windows-1252: letters beyond ASCII are few in the languages that were written in it."""
    try:
        return data.decode("cp1252") if _share(data, _BEYOND_ASCII) < 0.25 else None
    except UnicodeDecodeError:
        return None


def _share(data: bytes, these: bytes) -> float:
    return (len(data) - len(data.translate(None, these))) / max(len(data), 1)
