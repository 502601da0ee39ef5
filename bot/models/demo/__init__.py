"""A stand-in for a language model: rules that call tools and read their outputs, without a key or a network."""

from bot.models.demo.model import DemoModel

__all__ = ["DemoModel"]
