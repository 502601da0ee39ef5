"""What a value of the sandbox looks like to the model: as Python writes it, or as a Markdown table, and no longer than
there is room.

Values are hostile: one list that holds itself in many places is small in memory and endless in writing. So they are
written piece by piece, and only as far as there is room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice

DEEPEST = 20
"""Values within values that are written out."""
MOST_ROWS = 50
MOST_COLUMNS = 12
MOST_CHECKED = 10_000
"""Rows that have to be alike."""
WIDEST = 1_000
"""Columns of what is a table at all."""
LONGEST_CELL = 80
LONGEST_INTEGER = 14_000
"""Bits; Python itself refuses to write integers beyond 4,300 digits."""
LONGEST_VALUE = 8_000
LONGEST_ERROR = 2_000
CUT = "…"
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "frozenset": "{}"}

Row = Sequence[object]


def shown(value: object) -> str:
    """What the model reads of the last value of its code; nothing of None."""
    if value is None:
        return ""
    rows = table(value)
    return f"Result:\n\n{rows}" if rows else f"Result: {written(value, LONGEST_VALUE)}"


def shortened(error: str) -> str:
    """The beginning and the end of a traceback: the end says what it was."""
    if len(error := error.rstrip("\n")) <= LONGEST_ERROR:
        return error
    return f"{error[: LONGEST_ERROR // 4]}\n{CUT}\n{error[-LONGEST_ERROR * 3 // 4 :]}"


def written(value: object, room: int) -> str:
    """The value as Python would write it, with `…` after `room` characters."""
    pieces: list[str] = []
    for piece in _pieces(value, room, DEEPEST):
        if len(piece) > room:
            return "".join([*pieces, piece[:room], CUT])
        pieces.append(piece)
        room -= len(piece)
    return "".join(pieces)


def table(value: object) -> str:
    """A list of rows (mappings with the same names, or sequences of one length) as a Markdown table; empty where the
    value is none. The first rows tell what it is, and only those that are shown are written."""
    if not isinstance(value, list | tuple):
        return ""
    checked = value[:MOST_CHECKED]
    names = _names(checked)
    if not names:
        return ""
    columns: Row = names
    if titled := not isinstance(_fields(value[0]), Mapping) and _titled(checked):
        columns = value[0]
    count = len(value) - titled
    lines = [_line(columns), _line(["---"] * min(len(columns), MOST_COLUMNS), plain=True)]
    lines += [_line(_cells(one, names)) for one in islice(value, titled, titled + MOST_ROWS)]
    if count > MOST_ROWS:
        lines.append(f"({count - MOST_ROWS:,} more rows)")
    if len(columns) > MOST_COLUMNS:
        lines.append(f"({len(columns) - MOST_COLUMNS:,} more columns)")
    return "\n".join(lines)


def _names(rows: Sequence[object]) -> Sequence[str]:
    """Those of the columns, which may be empty; none at all where the rows make no table."""
    first = _fields(rows[0]) if rows else None
    if first is None or len(first) > WIDEST:
        return ()
    if isinstance(first, Mapping):
        names = [name for name in first if isinstance(name, str)]
        same = len(names) == len(first) and all(_has(_fields(one), names) for one in rows)
        return names if same else ()
    if len(first) < 2 or any(isinstance(cell, list | dict) for cell in first):
        return ()
    same = all(not isinstance(one := _fields(row), Mapping | None) and len(one) == len(first) for row in rows)
    return [""] * len(first) if same else ()


def _has(row: Mapping[object, object] | Row | None, names: Sequence[str]) -> bool:
    return isinstance(row, Mapping) and len(row) == len(names) and all(name in row for name in names)


def _titled(rows: Sequence[object]) -> bool:
    """Whether the first row of these sequences names the columns."""
    return len(rows) > 1 and _all_text(rows[0]) and not _all_text(rows[1])


def _all_text(row: object) -> bool:
    return isinstance(row, list | tuple) and all(isinstance(cell, str) for cell in row)


def _cells(row: object, names: Sequence[str]) -> Row:
    fields = _fields(row)
    if isinstance(fields, Mapping):
        return [fields[name] for name in names]
    return fields or ()


def _fields(one: object) -> Mapping[object, object] | Row | None:
    """What stands in a row: a mapping by name (of a class's instance too), or a sequence."""
    if isinstance(one, dict):
        return one
    if isinstance(one, tuple) and (names := getattr(one, "_fields", None)):
        return dict(zip(names, one, strict=True)) if len(names) <= WIDEST else None
    if isinstance(one, list | tuple):
        return one
    attributes = getattr(one, "attributes", None)
    return attributes if isinstance(attributes, dict) else None


def _line(cells: Row, *, plain: bool = False) -> str:
    shown = [str(cell) if plain else _cell(cell) for cell in cells[:MOST_COLUMNS]]
    return f"| {' | '.join(shown)} |"


def _cell(value: object) -> str:
    text = value[: LONGEST_CELL + 1] if isinstance(value, str) else written(value, LONGEST_CELL)
    text = text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + CUT
    return " ".join(text.split()).replace("|", "\\|")


def _pieces(value: object, room: int, depth: int) -> Iterator[str]:
    if depth == 0:
        yield CUT
    elif isinstance(value, str | bytes):
        yield repr(value[: room + 1])
    elif isinstance(value, int) and value.bit_length() > LONGEST_INTEGER:
        yield f"<an integer of {value.bit_length():,} bits>"
    elif isinstance(value, dict):
        pairs = ((_pieces(key, room, depth - 1), ": ", _pieces(one, room, depth - 1)) for key, one in value.items())
        yield from _joined("{}", pairs)
    elif isinstance(value, list | tuple | Set) and (brackets := _BRACKETS.get(_kind(value))):
        yield from _joined(
            brackets, ((_pieces(one, room, depth - 1),) for one in value), of=_kind(value), size=len(value)
        )
    elif isinstance(attributes := getattr(value, "attributes", None), dict):
        named = ((f"{name}=", _pieces(one, room, depth - 1)) for name, one in attributes.items())
        yield from _joined("()", named, before=str(getattr(value, "name", "")))
    else:
        yield _plain(value)[: room + 1]


def _kind(value: object) -> str:
    return next((kind.__name__ for kind in (list, tuple, set, frozenset) if isinstance(value, kind)), "")


def _joined(
    brackets: str, parts: Iterable[Iterable[str | Iterator[str]]], *, before: str = "", of: str = "", size: int = 0
) -> Iterator[str]:
    if of in ("set", "frozenset") and not size:
        yield f"{of}()"
        return
    yield before + brackets[0]
    for number, part in enumerate(parts):
        if number:
            yield ", "
        for piece in part:
            if isinstance(piece, str):
                yield piece
            else:
                yield from piece
    yield f",{brackets[1]}" if of == "tuple" and size == 1 else brackets[1]


def _plain(value: object) -> str:
    """Of numbers, dates, paths, exceptions, types: nothing that holds other values."""
    name = getattr(value, "name", None)
    if type(value).__module__.startswith("pydantic_monty") and isinstance(name, str):
        return f"<{name}>"
    return repr(value)
