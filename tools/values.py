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
LONGEST_CELL = 80
LONGEST_INTEGER = 14_000
"""Bits; Python itself refuses to write integers beyond 4,300 digits."""
CUT = "…"
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "frozenset": "{}"}

Row = Sequence[object]


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
    value is none."""
    if not isinstance(value, list | tuple) or not value:
        return ""
    columns, rows = _rows(value)
    if not columns:
        return ""
    lines = [_line(columns), _line(["---"] * min(len(columns), MOST_COLUMNS), plain=True)]
    lines += map(_line, islice(rows, MOST_ROWS))
    if len(rows) > MOST_ROWS:
        lines.append(f"({len(rows) - MOST_ROWS:,} more rows)")
    if len(columns) > MOST_COLUMNS:
        lines.append(f"({len(columns) - MOST_COLUMNS:,} more columns)")
    return "\n".join(lines)


def _rows(value: Sequence[object]) -> tuple[Row, Sequence[Row]]:
    """The names of the columns and the rows; no columns where they are no table."""
    fields = [_fields(one) for one in value]
    first = fields[0]
    if isinstance(first, Mapping):
        names = list(islice(first, 1_000))
        if all(isinstance(name, str) for name in names):
            rows = [[one[name] for name in names] for one in fields if isinstance(one, Mapping) and _has(one, names)]
            return (names, rows) if len(rows) == len(fields) else ((), ())
    elif isinstance(first, Sequence) and 2 <= len(first) <= 1_000:
        same = [one for one in fields if isinstance(one, Sequence) and len(one) == len(first)]
        if len(same) == len(fields) and not any(isinstance(cell, list | dict) for cell in first):
            titled = len(same) > 1 and all(isinstance(cell, str) for cell in first) and not _all_text(same[1])
            return (first, same[1:]) if titled else ([""] * len(first), same)
    return (), ()


def _has(one: Mapping[object, object], names: Sequence[object]) -> bool:
    return len(one) == len(names) and all(name in one for name in names)


def _all_text(row: Row) -> bool:
    return all(isinstance(cell, str) for cell in row)


def _fields(one: object) -> Mapping[object, object] | Row | None:
    """What stands in a row: a mapping by name (of a class's instance too), or a sequence."""
    if isinstance(one, dict):
        return one
    if isinstance(one, tuple) and (names := getattr(one, "_fields", None)):
        return dict(zip(names, one, strict=True))
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
