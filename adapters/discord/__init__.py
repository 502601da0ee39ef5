"""Discord: slash commands, mentions, threads and direct messages, with answers that are edited as they are written."""

from adapters.discord.adapter import DiscordAdapter, DiscordSettings

__all__ = ["DiscordAdapter", "DiscordSettings"]
