"""A working fake of Open-Meteo on loopback: both APIs on one base URL, a log of requests, faults on demand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators.open_meteo.faults import Cut, Fault, Gate
from tests.simulators.open_meteo.forecast import Weather, forecast, read, usual_weather
from tests.simulators.open_meteo.gazetteer import PLACES, Entry
from tests.simulators.open_meteo.refusal import Refused
from tests.simulators.open_meteo.search import search
from tests.simulators.serve import serve

SEARCH, FORECAST = "/v1/search", "/v1/forecast"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and when it came, in Unix seconds."""

    path: str
    params: dict[str, str]
    at: float


class OpenMeteo:
    """What the fake knows and is asked. `url` is the base of both APIs; `now` gives Unix seconds; `places`: all that
    there are.
    """

    def __init__(self, now: Callable[[], float] = time.time, places: Sequence[Entry] = PLACES) -> None:
        self.url, self.places = "", places
        self.requests: list[Asked] = []
        self._now = now
        self._weather = {_key(entry): usual_weather(entry) for entry in places}
        self._faults: list[Fault] = []
        self._gates: list[Gate] = []
        self.app = Starlette(routes=[Route(SEARCH, self._search), Route(FORECAST, self._forecast)])

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def weather(self, place: str, **changes: Any) -> Weather:
        """Changes fields of a place's `Weather` and returns it. `place` is `"Springfield, Illinois"`, or unique."""
        matching = [key for key in self._weather if key == place or key.split(", ")[0] == place]
        if not matching:
            raise KeyError(place)
        self._weather[matching[0]] = replace(self._weather[matching[0]], **changes)
        return self._weather[matching[0]]

    def answer_next(self, status: int, body: bytes = b"", *, path: str = "") -> None:
        """The next request (to `path`, if given) is answered so, whatever it asks."""
        self._faults.append(Fault(path, lambda: Response(body, status, media_type="application/json")))

    def refuse_next(self, status: int, reason: str, *, path: str = "") -> None:
        self._faults.append(Fault(path, lambda: JSONResponse({"error": True, "reason": reason}, status)))

    def cut_next(self, *, path: str = "") -> None:
        """The next answer breaks off in its body."""
        self._faults.append(Fault(path, Cut))

    def hold(self, path: str) -> Gate:
        """Requests to `path` wait from now on, until the gate is opened."""
        gate = Gate(path)
        self._gates.append(gate)
        return gate

    async def _search(self, request: Request) -> Response:
        return await self._answer(request, lambda query: search(query, self.places))

    async def _forecast(self, request: Request) -> Response:
        return await self._answer(request, self._forecast_for)

    def _forecast_for(self, query: dict[str, str]) -> dict[str, Any]:
        asked = read(query, self.places)
        return forecast(asked, self._weather[_key(asked.entry)], self._now())

    async def _answer(self, request: Request, body: Callable[[dict[str, str]], dict[str, Any]]) -> Response:
        asked = Asked(request.url.path, dict(request.query_params), self._now())
        self.requests.append(asked)
        for gate in [gate for gate in self._gates if gate.path == asked.path]:
            await gate.hold(request)
        if fault := next((fault for fault in self._faults if fault.path in ("", asked.path)), None):
            self._faults.remove(fault)
            return fault.response()
        try:
            return JSONResponse(body(asked.params))
        except Refused as refused:
            return JSONResponse({"error": True, "reason": str(refused)}, 400)


def _key(entry: Entry) -> str:
    return f"{entry.name}, {entry.admin1}"


@asynccontextmanager
async def open_meteo(
    *, port: int = 0, now: Callable[[], float] = time.time, places: Sequence[Entry] = PLACES
) -> AsyncIterator[OpenMeteo]:
    """The fake, served on loopback for as long as the block lasts."""
    fake = OpenMeteo(now, places)
    async with serve(fake.app, port=port) as fake.url:
        yield fake
