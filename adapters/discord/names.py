"""Names: what people, roles and channels are called, and what kind of place a channel is, asked of Discord where the
gateway has not told it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
import structlog

from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.hearing import DIRECT, OPENING, Place, one_line, place_of
from adapters.pace import Clock, Rank
from adapters.remembered import Remembered

THREADS = frozenset({10, 11, 12})
DIRECTS = frozenset({1, 3})
"""https://docs.discord.com/developers/resources/channel#channel-object-channel-types"""

MOST = 20
"""People of a message whose names are asked for."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is empty for nobody; `roles`: the ids of those in the server."""

    name: str
    roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """`roles`: the ids of somebody's roles in a server; `admin`: they may manage it."""

    roles: Sequence[str]
    admin: bool


class Names:
    def __init__(self, calls: Calls, clock: Clock) -> None:
        self.client: discord.Client | None = None
        """The gateway's, which knows the servers, their roles and channels."""
        self._calls = calls
        self._people = Remembered(clock, self._ask_person)
        self._places = Remembered(clock, self._ask_place)

    @property
    def reads_content(self) -> bool:
        """Whether Discord tells what people write who do not mention Parley."""
        return self.client is None or self.client.intents.message_content

    async def people(self, server: str, ids: Collection[str]) -> Mapping[str, str]:
        """The names that can be had, of the first few. Raises `DiscordError` where they could be had later."""
        asked = list(ids)[:MOST]
        found = await asyncio.gather(*(self.person(server, id_) for id_ in asked))
        return {id_: person.name for id_, person in zip(asked, found, strict=True) if person.name}

    async def person(self, server: str, id_: str) -> Person:
        """Without a name where Discord knows nobody there. Raises `DiscordError`."""
        return await self._people.get(f"{server} {id_}")

    async def member(self, server: str, id_: str) -> Member | None:
        """What somebody may do in a server, told from elsewhere; None for no member, and where it is not known.

        Raises `DiscordError`. https://docs.discord.com/developers/topics/permissions#permission-hierarchy
        """
        guild, person = self._guild(server), await self.person(server, id_)
        if guild is None or not person.name:
            return None
        held = [role.permissions for each in person.roles if (role := guild.get_role(int(each)))]
        runs = any(each.administrator or each.manage_guild for each in held)
        return Member(person.roles, runs or str(guild.owner_id) == id_)

    def roles(self, server: str, ids: Collection[str]) -> Mapping[str, str]:
        guild = self._guild(server)
        found = {id_: guild.get_role(int(id_)) for id_ in ids} if guild else {}
        return {id_: role.name for id_, role in found.items() if role}

    def channels(self, server: str, ids: Collection[str]) -> Mapping[str, str]:
        guild = self._guild(server)
        found = {id_: guild.get_channel_or_thread(int(id_)) for id_ in ids} if guild else {}
        return {id_: channel.name for id_, channel in found.items() if channel}

    async def place(self, server: str, channel: str) -> Place | None:
        """None where Discord knows no such channel, or shows it to Parley no more. Raises `DiscordError`."""
        if server == DIRECT:
            return Place(channel)
        guild = self._guild(server)
        if guild and (known := place_of(guild.get_channel_or_thread(int(channel)))):
            return known
        try:
            return await self._places.get(channel)
        except DiscordError as error:
            if not error.permanent:
                raise
            log.info("place not known", code=error.code)
            return None

    def _guild(self, server: str) -> discord.Guild | None:
        return self.client.get_guild(int(server)) if self.client and server != DIRECT else None

    async def _ask_person(self, key: str) -> Person:
        """https://docs.discord.com/developers/resources/guild#get-guild-member"""
        server, _, id_ = key.partition(" ")
        try:
            if server == DIRECT:
                return Person(_name(await self._get("/users/{user_id}", user_id=id_), id_))
            found = await self._get("/guilds/{guild_id}/members/{user_id}", guild_id=server, user_id=id_)
        except DiscordError as error:
            if not error.permanent:
                raise
            return Person("")
        name = one_line(found.get("nick") or "") or _name(found["user"], id_)
        return Person(name, (server, *map(str, found["roles"])))

    async def _ask_place(self, channel: str) -> Place:
        """https://docs.discord.com/developers/resources/channel#get-channel"""
        found = await self._get("/channels/{channel_id}", channel_id=channel)
        if found["type"] in DIRECTS:
            return Place(channel)
        parent = str(found["parent_id"]) if found["type"] in THREADS else ""
        opens = found["type"] in {kind.value for kind in OPENING}
        return Place(channel, str(found["guild_id"]), parent, opens)

    async def _get(self, path: str, **ids: str) -> Any:
        return await self._calls.call(Route("GET", path, **ids), rank=Rank.LOOKUP, sure=True)


def _name(user: Mapping[str, Any], id_: str) -> str:
    return one_line(user.get("global_name") or user.get("username") or "") or id_
