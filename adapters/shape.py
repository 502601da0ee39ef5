"""Shape: a payload so far as an adapter looks into it, and what is wrong with one that does not have it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, InstanceOf, ValidationError

Text = InstanceOf[str]
"""Any text: half a surrogate pair is made well-formed later."""
Maybe = Text | None
LONGEST = 200
"""Characters of what is told."""


class Shape(BaseModel):
    """Fields that are not named may be anything."""


def misfit(shape: type[Shape], value: Any) -> str:
    """Why a value does not have a shape, in a few words without what it says; empty where it has it."""
    try:
        shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['type']}"[:LONGEST]
    except (ValueError, TypeError, RecursionError) as error:
        return type(error).__name__
    return ""
