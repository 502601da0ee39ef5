"""Lists, a page at a time: `limit`, `order`, `after` and `before`, and what was found of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bot.api.body import Body, checked
from bot.api.errors import ApiError
from bot.store.paging import Page

DEFAULT_LIMIT, MOST = 20, 100
"""https://platform.openai.com/docs/api-reference/messages/listMessages"""


class _Query(Body):
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


PAGING = frozenset({"limit", "order", "after", "before"})


def asked(query: Mapping[str, str], most: int = MOST) -> Page:
    """Raises `ApiError`. Other parameters than these are nothing here."""
    found = checked({name: query[name] for name in ("order", "after", "before") if name in query}, _Query)
    return Page(_limit(query.get("limit"), most), found.order, found.after or None, found.before or None)


def _limit(said: str | None, most: int) -> int:
    if said is None:
        return DEFAULT_LIMIT
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise ApiError(
            "Invalid type for 'limit': expected an integer.", param="limit", code="invalid_type"
        )  # fmt: skip
    for wrong, side, bound in ((int(said) < 1, "below min", ">= 1"), (int(said) > most, "above max", f"<= {most}")):
        if wrong:
            raise ApiError(
                f"Invalid 'limit': integer {side}imum value. Expected a value {bound}, but got {int(said)} instead.",
                param="limit", code=f"integer_{side.replace(' ', '_')}_value",
            )  # fmt: skip
    return int(said)


def listed(objects: Sequence[Mapping[str, Any]], has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": list(objects),
        "first_id": objects[0]["id"] if objects else None,
        "last_id": objects[-1]["id"] if objects else None,
        "has_more": has_more,
    }
