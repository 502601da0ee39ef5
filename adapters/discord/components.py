"""Components: the rows of buttons and menus under a message, as Discord takes them, and what can be read from them.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.buttons import Button, decode

ROW, BUTTON, SELECT = 1, 2, 3
BLUE, GREY, GREEN, RED = 1, 2, 3, 4
"""https://docs.discord.com/developers/components/reference#button-button-styles"""

LONGEST_LABEL = 80
"""Characters on a button; an option of a menu takes 100."""

MENU = "menu:"
"""Begins the `custom_id` of a menu; what follows is the first of its options."""

FROM = re.compile(r"from:(?P<server>[0-9a-f]{1,16}):(?P<channel>[0-9a-f]{1,16}):")
"""Begins what is pressed in a direct conversation about an answer of another place: its ids, in hexadecimal."""

JUDGEMENTS = {"good": "👍", "bad": "👎"}

JSON = dict[str, Any]


def under(buttons: Sequence[Button]) -> list[JSON]:
    """One row of buttons, or none."""
    return [row([_button(button) for button in buttons])] if buttons else []


def row(components: Sequence[JSON]) -> JSON:
    return {"type": ROW, "components": list(components)}


def labelled(button: Button, label: str, style: int) -> JSON:
    """`label` has 1 to 80 characters."""
    return {"type": BUTTON, "style": style, "custom_id": button.encode(), "label": label}


def menu(options: Sequence[tuple[str, Button]], placeholder: str) -> JSON:
    """A menu to choose one from, of at most 25 labels; its own name differs from all those of the message."""
    shown = [{"label": label, "value": button.encode()} for label, button in options]
    return {"type": SELECT, "custom_id": f"{MENU}{shown[0]['value']}", "placeholder": placeholder, "options": shown}


def _button(button: Button) -> JSON:
    if button.verb == "feedback":
        emoji = {"name": JUDGEMENTS[button.argument]}
        return {"type": BUTTON, "style": GREY, "custom_id": button.encode(), "emoji": emoji}
    return labelled(button, "Why?" if button.verb == "why" else button.verb.capitalize(), GREY)


def brought(components: Sequence[JSON], server: str, channel: str) -> list[JSON]:
    """The same below a message that stands elsewhere than in the answer's channel."""
    begins = _begins(server, channel)

    def bring(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return brought(value, server, channel)
        return begins + value if name in ("custom_id", "value") else value

    return [{name: bring(name, value) for name, value in component.items()} for component in components]


def _begins(server: str, channel: str) -> str:
    return f"from:{int(server):x}:{int(channel):x}:"


@dataclass(frozen=True, slots=True)
class Pressed:
    """`server` and `channel` are those of the answer, where it stands elsewhere; empty otherwise."""

    button: Button
    server: str = ""
    channel: str = ""

    @property
    def code(self) -> str:
        """What `read` takes back."""
        return (_begins(self.server, self.channel) if self.server else "") + self.button.encode()


def read(code: str) -> Pressed | None:
    """What a component stands for; None for one that is none of ours."""
    found = FROM.match(code)
    button = decode(code[found.end() if found else 0 :].removeprefix(MENU))
    if button is None:
        return None
    return Pressed(button, *(str(int(id_, 16)) for id_ in found.groups())) if found else Pressed(button)


def pressed(data: Mapping[str, Any]) -> Pressed | None:
    """What somebody pressed or chose; None for what is none of ours.

    https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-message-component-data-structure
    """
    values = data.get("values") or [data["custom_id"]]
    return read(str(values[0]))


def runs_of(message: Mapping[str, Any]) -> set[str]:
    """The runs that a message's buttons and menus are about."""
    found = map(read, custom_ids(message.get("components") or ()))
    return {one.button.run_id for one in found if one is not None}


def custom_ids(components: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Of components and of all inside of them; empty for those that have none."""
    for component in components:
        yield str(component.get("custom_id") or "")
        yield from custom_ids(component.get("components") or ())
