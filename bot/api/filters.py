"""Filters: what the attributes of a file have to be for its passages to be found.

https://platform.openai.com/docs/guides/retrieval#attribute-filtering
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import ge, gt, le, lt
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from bot.api.body import Body, Text
from bot.api.forms import Number

MOST = 100
"""Comparisons in one filter."""
_VALUES = 1_000
"""In one list."""

_Value = Annotated[Text, StringConstraints(max_length=512)] | bool | Number
_ORDERS = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


class Comparison(Body):
    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Annotated[Text, StringConstraints(max_length=64)]
    value: _Value | Annotated[list[_Value], Field(max_length=_VALUES)]

    @model_validator(mode="after")
    def _whole(self) -> Comparison:
        if (self.type in ("in", "nin")) != isinstance(self.value, list):
            raise ValueError("'in' and 'nin', and no others, compare with a list")
        return self


class Compound(Body):
    type: Literal["and", "or"]
    filters: Annotated[list[Filter], Field(min_length=1, max_length=MOST)]


Filter = Annotated[Comparison | Compound, Field(discriminator="type")]
Compound.model_rebuild()


def size(one: Comparison | Compound) -> int:
    """How many comparisons there are."""
    return 1 if isinstance(one, Comparison) else sum(map(size, one.filters))


def fits(one: Comparison | Compound, attributes: Mapping[str, Any]) -> bool:
    """An attribute that is missing is equal to nothing, and neither more nor less than anything."""
    if isinstance(one, Compound):
        found: Iterator[bool] = (fits(inner, attributes) for inner in one.filters)
        return all(found) if one.type == "and" else any(found)
    has = attributes.get(one.key)
    match one.type:
        case "eq":
            return _same(has, one.value)
        case "ne":
            return not _same(has, one.value)
        case "in" | "nin":
            values = one.value if isinstance(one.value, list) else [one.value]
            return any(_same(has, value) for value in values) == (one.type == "in")
        case _:
            comparable: Any = has
            return _kind(has) == _kind(one.value) != "nothing" and bool(_ORDERS[one.type](comparable, one.value))


def _same(one: object, other: object) -> bool:
    """`true` is not 1."""
    return _kind(one) == _kind(other) and one == other


def _kind(value: object) -> str:
    match value:
        case bool():
            return "truth"
        case int() | float():
            return "number"
        case str():
            return "text"
        case _:
            return "nothing"
