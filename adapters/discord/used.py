"""Used: a command as somebody used it, and the line of text that the core takes for it.

https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-application-command-data-structure
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

SUBCOMMAND = 1

ORDER = (
    *("tool", "name", "state", "by", "field", "value", "file", "id"),
    *("who", "whose", "period", "amount", "unit", "count", "what", "sure", "scope"),
)
"""The options in the order in which the core reads them, whatever command they belong to. Discord sends them as people
gave them, and wants those first that have to be given."""

WHOLE = frozenset({"value", "file"})
"""What may be of many words; all else is one."""

THIS = "conversation"
"""What the core takes for granted where nothing is said."""
OFF = "off"
"""The unit of no budget at all."""


@dataclass(frozen=True, slots=True)
class Used:
    """`name` with that of the subcommand (`tools enable`), and the options given."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    focused: str = ""
    """The option that is being typed, where it is to be completed."""

    @property
    def line(self) -> str:
        """The command in words, as the core takes it."""
        return " ".join([self.name, *self._words()])

    def _words(self) -> Iterator[str]:
        for name in ORDER:
            value = self.options.get(name)
            match value:
                case None | False:
                    continue
                case True:
                    yield name
                case int() | float() if self.options.get("unit") == OFF:
                    continue
                case int() | float():
                    yield f"{Decimal(str(value)).normalize():f}"
                case _ if value == THIS and name == "what":
                    continue
                case _:
                    text = str(value).strip()
                    yield text if name in WHOLE else re.sub(r"\s+", "_", text)


def used(data: Mapping[str, Any]) -> Used:
    """From an interaction's data."""
    name, options = str(data["name"]), data.get("options") or []
    while options and options[0]["type"] == SUBCOMMAND:
        name, options = f"{name} {options[0]['name']}", options[0].get("options") or []
    given = {option["name"]: option.get("value") for option in options}
    focused = next((option["name"] for option in options if option.get("focused")), "")
    return Used(name, given, focused)
