"""The routes of the Assistants protocol, and what stands around each: the key, and errors in the API's own form.

Each is there under `/v1` and, for clients of Azure OpenAI, under `/openai` and `/openai/v1`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Protocol

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from bot.api import assistants, files, messages, runs, steps, threads, vector_stores
from bot.api.call import Call, Desk, Endpoint
from bot.api.errors import ApiError, broken, unavailable
from bot.errors import BadToolOutputs, NotFound, StoreError
from bot.tenants import Tenant

PREFIXES = ("/v1", "/openai/v1", "/openai")
LARGEST_BODY = 2_000_000
"""Bytes of a request that is JSON: 100 messages of some 20 kB. What is larger is answered with 413."""

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
    return [Mount(prefix, routes=list(_table(desk, keys))) for prefix in PREFIXES]


def _table(desk: Desk, keys: Keys) -> Iterator[BaseRoute]:
    for table, most in (
        (files.UPLOADS, files.LARGEST_UPLOAD),
        (ENDPOINTS, LARGEST_BODY),
        ({"/{path:path}": {}}, LARGEST_BODY),
    ):
        for path, methods in table.items():
            yield Route(path, _answering(desk, keys, methods, most), methods=list(_METHODS), max_body_size=most)


_METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH")


def _answering(
    desk: Desk, keys: Keys, methods: Mapping[str, Endpoint], most: int
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The endpoints of a path, one for each method, behind the key."""

    async def answer(request: Request) -> Response:
        try:
            tenant = await _tenant(request, keys)
            return await _served(Call(request, tenant, desk), methods, most)
        except ApiError as error:
            return error.response()
        except NotFound as error:
            return ApiError(str(error), status=404).response()
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

    return answer


async def _served(call: Call, methods: Mapping[str, Endpoint], most: int) -> Response:
    endpoint = methods.get(call.request.method)
    if endpoint is None:
        raise _no_such(call.request, methods)
    if int(call.request.headers.get("content-length") or 0) > most:
        raise ApiError(f"The body of the request is larger than {most // 1_000_000} MB.", status=413)
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
    if methods:
        return ApiError(
            f"Not allowed to {request.method} on {path}. Allowed: {', '.join(sorted(methods))}.",
            status=405, code="method_not_supported", headers={"allow": ", ".join(sorted(methods))},
        )  # fmt: skip
    return ApiError(f"Invalid URL ({request.method} {path}).", status=404, code="unknown_url")
