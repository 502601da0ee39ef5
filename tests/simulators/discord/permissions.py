"""Permissions of members in a guild and its channels: https://docs.discord.com/developers/topics/permissions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag


class Permission(IntFlag):
    """The permissions that the simulator knows of."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


ALL = ~Permission(0)
NONE = Permission(0)
USUAL = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What everybody may do in a new guild."""


@dataclass
class Role:
    """A role of a guild. `bot`: the app's bot, whose own role it is, since its invitation."""

    id: str
    name: str
    permissions: Permission = NONE
    position: int = 1
    mentionable: bool = False
    bot: str = ""

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass
class Overwrite:
    """What one channel allows and denies a role, or (`member`) a person."""

    id: str
    member: bool
    allow: Permission = NONE
    deny: Permission = NONE


def computed(everyone: Role, roles: Iterable[Role], overwrites: Iterable[Overwrite], person: str) -> Permission:
    """What a person with these roles may do where these overwrites hold."""
    mine = list(roles)
    found = everyone.permissions
    for role in mine:
        found |= role.permissions
    if found & Permission.ADMINISTRATOR:
        return ALL
    by_id = {overwrite.id: overwrite for overwrite in overwrites}
    for layer in ([everyone.id], [role.id for role in mine], [person]):
        here = [by_id[id_] for id_ in layer if id_ in by_id]
        for overwrite in here:
            found &= ~overwrite.deny
        for overwrite in here:
            found |= overwrite.allow
    return found if found & Permission.VIEW_CHANNEL else NONE
