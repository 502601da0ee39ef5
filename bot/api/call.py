"""One request of a program, as endpoints see it: whose it is, what it holds, and what they work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.api import pages
from bot.api.body import Form, parsed
from bot.api.errors import ApiError
from bot.api.indexing import Indexing
from bot.api.refusals import short, supported
from bot.assistants.engine import Engine
from bot.clock import Clock
from bot.handler import Handler
from bot.library import Library
from bot.relay import Relay
from bot.store.database import Database
from bot.store.paging import Page
from bot.tenants import Tenant

JSON = dict[str, Any]
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Desk:
    """What endpoints work with."""

    database: Database
    engine: Engine
    handler: Handler
    relay: Relay
    library: Library
    clock: Clock
    tools: Mapping[str, bool]
    """Parley's own tools, and whether the code wants each call to be approved."""
    indexing: Indexing


@dataclass(frozen=True, slots=True)
class Call:
    request: Request
    tenant: Tenant
    desk: Desk

    def id(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    async def body(self, form: type[Form]) -> Form:
        """Raises `ApiError`."""
        data = await self.request.body()
        kind = self.request.headers.get("content-type", JSON_TYPE)
        if data and kind.partition(";")[0].strip().lower() != JSON_TYPE:
            raise ApiError(
                f"Unsupported content type: '{short(kind)}'. This API method only accepts '{JSON_TYPE}' requests.",
                status=415, code="unsupported_content_type",
            )  # fmt: skip
        return parsed(data, form)

    def page(self, *others: str) -> Page:
        """What the query asks for. `others` are further parameters that are known. Raises `ApiError`."""
        query = self.query(*pages.PAGING, *others)
        return pages.asked(query)

    def query(self, *known: str) -> Mapping[str, str]:
        """Raises `ApiError` for a parameter that is not known."""
        query = self.request.query_params
        for name in query:
            if name.removesuffix("[]") not in (*known, "api-version"):
                said = short(name)
                raise ApiError(f"Unknown parameter: '{said}'.", param=said, code="unknown_parameter")
        return query

    def included(self, known: Collection[str]) -> Collection[str]:
        """What further fields the query asks for. Raises `ApiError`."""
        asked = [*self.request.query_params.getlist("include[]"), *self.request.query_params.getlist("include")]
        for one in asked:
            if one not in known:
                raise ApiError(supported(one, sorted(known)), param="include", code="invalid_value")
        return asked


Endpoint = Callable[[Call], Awaitable[JSON | Response]]
