"""A page of a list: so many objects, in order of time, before or after one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotFound


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for. `after` and `before` are ids of objects in the list."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """How a kind of objects is listed: by `keys`, of which the last one is unique. `noun` is for errors."""

    noun: str
    id: ColumnElement[str]
    keys: tuple[ColumnElement[Any], ...]

    async def page(
        self, connection: AsyncConnection, query: Select[Any], page: Page
    ) -> tuple[Sequence[RowMapping], bool]:
        """The rows of a page in the order that is asked for, and whether there are more beyond it.

        `query` selects all that may be listed. Raises `NotFound` for an `after` or `before` that is not among that.
        """
        place = tuple_(*self.keys)
        ascending = page.order == "asc"
        for id_, later in ((page.after, ascending), (page.before, not ascending)):
            if id_ is not None:
                at = await self._place(connection, query, id_)
                query = query.where(place > at if later else place < at)
        # The page before an object is the one that ends with it: it is read from there on backwards.
        backwards = page.before is not None and page.after is None
        rising = ascending != backwards
        ordered = query.order_by(*(key.asc() if rising else key.desc() for key in self.keys))
        rows = (await connection.execute(ordered.limit(page.limit + 1))).mappings().all()
        kept = rows[: page.limit]
        return (kept[::-1] if backwards else kept), len(rows) > page.limit

    async def _place(self, connection: AsyncConnection, query: Select[Any], id_: str) -> ColumnElement[Any]:
        found = query.with_only_columns(*self.keys).where(self.id == id_)
        row = (await connection.execute(found)).one_or_none()
        if row is None:
            raise NotFound(self.noun, id_)
        return tuple_(*row)
