"""Guilds (servers) with their members, roles and channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulators.discord import announce
from tests.simulators.discord.messages import TEXT, Channel
from tests.simulators.discord.people import Person
from tests.simulators.discord.permissions import ALL, USUAL, Overwrite, Permission, Role, computed

if TYPE_CHECKING:
    from tests.simulators.discord.world import World


@dataclass
class Membership:
    """What a person is in one guild. `roles`: ids, without @everyone."""

    nick: str | None
    roles: list[str]
    joined: float


@dataclass(eq=False, repr=False)
class Guild:
    """A guild with the app in it. Whoever is made its person is a member; its owner is somebody who never speaks."""

    world: World
    id: str
    name: str
    owner: str = ""
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Membership] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    threads: list[Channel] = field(default_factory=list)
    system: Channel | None = None
    """Where Discord's own messages and those of newcomers go."""
    rules: Channel | None = None
    updates: Channel | None = None
    """Where a community has its rules, and where Discord tells its moderators what is new."""

    def __post_init__(self) -> None:
        world = self.world
        self.roles[self.id] = Role(self.id, "@everyone", USUAL, position=0)
        self.bot_role = self.role(world.me.name, bot=True)
        self.owner = self.person("Olga").id
        self.joins(world.me, roles=[self.bot_role])

    @property
    def everyone(self) -> Role:
        return self.roles[self.id]

    def person(
        self, name: str, *, nick: str | None = None, admin: bool = False, roles: Iterable[Role] = (), bot: bool = False
    ) -> Person:
        """Somebody new. `admin`: with a role that has Manage Server; `bot`: another app's bot."""
        person = self.world.somebody(name, bot=bot)
        held = [*roles, self._admins()] if admin else list(roles)
        self.joins(person, nick=nick, roles=held)
        return person

    def joins(self, person: Person, *, nick: str | None = None, roles: Iterable[Role] = ()) -> None:
        """Somebody who is there already becomes a member."""
        self.members[person.id] = Membership(nick, [role.id for role in roles], self.world.now())
        announce.joined_guild(self.world, self, person)

    def role(
        self, name: str, *permissions: Permission, mentionable: bool = False, bot: bool = False, position: int = 1
    ) -> Role:
        role = Role(self.world.next_id(), name, Permission(0), position, mentionable, self.world.me.id if bot else "")
        for permission in permissions:
            role.permissions |= permission
        self.roles[role.id] = role
        announce.role_made(self.world, self, role)
        return role

    def channel(self, name: str, *, bot: bool = True, kind: int = TEXT) -> Channel:
        """A new channel that everybody sees; the bot does not where `bot` is false. The app hears of it."""
        channel = Channel(self.world, self.world.next_id(), name, kind, guild=self, position=len(self.channels))
        if not bot:
            channel.overwrites.append(Overwrite(self.bot_role.id, member=False, deny=Permission.VIEW_CHANNEL))
        self.channels.append(channel)
        self.world.channels[channel.id] = channel
        announce.channel_made(self.world, channel)
        return channel

    def withholds(self, *permissions: Permission) -> None:
        """Take permissions from everybody, the bot too; roles of people keep theirs."""
        for permission in permissions:
            self.everyone.permissions &= ~permission
            self.bot_role.permissions &= ~permission

    def granted(self, person: Person) -> Permission:
        """What a member's roles grant here, without what follows from it: `permissions` of
        https://docs.discord.com/developers/resources/guild#guild-object
        """
        found = self.everyone.permissions
        for id_ in self.members[person.id].roles:
            found |= self.roles[id_].permissions
        return found

    def permissions(self, person: Person, channel: Channel | None = None) -> Permission:
        """What a person may do here, or in one channel; a thread counts as its channel."""
        member = self.members.get(person.id)
        if person.id == self.owner:
            return ALL
        if member is None:
            return Permission(0)
        place = channel.parent or channel if channel else None
        roles = [self.roles[id_] for id_ in member.roles]
        return computed(self.everyone, roles, place.overwrites if place else (), person.id)

    def _admins(self) -> Role:
        for role in self.roles.values():
            if role.name == "Admins":
                return role
        return self.role("Admins", Permission.MANAGE_GUILD)
