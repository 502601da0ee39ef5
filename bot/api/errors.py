"""Errors as the Assistants API gave them: `{"error": {"message", "type", "param", "code"}}` and a status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from bot.errors import ParleyError


class ApiError(ParleyError):
    """A request that is refused. `param` names the field; the message is for the programmer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type_: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        error = {"message": str(self), "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, self.headers)


def not_found(noun: str, id_: str) -> ApiError:
    return ApiError(f"No {noun} found with id '{id_}'.", status=404)


def unavailable() -> ApiError:
    return ApiError(
        "The server could not do its part just now. Please try again.", status=503, type_="server_error",
        headers={"retry-after": "1"},
    )  # fmt: skip


def broken() -> ApiError:
    return ApiError("The server had an error while it processed your request.", status=500, type_="server_error")
