"""The Discord app as Parley wants it: scopes, permissions and intents, each with what it is for, and the invite link.

These are the one truth: the link asks for them, the gateway is told of the intents, and the doctor compares.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import discord

from bot.errors import ParleyError

PORTAL = "discord.com/developers/applications"
TOKENS = f"{PORTAL}, Bot, Reset Token"

SCOPES = ("bot", "applications.commands")
"""https://docs.discord.com/developers/topics/oauth2#shared-resources-oauth2-scopes"""


@dataclass(frozen=True, slots=True)
class Permission:
    """`name`: as Discord's settings call it. `loss`: what fails without. `vital`: nobody is answered without."""

    name: str
    loss: str
    vital: bool = False


PERMISSIONS: Mapping[str, Permission] = {
    "view_channel": Permission(
        "View Channels", "Parley sees no channel, so that nobody can talk to it there", vital=True
    ),
    "send_messages": Permission("Send Messages", "Parley can post nothing in channels", vital=True),
    "send_messages_in_threads": Permission(
        "Send Messages in Threads", "Parley can answer nothing in threads", vital=True
    ),
    "create_public_threads": Permission(
        "Create Public Threads", "Parley can open no thread for a question that was asked in a channel"
    ),
    "attach_files": Permission("Attach Files", "Parley can post no files"),
    "read_message_history": Permission(
        "Read Message History", "Parley cannot read what was said before, in a thread or while it was away"
    ),
}
"""By their fields of `discord.Permissions`.

| what Parley does | permission |
|---|---|
| hear messages, show that it is typing | View Channels |
| post and edit in a channel | Send Messages |
| post and edit in a thread, which does not follow from the one before | Send Messages in Threads |
| open a thread from a message | Create Public Threads |
| post files | Attach Files, and Send Messages |
| read what was said before, and look up what of an answer arrived | Read Message History |
| buttons, edits of its own messages, answers to commands and presses, direct messages | none |

Not asked for: Embed Links (it posts plain messages), Add Reactions, Mention Everyone, and whatever manages others.
https://docs.discord.com/developers/topics/permissions
"""

INTENTS: Mapping[str, str] = {
    "guilds": "servers, channels and threads stay unknown",
    "guild_messages": "messages in servers do not arrive, mentions of Parley included",
    "dm_messages": "direct messages do not arrive",
    "message_content": "messages in servers that do not mention Parley arrive empty",
}
"""By their fields of `discord.Intents`, and what does not work without each. The last is privileged: it has to be
switched on in the app's settings. https://docs.discord.com/developers/events/gateway#gateway-intents
"""


def permissions() -> discord.Permissions:
    """All of `PERMISSIONS`, and no others."""
    bits = 0
    for field in PERMISSIONS:
        bits |= discord.Permissions.VALID_FLAGS[field]
    return discord.Permissions(bits)


def intents(*, content: bool = True) -> discord.Intents:
    """All of `INTENTS`, and no others; without `content` only those that need no grant."""
    wanted = discord.Intents.none()
    for field in INTENTS:
        setattr(wanted, field, content or field != "message_content")
    return wanted


def lacking(held: discord.Permissions) -> Iterator[Permission]:
    """What is not held of `PERMISSIONS`; an administrator holds them all."""
    if not held.administrator:
        yield from (wanted for field, wanted in PERMISSIONS.items() if not getattr(held, field))


def invite_url(application_id: str) -> str:
    """Where a person adds the app to a server: https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow"""
    query = f"client_id={application_id}&scope={'+'.join(SCOPES)}&permissions={permissions().value}"
    return f"https://discord.com/oauth2/authorize?{query}"


def application_id(token: str) -> str:
    """The app's id, as a bot token tells it without asking Discord. Raises `ParleyError`.

    The first of the token's three parts is the bot's id in base64. Discord shows such a token
    (https://docs.discord.com/developers/reference#authentication) and promises nothing; the bots of very old apps have
    ids other than their apps: https://github.com/discord/discord-api-docs/issues/2787. The doctor asks Discord.
    """
    first, *others = token.split(".")
    try:
        found = base64.b64decode(first + "=" * (-len(first) % 4), validate=True).decode("ascii")
    except ValueError:
        found = ""
    if len(others) != 2 or not re.fullmatch(r"[0-9]{15,20}", found):
        raise ParleyError(f"DISCORD_TOKEN has not the form of a bot token. Copy it again: {TOKENS}.")
    return found
