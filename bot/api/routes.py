"""The routes of the Assistants protocol, and what stands around each: the key, and errors in the API's own form.

Each is there under `/v1` and, for clients of Azure OpenAI, under `/openai` and `/openai/v1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Message, Receive, Scope, Send

from bot.api import assistants, files, messages, runs, steps, threads, vector_stores
from bot.api.call import Call, Desk, Endpoint
from bot.api.errors import ApiError, broken, not_found, unavailable
from bot.api.refusals import short
from bot.errors import BadToolOutputs, NotFound, StoreError
from bot.tenants import Tenant

PREFIXES = ("/v1", "/openai/v1", "/openai")
LARGEST_BODY = 2_000_000
"""Bytes of a request that is JSON: 100 messages of some 20 kB. What is larger is answered with 413."""

LONGEST_PATH = 200
"""Characters of a path that an error repeats."""

UNBOUNDED = 1 << 62
"""What starlette is told to let through: `_bounded` is there."""

Taken = TypeVar("Taken", Mount, Route)
Table = Mapping[str, Mapping[str, Endpoint]]

ENDPOINTS: Table = {
    **assistants.ENDPOINTS,
    **runs.ENDPOINTS,  # `/threads/runs` is no thread
    **threads.ENDPOINTS,
    **messages.ENDPOINTS,
    **steps.ENDPOINTS,
    **files.ENDPOINTS,
    **vector_stores.ENDPOINTS,
}

log = structlog.get_logger(__name__)


class Keys(Protocol):
    """Tells whose a key is: `bot.api.keys.Keys`."""

    async def tenant(self, key: str) -> Tenant | None: ...


def routes(desk: Desk, keys: Keys) -> Sequence[BaseRoute]:
    return [_whole(Mount(prefix, routes=list(_table(desk, keys)))) for prefix in PREFIXES]


def _table(desk: Desk, keys: Keys) -> Iterator[BaseRoute]:
    for table, most in ((files.UPLOADS, files.LARGEST_UPLOAD), (ENDPOINTS, LARGEST_BODY)):
        for path, methods in table.items():
            yield Route(path, _Answering(desk, keys, methods, most), max_body_size=UNBOUNDED)
    yield _whole(Route("/{path:path}", _Answering(desk, keys, {}, LARGEST_BODY), max_body_size=UNBOUNDED))


def _whole(route: Taken) -> Taken:
    """A route whose path may also have line breaks in it, which `%0A` stands for."""
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route


class _Answering:
    """The endpoints of a path, one for each method, behind the key."""

    def __init__(self, desk: Desk, keys: Keys, methods: Mapping[str, Endpoint], most: int) -> None:
        self._desk = desk
        self._keys = keys
        self._methods = methods
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, _bounded(receive, self._most), send)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            tenant = await _tenant(request, self._keys)
            return await _served(Call(request, tenant, self._desk), self._methods, self._most)
        except ApiError as error:
            return error.response()
        except NotFound as error:
            return not_found(error.noun, short(error.id)).response()
        except BadToolOutputs as error:
            return ApiError(str(error), param="tool_outputs").response()
        except StoreError as error:
            log.warning("request not served", path=request.url.path, error=str(error))
            return unavailable().response()
        except HTTPException as error:
            return ApiError(error.detail, status=error.status_code).response()
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request failed", path=request.url.path)
            return broken().response()


def _bounded(receive: Receive, most: int) -> Receive:
    """A body of at most so many bytes. Raises `ApiError`; starlette's own limit answers in a form of its own."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise _too_large(most)
        return message

    return bounded


def _too_large(most: int) -> ApiError:
    return ApiError(f"The body of the request is larger than {most // 1_000_000} MB.", status=413)


async def _served(call: Call, methods: Mapping[str, Endpoint], most: int) -> Response:
    endpoint = methods.get(call.request.method)
    if endpoint is None:
        raise _no_such(call.request, methods)
    if int(call.request.headers.get("content-length") or 0) > most:
        raise _too_large(most)
    result = await endpoint(call)
    return result if isinstance(result, Response) else JSONResponse(result)


async def _tenant(request: Request, keys: Keys) -> Tenant:
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    key = said.strip() if scheme.lower() == "bearer" else request.headers.get("api-key", "").strip()
    if not key:
        raise ApiError(
            "You didn't provide an API key. Send it as “Authorization: Bearer KEY”, or as “api-key: KEY”.",
            status=401,
        )  # fmt: skip
    tenant = await keys.tenant(key)
    if tenant is None:
        raise ApiError("Incorrect API key provided.", status=401, code="invalid_api_key")
    return tenant


def _no_such(request: Request, methods: Mapping[str, Endpoint]) -> ApiError:
    path = request.url.path
    path = path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"
    if methods:
        return ApiError(
            f"Not allowed to {request.method} on {path}. Allowed: {', '.join(sorted(methods))}.",
            status=405, code="method_not_supported", headers={"allow": ", ".join(sorted(methods))},
        )  # fmt: skip
    return ApiError(f"Invalid URL ({request.method} {path}).", status=404, code="unknown_url")
