"""The packages that Word and Excel write, looked at before a library opens them: zip archives of XML.

Neither zip bombs nor entities of XML get further. https://learn.microsoft.com/office/open-xml/
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Literal

LARGEST = 200_000_000
"""Bytes of all that is packed in a file. Python unpacks no more of a part than the archive's directory says."""
MOST_PARTS = 10_000
_CHUNK = 65_536
_FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ENCODING = re.compile(rb"""^<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_ENCODINGS = {b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii"}

Package = Literal["docx", "xlsx", "other"]


class Refused(Exception):
    """It is not opened; the text is the problem's name."""


def package(data: bytes) -> Package:
    """What the archive holds. Raises `Refused`, and `zipfile.BadZipFile` and others where it is damaged."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
            raise Refused("unpacked")
        if any(part.flag_bits & 1 for part in parts):
            raise Refused("encrypted")
        names = {part.filename for part in parts}
        kind: Package = "docx" if "word/document.xml" in names else "xlsx" if "xl/workbook.xml" in names else "other"
        if kind != "other":
            _check(archive, [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))])
        return kind


def _check(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    for part in parts:
        with archive.open(part) as opened:
            last = b""
            while chunk := opened.read(_CHUNK):
                plain = chunk.replace(b"\0", b"")  # UTF-16
                if _FORBIDDEN.search(last + plain) or not (last or _begins_well(plain)):
                    raise Refused("damaged")
                last = plain[-16:] or last


def _begins_well(plain: bytes) -> bool:
    """It is XML in an encoding in which a document type could not be missed."""
    plain = plain.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    encoding = _ENCODING.match(plain)
    return plain.startswith(b"<") and (encoding is None or encoding[1].lower() in _ENCODINGS)
