"""The values of an Excel workbook (XLSX), sheet by sheet. Of formulas what they came to when the file was saved."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from typing import Any

from bot.documents import rows
from bot.documents.passages import Passage


def passages(data: bytes) -> Iterator[Passage]:
    """Those of all sheets. Raises whatever a hostile file brings about."""
    import openpyxl

    # Read-only: a row at a time. https://openpyxl.readthedocs.io/en/stable/optimized.html
    workbook: Any = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # what a file says of its size need not be so
        yield from rows.passages(_rows(sheet), sheet.title)


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [_shown(cell.value, getattr(cell, "number_format", "")) for cell in row]


def _shown(value: object, shape: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() | int() if shape.endswith("%"):
            return f"{value * 100:.10g}%"
        case float():
            return f"{value:.15g}"
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
        case _:
            return str(value)
