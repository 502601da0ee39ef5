"""One codec for the buttons of every platform: what a press asks for, of which run, with which argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Verb = Literal["stop", "feedback", "why", "answer", "write", "approve", "deny"]

LONGEST = 100
"""Characters that every platform carries in a button.

Discord's `custom_id`: https://docs.discord.com/developers/components/reference (Slack's `value` takes 2,000).
"""


@dataclass(frozen=True, slots=True)
class Button:
    """`argument` is the verb's own: `good` or `bad` for `feedback`; for what people are asked see `bot.asking`."""

    verb: Verb
    run_id: str
    argument: str = ""

    def encode(self) -> str:
        """At most 100 characters, ASCII. Raises `ValueError` where the argument does not fit."""
        text = f"{self.verb}:{self.run_id}:{self.argument}"
        if len(text) > LONGEST or not text.isascii():
            raise ValueError(f"{text[:LONGEST]!r} does not fit a button")
        return text


def decode(text: str) -> Button | None:
    """The button that was encoded so; None for anything else, whoever made it up."""
    if len(text) > LONGEST or not text.isascii():
        return None
    verb, _, rest = text.partition(":")
    run_id, colon, argument = rest.partition(":")
    known: dict[str, Verb] = {name: name for name in get_args(Verb)}
    return Button(known[verb], run_id, argument) if verb in known and run_id and colon else None
