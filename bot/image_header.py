"""What the first bytes of an image tell: its format, its size in pixels, whether it moves. Nothing is decoded, so that
a small file cannot become a large picture here.

PNG: https://www.w3.org/TR/png-3/#11IHDR. JPEG: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.2.2.
GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt. WebP: https://developers.google.com/speed/webp/docs/riff_container.
"""

from __future__ import annotations

from dataclasses import dataclass

_NO_LENGTH = frozenset([0x01, *range(0xD0, 0xD9)])
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers: those without a length, and those of a frame header."""


@dataclass(frozen=True, slots=True)
class Header:
    mime: str
    width: int
    height: int
    moving: bool = False


def mime(data: bytes) -> str | None:
    """The format by its signature."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def header(data: bytes) -> Header | None:
    """None where the signature is not known, or the file too damaged to tell."""
    try:
        match mime(data):
            case "image/png" as kind:
                if data[12:16] != b"IHDR" or len(data) < 24:
                    return None
                return Header(kind, int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
            case "image/jpeg":
                return _jpeg(data)
            case "image/gif" as kind:
                return Header(kind, _little(data[6:8]), _little(data[8:10]), moving=_gif_moves(data))
            case "image/webp":
                return _webp(data)
    except IndexError:
        return None
    return None


def _jpeg(data: bytes) -> Header | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _NO_LENGTH:
            at += 1 if marker == 0xFF else 2
        elif marker in _FRAMES:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return Header("image/jpeg", int.from_bytes(width), int.from_bytes(height))
        elif (length := int.from_bytes(data[at + 2 : at + 4])) < 2:
            return None
        else:
            at += 2 + length
    return None


def _gif_moves(data: bytes) -> bool:
    """Whether there is a second picture. A file that breaks off in the first one has none."""
    at = 13 + _colours(data[10])
    pictures = 0
    while at < len(data) and data[at] in (0x21, 0x2C):
        if data[at] == 0x2C:
            pictures += 1
            if pictures > 1:
                return True
            at += 10 + _colours(data[at + 9]) + 1
        else:
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return False


def _colours(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> Header | None:
    kind = "image/webp"
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            return Header(kind, _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF)
        case b"VP8L" if data[20] == 0x2F:
            bits = _little(data[21:25])
            return Header(kind, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            moving = bool(data[20] & 0x02)
            return Header(kind, _little(data[24:27]) + 1, _little(data[27:30]) + 1, moving)
    return None


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
