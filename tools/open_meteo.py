"""Open-Meteo over HTTP: one GET, shared while it is in flight, whose failures are sentences for the model.

No key is needed. Errors come as HTTP 400 with `{"error": true, "reason": "…"}`.
https://open-meteo.com/en/docs#api_documentation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from tools.context import context
from tools.flight import Flight
from tools.registry import ToolError

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path under a base URL that the operator may set."""

    setting: str
    default: str
    path: str

    def url(self) -> str:
        return context().setting(self.setting, self.default).rstrip("/") + self.path


FORECAST = Endpoint("OPEN_METEO_URL", "https://api.open-meteo.com", "/v1/forecast")
SEARCH = Endpoint("OPEN_METEO_GEOCODING_URL", "https://geocoding-api.open-meteo.com", "/v1/search")


class _Refusal(BaseModel):
    reason: str


_flight: Flight[bytes] = Flight()


async def ask(endpoint: Endpoint, params: Mapping[str, str], answer: type[Answer]) -> Answer:
    """The endpoint's JSON answer, read as `answer`. Raises `ToolError` where there is none or it does not fit."""
    client, url = context().http, endpoint.url()
    body = await _flight.join((client, url, frozenset(params.items())), lambda: _get(client, url, params))
    try:
        return answer.model_validate_json(body)
    except ValidationError:
        raise ToolError("Open-Meteo's answer could not be understood. Try again later.") from None


async def _get(client: httpx2.AsyncClient, url: str, params: Mapping[str, str]) -> bytes:
    try:
        response = await client.get(url, params=params)
    except httpx2.TimeoutException:
        raise ToolError("Open-Meteo did not answer in time. Try again later.") from None
    except httpx2.RequestError:
        raise ToolError("Open-Meteo could not be reached. Try again later.") from None
    if response.status_code != httpx2.codes.OK:
        raise ToolError(_refusal(response))
    return response.content


def _refusal(response: httpx2.Response) -> str:
    status = f"HTTP {response.status_code}"
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return f"Open-Meteo takes no more requests for now ({status}). Try again later."
    if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return f"Open-Meteo is out of order ({status}). Try again later."
    try:
        reason = _Refusal.model_validate_json(response.content).reason
    except ValidationError:
        return f"Open-Meteo refused the request ({status})."
    return f"Open-Meteo refused the request ({status}): {reason[:200]}"
