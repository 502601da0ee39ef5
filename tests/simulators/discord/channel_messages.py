"""Messages of channels over REST: create, edit, delete, read; typing and reactions.

https://docs.discord.com/developers/resources/message
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.simulators.discord import announce, payloads, posting, writing
from tests.simulators.discord.messages import DEFAULT, EPHEMERAL, REPLY, TYPING_SECONDS, Channel, Message
from tests.simulators.discord.permissions import ALL, Permission
from tests.simulators.discord.route import Asked, Route
from tests.simulators.discord.values import JSON, Refusal, form_error

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

NONCE_SECONDS = 300.0
"""The page of enforce_nonce says "in the past few minutes"."""
CREATE = "POST /channels/{channel_id}/messages"
EDIT = "PATCH /channels/{channel_id}/messages/{message_id}"
TYPING = "POST /channels/{channel_id}/typing"


def place(world: World, asked: Asked, *needed: Permission) -> Channel:
    """The channel of a call, with the permissions that it takes. Raises `Refusal`."""
    channel = world.channels.get(asked.ids["channel_id"])
    if channel is None:
        raise Refusal(10003)
    if channel.guild is None:
        return channel
    held = channel.guild.permissions(world.me, channel)
    if not world.sees(channel):
        raise Refusal(50001)
    if any(not held & permission for permission in needed):
        raise Refusal(50013)
    return channel


def there(channel: Channel, id_: str) -> Message:
    """A message that is there and not private. Raises `Refusal`."""
    message = channel.entries.get(id_)
    if message is None or message.deleted or message.ephemeral:
        raise Refusal(10008)
    return message


def create(world: World, asked: Asked) -> JSON:
    channel = place(world, asked)
    body = asked.fields
    _check_may_write(world, channel, asked)
    if repeated := _repeated(world, body):
        return payloads.message(world, repeated, nonce=True)
    message = Message(channel, world.next_id(), world.me, created=world.now(), nonce=body.get("nonce"))
    if reference := body.get("message_reference"):
        _refer(message, reference)
    body = {**body, "flags": (body.get("flags") or 0) & ~EPHEMERAL}
    writing.write(world, message, body, asked, new=True)
    if message.nonce is not None:
        world.nonces[str(message.nonce)] = message
    posting.publish(world, message)
    return payloads.message(world, message, nonce=True)


def edit(world: World, asked: Asked) -> JSON:
    channel = place(world, asked)
    message = there(channel, asked.ids["message_id"])
    if message.author is not world.me:
        raise Refusal(50005)
    if channel.archived:
        raise Refusal(50083)
    _check_unlocked(world, channel)
    if asked.uploads:
        place(world, asked, Permission.ATTACH_FILES)
    writing.write(world, message, asked.fields, asked, new=False)
    announce.changed(world, message)
    posting.noted(world, message)
    return payloads.message(world, message)


def delete(world: World, asked: Asked) -> None:
    channel = place(world, asked)
    message = there(channel, asked.ids["message_id"])
    if message.author is not world.me:
        place(world, asked, Permission.MANAGE_MESSAGES)
        if channel.guild is None:
            raise Refusal(50003)
    posting.remove(world, message)


def get(world: World, asked: Asked) -> JSON:
    message = there(place(world, asked, Permission.READ_MESSAGE_HISTORY), asked.ids["message_id"])
    return payloads.message(world, message, content=world.reads_content)


def listed(world: World, asked: Asked) -> list[JSON]:
    """Newest first. Without READ_MESSAGE_HISTORY there is nothing:
    https://docs.discord.com/developers/resources/message#get-channel-messages
    """
    channel = place(world, asked)
    if channel.guild and not channel.guild.permissions(world.me, channel) & Permission.READ_MESSAGE_HISTORY:
        return []
    limit = int(asked.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise form_error("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    shown = [one for one in channel.entries.values() if not (one.deleted or one.ephemeral)]
    return [payloads.message(world, one, content=world.reads_content) for one in _slice(shown, asked, limit)[::-1]]


def typing(world: World, asked: Asked) -> None:
    channel = place(world, asked)
    _check_may_write(world, channel, asked)
    channel.typing_until = world.now() + TYPING_SECONDS


def react(world: World, asked: Asked) -> None:
    channel = place(world, asked, Permission.READ_MESSAGE_HISTORY, Permission.ADD_REACTIONS)
    message = there(channel, asked.ids["message_id"])
    if channel.archived:
        raise Refusal(50083)
    emoji = unquote(asked.ids["emoji_name"])
    message.reactions.setdefault(emoji, set()).add(world.me.id)
    announce.reacted(world, message, world.me, emoji, added=True)


def unreact(world: World, asked: Asked) -> None:
    message = there(place(world, asked), asked.ids["message_id"])
    emoji = unquote(asked.ids["emoji_name"])
    message.reactions.get(emoji, set()).discard(world.me.id)
    announce.reacted(world, message, world.me, emoji, added=False)


def _check_may_write(world: World, channel: Channel, asked: Asked) -> None:
    """Raises `Refusal` where the bot cannot post, or not such a thing."""
    if channel.person and channel.person.closed:
        raise Refusal(50007)
    body = asked.fields
    place(world, asked, Permission.SEND_MESSAGES_IN_THREADS if channel.thread else Permission.SEND_MESSAGES)
    if asked.uploads:
        place(world, asked, Permission.ATTACH_FILES)
    if body.get("embeds"):
        place(world, asked, Permission.EMBED_LINKS)
    held = channel.guild.permissions(world.me, channel) if channel.guild else ALL
    _check_unlocked(world, channel)
    if body.get("message_reference") and not held & Permission.READ_MESSAGE_HISTORY:
        raise Refusal(160002)


def _check_unlocked(world: World, channel: Channel) -> None:
    """Raises `Refusal` where only moderators write, and edit: https://docs.discord.com/developers/change-log"""
    held = channel.guild.permissions(world.me, channel) if channel.guild else ALL
    if channel.locked and not held & Permission.MANAGE_THREADS:
        raise Refusal(160005)


def _repeated(world: World, body: JSON) -> Message | None:
    """The message that the same enforced nonce made a while ago; where that was deleted, there is no other.

    https://github.com/discord/discord-api-docs/issues/6647
    """
    nonce = body.get("nonce")
    if nonce is None:
        return None
    key = str(nonce)
    before = world.nonces.get(key) if body.get("enforce_nonce") else None
    if before is None or world.now() - before.created >= NONCE_SECONDS:
        return None
    if before.deleted:
        raise Refusal(10008)
    return before


def _refer(message: Message, reference: JSON) -> None:
    to = message.channel.entries.get(str(reference["message_id"]))
    if to is None or to.deleted or to.ephemeral:
        if reference.get("fail_if_not_exists") is not False:
            raise form_error("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return
    if to.kind not in (DEFAULT, REPLY, 20, 23):
        raise form_error(
            "message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message"
        )
    message.reply_to, message.kind = to, REPLY


def _slice(messages: list[Message], asked: Asked, limit: int) -> list[Message]:
    """Those before, after or around an id, oldest first."""
    if after := asked.query.get("after"):
        return [one for one in messages if int(one.id) > int(after)][:limit]
    if before := asked.query.get("before"):
        return [one for one in messages if int(one.id) < int(before)][-limit:]
    if around := asked.query.get("around"):
        older = [one for one in messages if int(one.id) < int(around)][-(limit // 2) :]
        return (older + [one for one in messages if int(one.id) >= int(around)])[:limit]
    return messages[-limit:]


ROUTES = {
    CREATE: Route(create, "messages"),
    EDIT: Route(edit, "messages"),
    "DELETE /channels/{channel_id}/messages/{message_id}": Route(delete, "message deletions"),
    "GET /channels/{channel_id}/messages/{message_id}": Route(get, "message lists"),
    "GET /channels/{channel_id}/messages": Route(listed, "message lists"),
    TYPING: Route(typing, "typing"),
    "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": Route(react, "reactions"),
    "DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": Route(unreact, "reactions"),
}
