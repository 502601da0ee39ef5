"""Someone: who used a command, pressed a button or sent a form, and where."""

from __future__ import annotations

from dataclasses import dataclass

import discord

from adapters.discord.hearing import Place, name_of, place_of, roles_of
from adapters.discord.names import Names
from bot.assistants.types import Author
from bot.ports import Conversation

Interaction = discord.Interaction[discord.Client]


@dataclass(frozen=True, slots=True)
class Someone:
    """`id` and `token` are those of the interaction; `admin`: Discord says so."""

    id: str
    token: str
    author: Author
    roles: list[str]
    admin: bool
    place: Place

    @property
    def here(self) -> Conversation:
        """The conversation of the place; that of a channel as a whole has no thread."""
        return self.place.conversation("")


async def someone(interaction: Interaction, names: Names) -> Someone | None:
    """None where the place is not known."""
    channel, user = interaction.channel, interaction.user
    place = place_of(channel)
    if place is None and channel is not None:
        server = str(interaction.guild_id) if interaction.guild_id else ""
        place = await names.place(server, str(channel.id)) if server else Place(str(channel.id))
    if place is None:
        return None
    author, rights = Author(str(user.id), name_of(user)), interaction.permissions
    admin = rights.manage_guild or rights.administrator
    return Someone(str(interaction.id), interaction.token, author, roles_of(user), admin, place)
