"""What happens when a message appears, changes or goes: who is pinged, which thread wakes, who hears of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.simulators.discord import announce
from tests.simulators.discord.messages import (
    ANNOUNCEMENT,
    ANNOUNCEMENT_THREAD,
    DEFAULT,
    HAS_THREAD,
    PUBLIC_THREAD,
    REPLY,
    SILENT,
    THREAD_STARTER,
    Channel,
    File,
    Message,
)
from tests.simulators.discord.permissions import Permission
from tests.simulators.discord.values import JSON

if TYPE_CHECKING:
    from tests.simulators.discord.people import Person
    from tests.simulators.discord.world import World

_USER, _ROLE = re.compile(r"<@!?(\d+)>"), re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


def say(
    world: World,
    person: Person,
    channel: Channel,
    text: str,
    files: Iterable[File],
    reply_to: Message | None,
    *,
    ping: bool,
) -> Message:
    """Post what a person says. Raises `LookupError` where that person cannot write."""
    if channel.guild and not person.webhook:
        held = channel.guild.permissions(person, channel)
        needed = Permission.SEND_MESSAGES_IN_THREADS if channel.thread else Permission.SEND_MESSAGES
        if not held & needed or (channel.locked and not held & Permission.MANAGE_THREADS):
            raise LookupError(f"{person.name} cannot write in {channel.name}")
    message = Message(channel, world.next_id(), person, text, created=world.now(), reply_to=reply_to)
    message.kind = REPLY if reply_to else DEFAULT
    message.webhook = person.id if person.webhook else ""
    message.files = list(files)
    for file in message.files:
        file.channel = channel.id
    mention(world, message, None if ping else {"parse": ["users", "roles", "everyone"]})
    publish(world, message)
    return message


def publish(world: World, message: Message) -> None:
    """A message is there: an archived thread opens, its author is in the thread, and the app hears of it."""
    channel = message.channel
    if channel.thread:
        if channel.archived:
            reopen(world, channel)
        join(world, channel, message.author)
        channel.active = message.created
    channel.entries[message.id] = message
    channel.sent += 1
    if message.author is world.me:
        channel.typing_until = 0.0
    announce.said(world, message)
    noted(world, message)


def noted(world: World, message: Message) -> None:
    """A message is new or looks different."""
    if world.history and not message.loading and (not message.versions or message.versions[-1] != message.text):
        message.versions.append(message.text)
    world.changed()


def remove(world: World, message: Message) -> None:
    message.deleted = True
    announce.removed(world, message)
    world.changed()


def reopen(world: World, thread: Channel) -> None:
    thread.closed, thread.closed_at, thread.active = False, world.now(), world.now()
    announce.thread_changed(world, thread)


def close(world: World, thread: Channel) -> None:
    thread.closed, thread.closed_at = True, world.now()
    announce.thread_changed(world, thread)
    world.changed()


def join(world: World, thread: Channel, person: Person) -> None:
    if person.id not in thread.members and not person.webhook:
        thread.members[person.id] = world.now()
        announce.joined_thread(world, thread, person)


def open_thread(
    world: World,
    person: Person,
    name: str,
    place: Channel,
    *,
    root: Message | None = None,
    kind: int = PUBLIC_THREAD,
    auto_archive: int = 1440,
) -> Channel:
    """A new thread; from a message it has its id: https://docs.discord.com/developers/topics/threads."""
    now = world.now()
    kind = ANNOUNCEMENT_THREAD if place.kind == ANNOUNCEMENT else kind
    thread = Channel(world, root.id if root else world.next_id(), name, kind, place.guild, parent=place)
    thread.owner, thread.auto_archive, thread.created, thread.active = person.id, auto_archive, now, now
    world.channels[thread.id] = thread
    if place.guild:
        place.guild.threads.append(thread)
    thread.members[person.id] = now
    announce.thread_made(world, thread)
    if root:
        root.thread = thread
        root.flags |= HAS_THREAD
        announce.changed(world, root)
        starter = Message(thread, world.next_id(), person, kind=THREAD_STARTER, created=now, reply_to=root)
        thread.entries[starter.id] = starter
        announce.said(world, starter)
    world.changed()
    return thread


def mention(world: World, message: Message, allowed: JSON | None, *, pings: bool = True) -> None:
    """Find out who is mentioned, and who of them hears it; edits notify nobody (`pings`).

    `allowed` is the message's `allowed_mentions`; without one everybody is:
    https://docs.discord.com/developers/resources/message#allowed-mentions-object
    """
    guild, text = message.channel.guild, message.text
    everyone, may_all = bool(_EVERYONE.search(text)), _may_mention_all(message)
    people = [world.people[id_] for id_ in dict.fromkeys(_USER.findall(text)) if id_ in world.people]
    roles = [guild.roles[id_] for id_ in dict.fromkeys(_ROLE.findall(text)) if guild and id_ in guild.roles]
    message.mentions = [one for one in people if _allows(allowed, "users", one.id)]
    message.mentioned_roles = [
        one.id for one in roles if (one.mentionable or may_all) and _allows(allowed, "roles", one.id)
    ]
    message.everyone = everyone and may_all and _allows(allowed, "everyone", "")
    replied = message.reply_to if message.kind != THREAD_STARTER else None
    if replied and (allowed is None or allowed.get("replied_user")) and replied.author not in message.mentions:
        message.mentions.append(replied.author)
    if not pings:
        return
    found = [one.mention for one in message.mentions if one is not message.author]
    found += [f"<@&{id_}>" for id_ in message.mentioned_roles] + ["@everyone"] * message.everyone
    message.pinged = [] if message.flags & SILENT else found


def _may_mention_all(message: Message) -> bool:
    guild = message.channel.guild
    return bool(guild and guild.permissions(message.author, message.channel) & Permission.MENTION_EVERYONE)


def _allows(allowed: JSON | None, kind: str, id_: str) -> bool:
    if allowed is None:
        return True
    listed = {str(one) for one in allowed.get(kind) or ()} if kind != "everyone" else set()
    return kind in (allowed.get("parse") or ()) or id_ in listed
