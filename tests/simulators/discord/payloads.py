"""How Discord writes down what there is: users, members, roles, guilds, channels, threads, messages, attachments.

https://docs.discord.com/developers/resources/message#message-object and its neighbours.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.simulators.discord.messages import DM, VOICE, Channel, File, Message
from tests.simulators.discord.permissions import Role
from tests.simulators.discord.snowflakes import iso
from tests.simulators.discord.values import JSON

if TYPE_CHECKING:
    from tests.simulators.discord.guild import Guild
    from tests.simulators.discord.people import Person
    from tests.simulators.discord.world import World

FILE_SECONDS = 86_400
"""How long the address of a file is good: https://docs.discord.com/developers/reference#signed-attachment-cdn-urls."""


RESOLVED = True
"""Whether a reply comes with the message that it is to. Discord does not promise it: see the message object."""


def user(person: Person) -> JSON:
    return {
        "id": person.id,
        "username": person.name.lower(),
        "discriminator": "0000" if person.bot or person.webhook else "0",
        "global_name": None if person.bot or person.webhook else person.name,
        "avatar": None,
        "bot": person.bot or person.webhook,
        "public_flags": 0,
    }


def member(guild: Guild, person: Person, *, whole: bool = True) -> JSON:
    """A member; `whole` with the user in it, as everywhere but in messages."""
    inside = guild.members[person.id]
    found: JSON = {
        "nick": inside.nick,
        "avatar": None,
        "roles": list(inside.roles),
        "joined_at": iso(inside.joined),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }
    return found | {"user": user(person)} if whole else found


def role(one: Role) -> JSON:
    """https://docs.discord.com/developers/topics/permissions#role-object; an app's own role names its bot."""
    found: JSON = {
        "id": one.id,
        "name": one.name,
        "permissions": str(int(one.permissions)),
        "position": one.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": bool(one.bot),
        "mentionable": one.mentionable,
        "flags": 0,
    }
    return found | {"tags": {"bot_id": one.bot}} if one.bot else found


def guild(world: World, one: Guild, *, arriving: bool = False, new: bool = False) -> JSON:
    """A guild; `arriving` with what only GUILD_CREATE has: its channels, open threads, and the app's own member.

    Of a `new` one, to which the app was added just now, it does not say that it is available (again).

    https://docs.discord.com/developers/events/gateway-events#guild-create
    """
    found: JSON = {
        "id": one.id,
        "name": one.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": one.owner,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "roles": [role(each) for each in one.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": one.system.id if one.system else None,
        "system_channel_flags": 0,
        "rules_channel_id": one.rules.id if one.rules else None,
        "public_updates_channel_id": one.updates.id if one.updates else None,
        "safety_alerts_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
    }
    if arriving:
        open_threads = [thread for thread in one.threads if not thread.archived and world.sees(thread)]
        found |= {
            "joined_at": iso(one.members[world.me.id].joined),
            "large": False,
            "member_count": len(one.members),
            "members": [member(one, world.me)],
            "channels": [channel(world, each) for each in one.channels],
            "threads": [channel(world, each) for each in open_threads],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
        found |= {} if new else {"unavailable": False}
    return found


def channel(world: World, one: Channel) -> JSON:
    last = next(reversed(one.entries), None)
    if one.kind == DM:
        recipients = [user(one.person)] if one.person else []
        return {"id": one.id, "type": DM, "last_message_id": last, "flags": 0, "recipients": recipients}
    found: JSON = {
        "id": one.id,
        "type": one.kind,
        "guild_id": one.guild.id if one.guild else None,
        "name": one.name,
        "parent_id": one.parent.id if one.parent else None,
        "last_message_id": last,
        "rate_limit_per_user": 0,
        "flags": 0,
    }
    return found | (_thread(world, one) if one.thread else _place(one))


def thread_member(thread: Channel, person: str) -> JSON:
    return {"id": thread.id, "user_id": person, "join_timestamp": iso(thread.members[person]), "flags": 0}


def message(world: World, one: Message, *, content: bool = True, reference: bool = True, nonce: bool = False) -> JSON:
    """A message. Without `content` it is as for an app that lacks the privileged intent: empty, unless it is the app's
    own, in a direct conversation, or mentions the app. The `nonce` is told to who sends it, and by the event of that.

    https://docs.discord.com/developers/events/gateway#message-content-intent
    """
    readable = content or one.author is world.me or one.channel.kind == DM or world.me in one.mentions
    found: JSON = {
        "id": one.id,
        "channel_id": one.channel.id,
        "author": user(one.author),
        "content": one.content if readable else "",
        "timestamp": iso(one.created),
        "edited_timestamp": iso(one.edited_at) if one.edited_at is not None else None,
        "tts": False,
        "mention_everyone": one.everyone,
        "mentions": [_mentioned(one, person) for person in one.mentions],
        "mention_roles": list(one.mentioned_roles),
        "mention_channels": [],
        "attachments": [attachment(world, file) for file in one.files] if readable else [],
        "embeds": one.embeds if readable else [],
        "components": one.components if readable else [],
        "reactions": [_reaction(world, name, people) for name, people in one.reactions.items() if people],
        "pinned": False,
        "type": one.kind,
        "flags": one.flags,
        "channel_type": one.channel.kind,
    }
    if nonce and one.nonce is not None:
        found["nonce"] = one.nonce
    if one.webhook:
        found["webhook_id"] = one.webhook
    if one.interaction:
        found |= {"application_id": world.app_id, "interaction_metadata": one.interaction}
    if one.thread:
        found["thread"] = channel(world, one.thread)
    if one.reply_to and reference:
        found |= _reference(world, one, one.reply_to, content=content)
    return found


def attachment(world: World, file: File) -> JSON:
    """https://docs.discord.com/developers/resources/message#attachment-object"""
    found: JSON = {
        "id": file.id,
        "filename": file.name,
        "size": len(file.content),
        "url": address(world, file),
        "proxy_url": address(world, file),
        "content_type": file.mimetype,
        "content_scan_version": 0,
    }
    if file.mimetype.startswith("image/"):
        found |= {"width": 16, "height": 16}
    if file.description:
        found["description"] = file.description
    return found | {"ephemeral": True} if file.ephemeral else found


def address(world: World, file: File) -> str:
    """Where a file is, signed, for a day."""
    until = f"{int(world.now()) + FILE_SECONDS:x}"
    path = f"/attachments/{file.channel}/{file.id}/{quote(file.name)}"
    return f"{world.base}{path}?ex={until}&is={int(world.now()):x}&hm={signature(file.id, until)}&"


def signature(id_: str, until: str) -> str:
    return hashlib.sha256(f"{id_} {until}".encode()).hexdigest()


def _thread(world: World, one: Channel) -> JSON:
    found: JSON = {
        "owner_id": one.owner,
        "message_count": one.sent,
        "total_message_sent": one.sent,
        "member_count": len(one.members),
        "thread_metadata": {
            "archived": one.archived,
            "auto_archive_duration": one.auto_archive,
            "archive_timestamp": iso(one.archived_at),
            "locked": one.locked,
            "create_timestamp": iso(one.created),
        },
    }
    if world.me.id in one.members:
        found["member"] = thread_member(one, world.me.id)
    return found


def _place(one: Channel) -> JSON:
    overwrites = [
        {"id": each.id, "type": int(each.member), "allow": str(int(each.allow)), "deny": str(int(each.deny))}
        for each in one.overwrites
    ]
    found: JSON = {"position": one.position, "permission_overwrites": overwrites, "topic": None, "nsfw": False}
    return found | {"bitrate": 64_000, "user_limit": 0, "rtc_region": None} if one.kind == VOICE else found


def _mentioned(one: Message, person: Person) -> JSON:
    guild_ = one.channel.guild
    if guild_ and person.id in guild_.members:
        return user(person) | {"member": member(guild_, person, whole=False)}
    return user(person)


def _reference(world: World, one: Message, to: Message, *, content: bool) -> JSON:
    place = to.channel
    found: JSON = {"type": 0, "message_id": to.id, "channel_id": place.id}
    if place.guild:
        found["guild_id"] = place.guild.id
    if not RESOLVED:
        return {"message_reference": found}
    if to.deleted:
        return {"message_reference": found, "referenced_message": None}
    shown = message(world, to, content=content, reference=False)
    return {"message_reference": found, "referenced_message": shown}


def _reaction(world: World, name: str, people: set[str]) -> JSON:
    return {
        "emoji": {"id": None, "name": name},
        "count": len(people),
        "count_details": {"burst": 0, "normal": len(people)},
        "me": world.me.id in people,
        "me_burst": False,
        "burst_colors": [],
    }
