"""Who people are and what channels are called: asked of Slack when needed, and kept for some minutes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.pace import Clock, Rank
from adapters.remembered import Remembered
from adapters.slack.calls import Calls
from adapters.slack.hearing import PLATFORM, Me
from bot.assistants.types import well_formed
from bot.view import printable

LONGEST_NAME = 80
"""Characters of a name that are shown."""


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    admin: bool = False
    """An admin or owner of the workspace."""
    guest: bool = False
    foreign: bool = False
    """Of another organisation, in a channel that is shared with it."""


def is_admin(person: Person | None) -> bool:
    """Of this workspace: not whoever Slack does not tell of, nor an admin of another organisation."""
    return person is not None and person.admin and not person.foreign


STRANGER = "I could not find out who you are, so I did nothing. Please try again."
GUEST = "I answer members of this workspace only. Ask one of them, or the people who run me to allow you."


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation. `member`: Parley is in it."""

    id: str
    name: str
    member: bool


class People:
    def __init__(self, calls: Calls, me: Me, clock: Clock, *, allow: Collection[str] = ()) -> None:
        """`allow`: `slack:U…` of guests and of people of other organisations who may ask all the same."""
        self._calls = calls
        self._me = me
        self._allow = allow
        self._people = Remembered(clock, self._ask_person)
        self._places = Remembered(clock, self._ask_place)

    def refusal(self, person: Person) -> str:
        """The sentence for a guest and for people of other organisations; empty for whoever may ask."""
        outside = person.guest or person.foreign
        return GUEST if outside and f"{PLATFORM}:{person.id}" not in self._allow else ""

    def known(self, user: str) -> Person | None:
        """The person, where nothing has to be asked for that."""
        return self._people.known(user)

    def known_place(self, channel: str) -> Place | None:
        return self._places.known(channel)

    async def person(self, user: str) -> Person:
        """Raises `SlackError`."""
        return await self._people.get(user)

    async def place(self, channel: str) -> Place:
        """Raises `SlackError`; `channel_not_found` is what Slack says of a private one that Parley is not in."""
        return await self._places.get(channel)

    def forget_place(self, channel: str) -> None:
        self._places.forget(channel)

    async def _ask_person(self, user: str) -> Person:
        """https://docs.slack.dev/reference/methods/users.info, https://docs.slack.dev/reference/objects/user-object"""
        found = (await self._calls.call("users.info", {"user": user}, rank=Rank.FINAL, sure=True))["user"]
        teams = (found.get("enterprise_user") or {}).get("teams") or [found.get("team_id") or self._me.team]
        return Person(
            id=user,
            name=_name(found) or user,
            admin=bool(found.get("is_admin") or found.get("is_owner") or found.get("is_primary_owner")),
            guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
            foreign=bool(found.get("is_stranger")) or self._me.team not in teams,
        )

    async def _ask_place(self, channel: str) -> Place:
        """https://docs.slack.dev/reference/methods/conversations.info"""
        answer = await self._calls.call("conversations.info", {"channel": channel}, rank=Rank.FINAL, sure=True)
        found = answer["channel"]
        inside = any(found.get(sign) for sign in ("is_member", "is_im", "is_mpim"))
        return Place(channel, _one_line(found.get("name") or "") or channel, inside)


def _name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((shown for name in names if (shown := _one_line(name or ""))), "")


def _one_line(name: str) -> str:
    """A name as people choose it may hold line breaks and control characters, and is put into lines of text."""
    return " ".join(printable(well_formed(name)).split())[:LONGEST_NAME]
