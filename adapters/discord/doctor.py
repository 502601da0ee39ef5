"""Asks Discord whether the app is set up as Parley needs it: token, message content intent, servers, permissions.

Nothing is changed and nothing is posted; no session is begun. No line and no log holds the token.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import Route

from adapters.discord.address import point_at
from adapters.discord.invite import PORTAL, TOKENS, Permission, intents, invite_url, lacking
from bot.view import printable

TIMEOUT = 15.0
"""Seconds for all answers of Discord."""

SERVERS = 25
"""So many are told of, by name or with what they lack; of the others only how many they are."""

PAGE = 200
"""Servers a call, at most: https://docs.discord.com/developers/resources/user#get-current-user-guilds"""

BLOCKED = 40333
"""https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes"""

LONGEST_REASON = 200

AGAIN = "Run `parley doctor` again"

Say = Callable[[str], None]
T = TypeVar("T")


class _Trouble(Exception):
    """Discord refused a call, or what answered is not Discord."""


class _Unreachable(Exception):
    """Discord did not answer at all."""


@dataclass(frozen=True, slots=True)
class _Starts:
    """How many sessions may still be begun: https://docs.discord.com/developers/events/gateway#session-start-limit-object

    `seconds`: until `left` is `total` again. `needed`: by a start of Parley, one for each shard.
    """

    total: int
    left: int
    seconds: float
    needed: int

    def __str__(self) -> str:
        minutes = math.ceil(self.seconds / 60)
        span = f"{minutes} minutes" if minutes < 120 else f"{math.ceil(minutes / 60)} hours"
        return f"{self.left} of {self.total} session starts are left for the next {span}"


@dataclass(frozen=True, slots=True)
class _Server:
    id: str
    name: str
    lacks: tuple[Permission, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


async def examine(say: Say, *, token: str, api_url: str, guilds: Sequence[str] = ()) -> bool:
    """Say a line for each thing looked at (✓ right, ✗ wrong, · worth knowing); True where nothing is wrong.

    `guilds`: ids of the servers in which Parley has to be. discord.py is pointed at `api_url`, for the whole process.
    """
    point_at(api_url)
    with _quiet():
        examination = _Examination(say, api_url)
        async with examination.client:
            try:
                async with asyncio.timeout(TIMEOUT):
                    await examination.all(token, guilds)
            except TimeoutError:
                examination.late()
            except _Unreachable as error:
                examination.silent(str(error))
    return examination.sound


class _Examination:
    def __init__(self, say: Say, api_url: str) -> None:
        watch = aiohttp.TraceConfig()
        watch.on_request_start.append(self._started)
        watch.on_request_end.append(self._ended)
        self.client = discord.Client(intents=intents(), http_trace=watch, max_ratelimit_timeout=TIMEOUT)
        self.sound = True
        self._say = say
        self._url = api_url
        self._path, self._status = "", 0

    async def _started(self, session: object, context: object, call: aiohttp.TraceRequestStartParams) -> None:
        self._path, self._status = call.url.path, 0

    async def _ended(self, session: object, context: object, call: aiohttp.TraceRequestEndParams) -> None:
        self._status = call.response.status

    def wrong(self, sentence: str) -> None:
        self.sound = False
        self._say(f"✗ {sentence}")

    def silent(self, why: str) -> None:
        self.wrong(f"Discord does not answer at {self._url} ({why}). Check the network and DISCORD_API_URL.")

    def late(self) -> None:
        """The time is up: discord.py may have been waiting to ask again, after an answer that says why."""
        if self._status == 429:
            self.wrong(_crowded("in a minute"))
        elif self._status >= 500:
            self.wrong(self._failed())
        else:
            self.silent(f"not within {TIMEOUT:g} seconds")

    async def all(self, token: str, guilds: Sequence[str]) -> None:
        """Raises `_Unreachable`."""
        try:
            await self._ask(self.client.login(token))
        except _Trouble as trouble:
            self.wrong(str(trouble))
            return
        app = self.client.application
        assert app is not None
        name = self.client.user.display_name if self.client.user else app.name
        self._say(f"✓ The Discord token is good: {_line(name)} (app {app.id}).")
        self._settings(app)
        await self._told(self._starts())
        await self._told(self._servers(guilds))
        self._invite(app)

    async def _told(self, look: Awaitable[None]) -> None:
        """What is in the way of one look is no reason not to look further."""
        try:
            await look
        except _Trouble as trouble:
            self.wrong(str(trouble))

    def _settings(self, app: discord.AppInfo) -> None:
        """https://docs.discord.com/developers/resources/application#application-object-application-flags: the flag
        without `limited` is that of large apps. Interactions arrive by one way only:
        https://docs.discord.com/developers/interactions/receiving-and-responding#receiving-an-interaction
        """
        if app.flags.gateway_message_content or app.flags.gateway_message_content_limited:
            self._say("✓ The message content intent is on.")
        else:
            self._note("The message content intent is off: Parley hears only mentions, direct messages and slash")
            self._say(f"  commands, no follow-ups. Switch it on: {PORTAL}, Bot, Privileged Gateway Intents.")
        if app.interactions_endpoint_url is not None:
            self.wrong("The app has an Interactions Endpoint URL: buttons and slash commands go there, not to Parley.")
            self._say(f"  Remove it: {PORTAL}, General Information.")

    async def _starts(self) -> None:
        """A start too many costs the token: https://docs.discord.com/developers/events/gateway#identifying"""
        starts = await self._ask(self._limit())
        if starts.left < starts.needed:
            self.wrong(f"Only {starts}, and a start of Parley takes {starts.needed}. Wait that long.")
        elif starts.left * 10 < starts.total:
            self._note(f"Only {starts}. Find out what starts Parley so often:")
            self._say("  Discord resets the token of a bot that has used them up.")

    async def _limit(self) -> _Starts:
        told: Any = await self.client.http.request(Route("GET", "/gateway/bot"))
        limit = told["session_start_limit"]
        seconds = limit["reset_after"] / 1000
        return _Starts(int(limit["total"]), int(limit["remaining"]), seconds, int(told["shards"]))

    async def _servers(self, guilds: Sequence[str]) -> None:
        found = await self._ask(self._guilds())
        for missing in dict.fromkeys(id_ for id_ in guilds if id_ not in {server.id for server in found}):
            self.wrong(f"Parley is not in the server {missing} of DISCORD_GUILDS. Invite it there, or take that out.")
        if not found:
            self._note("Parley is in no server yet: nobody can talk to it.")
            return
        more = f", and {len(found) - SERVERS} more" if len(found) > SERVERS else ""
        servers = "1 server" if len(found) == 1 else f"{len(found)} servers"
        self._say(f"✓ Parley is in {servers}: {', '.join(map(str, found[:SERVERS]))}{more}.")
        self._permissions(found)

    def _permissions(self, found: Sequence[_Server]) -> None:
        poor = [server for server in found if server.lacks]
        for server in poor[:SERVERS]:
            for permission in server.lacks:
                tell = self.wrong if permission.vital else self._note
                tell(f"{server}: the permission {permission.name} is missing. {permission.loss}.")
        if rest := poor[SERVERS:]:
            tell = self.wrong if any(one.vital for server in rest for one in server.lacks) else self._note
            tell(f"{len(rest)} more servers lack permissions.")
        if poor:
            self._say("  Give them to Parley's role (Server Settings, Roles), or invite it again.")
        else:
            self._say("✓ It has every permission that it uses (where no channel's own settings take one away).")

    async def _guilds(self) -> list[_Server]:
        """In the order of their ids. https://docs.discord.com/developers/resources/user#get-current-user-guilds"""
        found: list[_Server] = []
        while True:
            after = int(found[-1].id) if found else None
            page = await self.client.http.get_guilds(PAGE, after=after, with_counts=False)
            found += map(_server, page)
            if len(page) < PAGE:
                return found

    def _invite(self, app: discord.AppInfo) -> None:
        if app.bot_require_code_grant:
            self._note(f"The link adds no bot while Requires OAuth2 Code Grant is on. Switch it off: {PORTAL}, Bot.")
        self._note("This link adds Parley to a server, with the permissions that it needs:")
        self._say(f"  {invite_url(str(app.id))}")

    def _note(self, sentence: str) -> None:
        self._say(f"· {sentence}")

    async def _ask(self, call: Awaitable[T]) -> T:
        """Raises `_Trouble` and `_Unreachable`."""
        try:
            return await call
        except discord.LoginFailure:
            raise _Trouble(_unknown()) from None
        except discord.RateLimited as error:
            raise _Trouble(_crowded(f"in {math.ceil(error.retry_after)} seconds")) from None
        except discord.HTTPException as error:
            raise _Trouble(self._refusal(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Unreachable(str(error) or type(error).__name__) from error
        except (LookupError, TypeError, ValueError, AttributeError):  # what the client makes of other answers
            raise _Trouble(self._blocked() if self._status == 429 else self._stranger()) from None

    def _refusal(self, error: discord.HTTPException) -> str:
        """A 429 that did not pass Discord's proxies is a ban of the address, as discord.py reads it too:
        https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
        """
        if error.status == 401:
            return _unknown()
        if error.code == BLOCKED or (error.status == 429 and not error.response.headers.get("Via")):
            return self._blocked()
        if error.status == 429:
            return _crowded("in a minute")
        if error.status >= 500:
            return self._failed()
        if not error.code:
            return self._stranger()
        reason = _line(error.text)[:LONGEST_REASON].rstrip(".")
        return f"Discord refused {self._path} (HTTP {error.status}): {reason}."

    def _blocked(self) -> str:
        blocks = f"Discord's network blocks this address for a while (HTTP {self._status})"
        return f"{blocks}, as it does after many refused calls. Stop what makes them, and try again in an hour."

    def _failed(self) -> str:
        return f"Discord failed to answer {self._path} (HTTP {self._status}). {AGAIN} in a minute."

    def _stranger(self) -> str:
        return f"What answered {self._path} (HTTP {self._status}) is not Discord's API. Check DISCORD_API_URL."


def _server(guild: Any) -> _Server:
    """`permissions` are those of its roles: https://docs.discord.com/developers/resources/guild#guild-object"""
    held = discord.Permissions(int(guild["permissions"]))
    lacks = () if guild.get("owner") else tuple(lacking(held))
    return _Server(str(int(guild["id"])), _line(guild["name"]), lacks)


def _unknown() -> str:
    return f"Discord does not know DISCORD_TOKEN. Copy it again: {TOKENS}."


def _crowded(when: str) -> str:
    return f"Discord had too many calls of this bot. {AGAIN} {when}."


def _line(text: str) -> str:
    """What somebody wrote, in one line."""
    return " ".join(printable(text).split())


@contextmanager
def _quiet() -> Iterator[None]:
    """discord.py logs what the lines tell better. Its loggers have no levels of their own."""
    logger = logging.getLogger("discord")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
