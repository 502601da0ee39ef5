"""Breaks a sound payload in some places: fields that are missing, of another type, doubled, or renamed.

A break names its place by a number, so that examples say the same for every payload, and grow small.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.values import odd

How = Literal["remove", "replace", "text", "wrap", "null"]


@dataclass(frozen=True, slots=True)
class Break:
    """`at` counts the places of the payload, round and round."""

    at: int
    how: How
    value: Any = None


def breaks(most: int = 3) -> SearchStrategy[list[Break]]:
    """Up to `most` of them; none, half of the time."""
    one = st.builds(_broken, st.integers(0, 400), st.sampled_from(["remove", "replace", "text", "wrap", "null"]), odd())
    return st.one_of(st.just([]), st.lists(one, min_size=1, max_size=most))


def _broken(at: int, how: How, value: Any) -> Break:
    return Break(at, how, value if how == "replace" else None)


def broken(payload: Any, places: Sequence[Break]) -> Any:
    """A copy of the payload, broken there."""
    whole = {"": _copied(payload)}
    for one in places:
        found = list(_places(whole))
        if found:
            _break(*found[one.at % len(found)], one)
    return whole.get("")


def _copied(value: Any) -> Any:
    """However deep it is."""
    return json.loads(json.dumps(value))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every key and index of it, the outer ones first, with what it belongs to."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    pairs = list(inside)
    for key, _ in pairs:
        if key != "":
            yield value, key
    for _, inner in pairs:
        yield from _places(inner)


def _break(holder: Any, key: Any, one: Break) -> None:
    match one.how:
        case "remove":
            del holder[key]
        case "replace":
            holder[key] = _copied(one.value)
        case "text":
            holder[key] = str(holder[key])[:200]
        case "wrap":
            holder[key] = [holder[key]]
        case "null":
            holder[key] = None
