"""The one door to Discord's REST API: every call goes through it, in its turn, is tried again where that can do no
harm, and fails with a `DiscordError` and nothing else.

discord.py sends it, counts Discord's buckets, and waits where Discord asks for a pause; here is decided who goes first,
by what the headers told.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import structlog
from discord.http import Route

from adapters.asides import Asides
from adapters.discord.address import point_at
from adapters.discord.errors import (
    ANSWERED_ALREADY,
    THREAD_EXISTS,
    DiscordError,
    Paused,
    broken,
    limited,
    pause_of,
    refused,
)
from adapters.discord.limits import GLOBAL, STATE, Room, keys_of
from adapters.discord.ratelimits import prompt
from adapters.discord.routes import bucket_at, bucket_of
from adapters.effort import Effort
from adapters.pace import Clock, Pace, Rank
from adapters.turns import Turns

__all__ = ["Calls", "DiscordError", "Route"]

log = structlog.get_logger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
"""Seconds for one attempt at a call, the connection in it."""
UPLOADING = aiohttp.ClientTimeout(total=40, sock_connect=5)
"""The same where it brings files."""

SHORT = 5.0
"""Seconds: a pause that is no longer is left to discord.py."""
LONGEST = 45.0
"""Seconds for a call with all the pauses that discord.py makes in it by itself."""

HARMLESS = frozenset({ANSWERED_ALREADY, THREAD_EXISTS})
"""What Discord says where an attempt before this one was successful."""

QUIET = 60.0
"""Seconds for which the same trouble is not told again."""


class Calls:
    def __init__(self, pace: Pace, clock: Clock) -> None:
        """Made inside a running event loop. `pace` is closed by `close`."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._answered)
        self.client = discord.Client(intents=discord.Intents.none(), http_trace=trace, max_messages=None)
        self._turns = Turns()
        """One call a bucket at a time: discord.py forgets those on their way when a bucket is full again."""
        self._asides = Asides()
        prompt(self.client, self._asides)
        self._pace = pace
        self._clock = clock
        self._told: dict[tuple[str, int, int], float] = {}

    async def login(self, token: str, api_url: str) -> None:
        """Raises `DiscordError` where Discord refuses the token, or is not to be reached."""
        point_at(api_url)
        try:
            async with asyncio.timeout(LONGEST):
                await self.client.login(token)
        except discord.LoginFailure as error:
            raise DiscordError(
                "Discord does not know the bot's token: set DISCORD_TOKEN anew.",
                what="GET /users/@me",
                status=401,
                permanent=True,
            ) from error
        except Exception as error:
            raise _told_of("GET /users/@me", error) from error

    async def call(
        self,
        route: Route,
        *,
        rank: Rank,
        json: Any = None,
        form: list[dict[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
        patient: bool = True,
        sure: bool = False,
        paced: bool = False,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> Any:
        """Make a call when it is its turn, and return what Discord answers, parsed.

        `form` is a multipart body in place of `json`, with files as bytes; `timeout` is that of one attempt. `patient`
        and `sure` are those of `Effort`. `paced`: its turn was taken beforehand, by `wait`. Raises `DiscordError`.
        """
        what = f"{route.method} {route.path}"
        space = bucket_of(route)
        where, turn = space or what, self._turns.of(space, "") if space else asyncio.Lock()
        everywhere = not (route.webhook_token or route.path.startswith("/interactions"))
        keys = keys_of(where, rank if space else Rank.FINAL, everywhere=everywhere)
        effort = Effort(patient, sure)
        given: dict[str, Any] = {} if json is None else {"json": json}
        if params:
            given["params"] = params
        while True:
            if not paced:
                await self._pace.turn(keys, rank)
            paced = False
            try:
                async with turn, asyncio.timeout(LONGEST):
                    parts, files = _opened(form or ())
                    return await self.client.http.request(route, files=files, form=parts, timeout=timeout, **given)
            except Exception as trouble:
                error = _told_of(what, trouble)
                self._tell(error)
                if error.limited:
                    self._pace.hold(GLOBAL if error.everywhere else where, error.retry_after or 0.0)
                pause = effort.pause(error, self._clock.now())
                if pause is None:
                    raise error from trouble
            if pause:
                await self._clock.sleep(pause)

    def room(self, where: str) -> bool:
        """Whether there is room in a bucket."""
        return not self._pace.delay((where,))

    async def wait(self, where: str, *, everywhere: bool) -> None:
        """Take the turn of a state on the way beforehand, so that it can bring the newest: `call(…, paced=True)`."""
        await self._pace.turn(keys_of(where, Rank.STATE, everywhere=everywhere), Rank.STATE)

    async def close(self) -> None:
        """Whoever still waits for a turn is cancelled."""
        await self._pace.close()
        await self._asides.drop()
        await self.client.close()

    async def _answered(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        """The headers of every answer: https://docs.aiohttp.org/en/stable/tracing_reference.html

        A long pause is not left to discord.py, which would wait it out in the call; nor is one of all calls, which it
        never ends where its own call is broken off meanwhile.
        """
        pause, told = pause_of(params.response), params.response.headers
        everywhere = "X-RateLimit-Global" in told or "Via" not in told
        if pause and (everywhere or pause > SHORT):
            params.response.close()
            raise Paused(pause, everywhere=everywhere)
        where = bucket_at(params.method, params.url.path)
        room = Room.read(params.response.headers) if where else None
        if room is not None:
            self._pace.hold(f"{STATE}{where}", room.spacing)
            if not room.left:
                self._pace.hold(where, room.seconds)

    def _tell(self, error: DiscordError) -> None:
        """A warning for each kind of trouble, and no storm of them."""
        if error.code in HARMLESS:
            return
        kind, now = (error.what, error.status, error.code), self._clock.now()
        if now - self._told.get(kind, -QUIET) < QUIET:
            return
        self._told[kind] = now
        log.warning("Discord call failed", what=error.what, status=error.status, code=error.code, problem=str(error))


def _opened(form: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[discord.File]]:
    """A multipart body whose files discord.py can send again: it goes back to their beginning."""
    parts = [dict(part) for part in form]
    files = []
    for part in parts:
        if "filename" in part:
            file = discord.File(io.BytesIO(part["value"]), part["filename"])
            part["value"] = file.fp
            files.append(file)
    return parts, files


def _told_of(what: str, trouble: Exception) -> DiscordError:
    """Raises what is no trouble of Discord's as it is."""
    match trouble:
        case discord.HTTPException():
            return refused(what, trouble)
        case Paused():
            return limited(what, trouble.seconds, everywhere=trouble.everywhere)
        case aiohttp.ClientError() | TimeoutError() | OSError() | ValueError():
            return broken(what, trouble)
    raise trouble
