"""What a Discord message says, in plain values: whether it is for Parley, where it belongs, and its text for the model.

Not for Parley are its own messages, those of other bots and of webhooks, and what people say to each other outside of
its threads. https://docs.discord.com/developers/resources/message
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from adapters.discord.files import described
from adapters.discord.typed import named, readable
from bot.assistants.types import Author, well_formed
from bot.ports import Conversation
from bot.view import printable

PLATFORM = "discord"
DIRECT = "@me"
"""What stands for the server in direct conversations, as in Discord's own links."""

SPOKEN = frozenset({discord.MessageType.default, discord.MessageType.reply})
OPENING = frozenset({discord.ChannelType.text, discord.ChannelType.news})
"""The channels whose messages can begin threads: https://docs.discord.com/developers/topics/threads"""

LONGEST_NAME = 80
"""Characters of a name that are shown."""

WORDLESS = "(They mentioned you without a word.)"


@dataclass(frozen=True, slots=True)
class Me:
    """Who Parley is on Discord: the ids of its application and of its user."""

    application: str
    user: str


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, thread or direct conversation."""

    id: str
    server: str = DIRECT
    parent: str = ""
    """The channel of a thread."""
    opens: bool = False
    """Threads can be opened from its messages."""

    @property
    def is_direct(self) -> bool:
        return self.server == DIRECT

    def conversation(self, message: str) -> Conversation:
        """Where a message of the place belongs. A thread that is opened from it will have its id."""
        if self.is_direct:
            return Conversation(PLATFORM, DIRECT, self.id, "")
        if self.parent:
            return Conversation(PLATFORM, self.server, self.parent, self.id)
        return Conversation(PLATFORM, self.server, self.id, message)


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message, its text as the model is to read it. `addressed`: it calls for Parley."""

    id: str
    place: Place
    author: Author
    roles: Sequence[str]
    text: str
    addressed: bool
    replies_to: str = ""
    """The message of Parley's that it replies to."""
    files: Sequence[dict[str, Any]] = ()
    withheld: bool = False
    """Discord does not tell what it says: it calls for Parley by something else than a mention."""

    @property
    def conversation(self) -> Conversation:
        return self.place.conversation(self.replies_to or self.id)


def place_of(channel: Any) -> Place | None:
    """None for a channel that discord.py knows no more of than its id."""
    match channel:
        case discord.Thread():
            return Place(str(channel.id), str(channel.guild.id), str(channel.parent_id))
        case discord.DMChannel():
            return Place(str(channel.id))
        case discord.abc.GuildChannel():
            return Place(str(channel.id), str(channel.guild.id), opens=channel.type in OPENING)
    return None


def heard(message: discord.Message, place: Place, me: Me, *, content: bool = True) -> Said | None:
    """None for what is not for Parley. An unaddressed message in a thread is a `Said` that only threads care for.

    `content`: Discord tells what people write who do not mention Parley.
    """
    author = message.author
    if author.bot or message.webhook_id or message.type not in SPOKEN:
        return None
    ours = _replied_to(message, me)
    mine = _roles_of(message, me)
    named_itself = place.is_direct or any(str(one.id) == me.user for one in message.mentions)
    addressed = named_itself or bool(mine) or ours is not None
    if not addressed and not place.parent:
        return None
    text = _text(message, me, mine)
    files = described(_attached(message), str(message.channel.id), str(message.id))
    if addressed and ours is None and (quoted := _quoted(message)):
        text, files = f"{text}\n\n{quoted}".strip(), [*files, *_files_of(message)]
    if not (text or files or addressed):
        return None  # without the intent for message content there is nothing to read
    return Said(
        id=str(message.id),
        place=place,
        author=Author(str(author.id), name_of(author)),
        roles=roles_of(author),
        text=text or ("" if files else WORDLESS),
        addressed=addressed,
        replies_to=str(ours.id) if ours is not None and not (place.parent or place.is_direct) else "",
        files=files,
        withheld=not (content or named_itself or message.content or files),
    )


def name_of(person: discord.User | discord.Member | discord.Object) -> str:
    """What people call somebody there. It may hold line breaks and control characters as people chose it."""
    name = getattr(person, "display_name", "") or str(person.id)
    return one_line(name) or str(person.id)


def one_line(name: str) -> str:
    return " ".join(printable(well_formed(name)).split())[:LONGEST_NAME]


def roles_of(person: discord.User | discord.Member) -> list[str]:
    """The ids of somebody's roles in the server; everybody has that of the server itself.

    As Discord told them: `Member.roles` leaves out those that the client does not know (yet).
    """
    return [str(person.guild.id), *map(str, person._roles)] if isinstance(person, discord.Member) else []


def _roles_of(message: discord.Message, me: Me) -> list[str]:
    """Of the mentioned roles those that are Parley's own: people often choose them for the bot itself."""
    found = {*map(str, message.raw_role_mentions), *named(message.content).roles}
    if not found or message.guild is None or message.guild.self_role is None:
        return []
    return [str(message.guild.self_role.id)] if str(message.guild.self_role.id) in found else []


def _text(message: discord.Message, me: Me, mine: Collection[str]) -> str:
    text = well_formed(message.content)
    found, guild = named(text), message.guild
    people = {str(one.id): name_of(one) for one in message.mentions}
    roles, channels = {}, {}
    for id_ in found.roles if guild else ():
        if role := guild.get_role(int(id_)) if guild else None:
            roles[id_] = role.name
    for id_ in found.channels if guild else ():
        if channel := guild.get_channel_or_thread(int(id_)) if guild else None:
            channels[id_] = channel.name
    text = readable(text, people, roles, channels, me=me.user, my_roles=mine)
    forwarded = [well_formed(one.content) for one in message.message_snapshots if one.content]
    return "\n\n".join(part for part in (text, *(f"Forwarded:\n{_quote(one)}" for one in forwarded)) if part)


def _replied_to(message: discord.Message, me: Me) -> discord.Message | None:
    """The message of Parley's that a message replies to."""
    resolved = _resolved(message)
    return resolved if resolved is not None and str(resolved.author.id) == me.user else None


def _resolved(message: discord.Message) -> discord.Message | None:
    reference = message.reference
    if message.type is not discord.MessageType.reply or reference is None:
        return None
    return reference.resolved if isinstance(reference.resolved, discord.Message) else None


def _quoted(message: discord.Message) -> str:
    """What a message is about: the one that it replies to."""
    about = _resolved(message)
    return quoted(name_of(about.author), well_formed(about.content)) if about is not None else ""


def quoted(name: str, text: str) -> str:
    return f"This is about the message of {name}:\n{_quote(text)}".rstrip()


def _files_of(message: discord.Message) -> list[dict[str, Any]]:
    about = _resolved(message)
    return described(_attached(about), str(message.channel.id), str(about.id)) if about is not None else []


def _attached(message: discord.Message) -> list[Mapping[str, Any]]:
    return [dict(one.to_dict()) for one in message.attachments]


def _quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
