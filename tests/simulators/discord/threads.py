"""Channels and threads over REST: https://docs.discord.com/developers/topics/threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.discord import announce, payloads, posting
from tests.simulators.discord.channel_messages import place, there
from tests.simulators.discord.messages import PRIVATE_THREAD, PUBLIC_THREAD, THREAD_CREATED, VOICE, Channel, Message
from tests.simulators.discord.permissions import Permission
from tests.simulators.discord.route import Asked, Route
from tests.simulators.discord.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

FROM_MESSAGE = "POST /channels/{channel_id}/messages/{message_id}/threads"
USUAL_ARCHIVE = 1440


def from_message(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/resources/channel#start-thread-from-message"""
    channel = place(world, asked, Permission.CREATE_PUBLIC_THREADS)
    _check_can_hold(channel)
    root = there(channel, asked.ids["message_id"])
    if root.thread:
        raise Refusal(160004)
    body = asked.fields
    minutes = body.get("auto_archive_duration") or USUAL_ARCHIVE
    thread = posting.open_thread(world, world.me, body["name"], channel, root=root, auto_archive=minutes)
    return payloads.channel(world, thread)


def without_message(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/resources/channel#start-thread-without-message"""
    body = asked.fields
    kind = body.get("type") or PRIVATE_THREAD
    private = kind == PRIVATE_THREAD
    channel = place(world, asked, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)
    _check_can_hold(channel)
    minutes = body.get("auto_archive_duration") or USUAL_ARCHIVE
    thread = posting.open_thread(world, world.me, body["name"], channel, kind=kind, auto_archive=minutes)
    if kind == PUBLIC_THREAD:
        note = Message(channel, world.next_id(), world.me, body["name"], THREAD_CREATED, created=world.now())
        posting.publish(world, note)
    return payloads.channel(world, thread)


def get(world: World, asked: Asked) -> JSON:
    return payloads.channel(world, place(world, asked))


def change(world: World, asked: Asked) -> JSON:
    """Threads only. https://docs.discord.com/developers/resources/channel#modify-channel"""
    thread, body = place(world, asked), asked.fields
    if not thread.thread or thread.guild is None:
        raise Refusal(50024)
    manages = thread.guild.permissions(world.me, thread) & Permission.MANAGE_THREADS
    only_opens = body == {"archived": False} and world.me.id in thread.members
    if not manages and (thread.locked or "locked" in body or not (thread.owner == world.me.id or only_opens)):
        raise Refusal(50013)
    if thread.archived and body.get("archived") is not False:
        raise Refusal(50083)
    thread.name = body.get("name") or thread.name
    thread.locked = bool(body.get("locked", thread.locked))
    if minutes := body.get("auto_archive_duration"):
        thread.auto_archive, thread.active = minutes, world.now()
    if body.get("archived") is not None:
        (posting.close if body["archived"] else posting.reopen)(world, thread)
    else:
        announce.thread_changed(world, thread)
    return payloads.channel(world, thread)


def delete(world: World, asked: Asked) -> JSON:
    thread = place(world, asked, Permission.MANAGE_THREADS)
    if not thread.thread:
        raise Refusal(50013)
    gone = payloads.channel(world, thread)
    world.forget(thread)
    return gone


def join(world: World, asked: Asked) -> None:
    posting.join(world, _open(world, asked), world.me)


def add(world: World, asked: Asked) -> None:
    thread = _open(world, asked)
    person = world.people.get(asked.ids["user_id"])
    if person is None:
        raise Refusal(10013)
    posting.join(world, thread, person)


def leave(world: World, asked: Asked) -> None:
    _open(world, asked).members.pop(world.me.id, None)


def members(world: World, asked: Asked) -> list[JSON]:
    thread = place(world, asked)
    return [payloads.thread_member(thread, id_) for id_ in thread.members]


def member(world: World, asked: Asked) -> JSON:
    thread = place(world, asked)
    if asked.ids["user_id"] not in thread.members:
        raise Refusal(10007)
    return payloads.thread_member(thread, asked.ids["user_id"])


def active(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/resources/guild#list-active-guild-threads"""
    guild = world.guild_of(asked.ids["guild_id"])
    return _list(world, [thread for thread in guild.threads if not thread.archived and world.sees(thread)])


def archived(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/resources/channel#list-public-archived-threads"""
    channel = place(world, asked, Permission.READ_MESSAGE_HISTORY)
    limit = int(asked.query.get("limit", 50))
    found = [one for one in world.threads(channel) if one.archived and one.kind == PUBLIC_THREAD]
    found.sort(key=lambda thread: thread.archived_at, reverse=True)
    return _list(world, found[:limit]) | {"has_more": len(found) > limit}


def _list(world: World, threads: list[Channel]) -> JSON:
    mine = [payloads.thread_member(thread, world.me.id) for thread in threads if world.me.id in thread.members]
    return {"threads": [payloads.channel(world, thread) for thread in threads], "members": mine}


def _open(world: World, asked: Asked) -> Channel:
    thread = place(world, asked)
    if not thread.thread:
        raise Refusal(50024)
    if thread.archived:
        raise Refusal(50083)
    return thread


def _check_can_hold(channel: Channel) -> None:
    """Threads are in channels of guilds only, and not in those for voices."""
    if channel.guild is None or channel.thread or channel.kind == VOICE:
        raise Refusal(50024)


ROUTES = {
    FROM_MESSAGE: Route(from_message, "threads"),
    "POST /channels/{channel_id}/threads": Route(without_message, "threads"),
    "GET /channels/{channel_id}": Route(get),
    "PATCH /channels/{channel_id}": Route(change, "thread changes"),
    "DELETE /channels/{channel_id}": Route(delete),
    "GET /channels/{channel_id}/thread-members": Route(members),
    "PUT /channels/{channel_id}/thread-members/@me": Route(join),
    "DELETE /channels/{channel_id}/thread-members/@me": Route(leave),
    "GET /channels/{channel_id}/thread-members/{user_id}": Route(member),
    "PUT /channels/{channel_id}/thread-members/{user_id}": Route(add),
    "GET /channels/{channel_id}/threads/archived/public": Route(archived),
    "GET /guilds/{guild_id}/threads/active": Route(active),
}
