"""Who is told what: the events that the app's sessions hear of.

https://docs.discord.com/developers/events/gateway-events#receive-events
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulators.discord import payloads
from tests.simulators.discord.messages import Channel, Message
from tests.simulators.discord.sessions import Event, Intent
from tests.simulators.discord.values import JSON

if TYPE_CHECKING:
    from tests.simulators.discord.guild import Guild
    from tests.simulators.discord.people import Person
    from tests.simulators.discord.permissions import Role
    from tests.simulators.discord.world import World


def said(world: World, message: Message) -> None:
    _about(world, "MESSAGE_CREATE", message)


def changed(world: World, message: Message) -> None:
    _about(world, "MESSAGE_UPDATE", message)


def removed(world: World, message: Message) -> None:
    if not message.ephemeral:
        place = message.channel
        gone = {"id": message.id, "channel_id": place.id}
        _send(world, "MESSAGE_DELETE", place, _messages(place), lambda _: _in_guild(place, gone))


def reacted(world: World, message: Message, person: Person, emoji: str, *, added: bool) -> None:
    place = message.channel
    needs = Intent.GUILD_MESSAGE_REACTIONS if place.guild else Intent.DIRECT_MESSAGE_REACTIONS
    data: JSON = {"user_id": person.id, "channel_id": place.id, "message_id": message.id, "burst": False, "type": 0}
    data["emoji"] = {"id": None, "name": emoji}
    if added:
        data["message_author_id"] = message.author.id
    name = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
    _send(world, name, place, needs, lambda _: _in_guild(place, data))


def guild_made(world: World, guild: Guild) -> None:
    shown = payloads.guild(world, guild, arriving=True, new=True)
    world.gateway.dispatch(Event("GUILD_CREATE", guild.id, Intent.GUILDS, lambda _: shown))


def role_made(world: World, guild: Guild, role: Role) -> None:
    data = {"guild_id": guild.id, "role": payloads.role(role)}
    _in(world, "GUILD_ROLE_CREATE", guild, Intent.GUILDS, data)


def joined_guild(world: World, guild: Guild, person: Person) -> None:
    data = payloads.member(guild, person) | {"guild_id": guild.id}
    _in(world, "GUILD_MEMBER_ADD", guild, Intent.GUILD_MEMBERS, data)


def channel_made(world: World, channel: Channel) -> None:
    _send(world, "CHANNEL_CREATE", channel, Intent.GUILDS, lambda _: payloads.channel(world, channel))


def thread_made(world: World, thread: Channel) -> None:
    shown = payloads.channel(world, thread) | {"newly_created": True}
    _send(world, "THREAD_CREATE", thread, Intent.GUILDS, lambda _: shown)


def thread_changed(world: World, thread: Channel) -> None:
    _send(world, "THREAD_UPDATE", thread, Intent.GUILDS, lambda _: payloads.channel(world, thread))


def thread_deleted(world: World, thread: Channel) -> None:
    gone = {"id": thread.id, "parent_id": thread.parent.id if thread.parent else None, "type": thread.kind}
    _send(world, "THREAD_DELETE", thread, Intent.GUILDS, lambda _: _in_guild(thread, gone))


def joined_thread(world: World, thread: Channel, person: Person) -> None:
    """Without the members intent the app hears only of itself."""
    added = [payloads.thread_member(thread, person.id)]
    data = {"id": thread.id, "member_count": len(thread.members), "added_members": added, "removed_member_ids": []}
    needs = Intent.GUILDS if person is world.me else Intent.GUILD_MEMBERS
    _send(world, "THREAD_MEMBERS_UPDATE", thread, needs, lambda _: _in_guild(thread, data))


def interacted(world: World, guild: str, data: JSON) -> bool:
    """Whether there is a session to hear of it. An interaction needs no intent."""
    return world.gateway.dispatch(Event("INTERACTION_CREATE", guild, Intent(0), lambda _: data))


def _about(world: World, name: str, message: Message) -> None:
    """Private messages are told to nobody."""
    if not message.ephemeral:
        needs = _messages(message.channel)
        _send(world, name, message.channel, needs, lambda content: _shown(world, message, content=content))


def _shown(world: World, message: Message, *, content: bool) -> JSON:
    """A message as events have it: with the guild, and its author as a member of it."""
    guild, author = message.channel.guild, message.author
    data = _in_guild(message.channel, payloads.message(world, message, content=content, nonce=True))
    if guild and author.id in guild.members:
        data["member"] = payloads.member(guild, author, whole=False)
    return data


def _send(world: World, name: str, place: Channel, needs: Intent, data: Callable[[bool], JSON]) -> None:
    known = place.guild is None or place.guild in world.guilds
    if known and world.sees(place):
        world.gateway.dispatch(Event(name, place.guild.id if place.guild else "", needs, data))


def _in(world: World, name: str, guild: Guild, needs: Intent, data: JSON) -> None:
    """About a guild as a whole; not before the app has heard of it."""
    if guild in world.guilds:
        world.gateway.dispatch(Event(name, guild.id, needs, lambda _: data))


def _messages(place: Channel) -> Intent:
    return Intent.GUILD_MESSAGES if place.guild else Intent.DIRECT_MESSAGES


def _in_guild(place: Channel, data: JSON) -> JSON:
    if place.guild:
        data["guild_id"] = place.guild.id
    return data
