"""The commands: one implementation for every platform to call. A file a noun; `catalogue.py` puts them together."""

from bot.commands.catalogue import Commands

__all__ = ["Commands"]
