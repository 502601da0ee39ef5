"""Components: the buttons under a message, and the form of the message menu, as Discord takes them.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.buttons import Button, decode

ROW, BUTTON, TEXT_INPUT, LABEL = 1, 2, 4, 18
GREY = 2
PARAGRAPH = 2

QUESTION = "question"
QUESTION_LIMIT = 2_000
"""Characters of the form's question; a text input takes 4,000."""

JUDGEMENTS = {"good": "👍", "bad": "👎"}

JSON = dict[str, Any]


def under(buttons: Sequence[Button]) -> list[JSON]:
    """One row of buttons, or none."""
    row = [_button(button) for button in buttons]
    return [{"type": ROW, "components": row}] if row else []


def _button(button: Button) -> JSON:
    shown: JSON = {"type": BUTTON, "style": GREY, "custom_id": button.encode()}
    if button.verb == "feedback":
        return {**shown, "emoji": {"name": JUDGEMENTS[button.argument]}}
    return {**shown, "label": "Stop"}


def runs_of(message: Mapping[str, Any]) -> set[str]:
    """The runs that a message's buttons are about."""
    found = (decode(custom_id) for custom_id in custom_ids(message.get("components") or ()))
    return {button.run_id for button in found if button is not None}


def custom_ids(components: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Of components and of all inside of them; empty for those that have none."""
    for component in components:
        yield str(component.get("custom_id") or "")
        yield from custom_ids(component.get("components") or ())


def question_form(custom_id: str) -> JSON:
    """The form of the message menu: https://docs.discord.com/developers/interactions/receiving-and-responding#modals"""
    asked = {
        "type": TEXT_INPUT,
        "custom_id": QUESTION,
        "style": PARAGRAPH,
        "required": True,
        "max_length": QUESTION_LIMIT,
        "placeholder": "What does this mean for us?",
    }
    label = {"type": LABEL, "label": "Your question", "component": asked}
    return {"custom_id": custom_id, "title": "Ask about a message", "components": [label]}


def filled(components: Sequence[Mapping[str, Any]]) -> str:
    """What was written into the form."""
    for component in components:
        inner = [component["component"]] if "component" in component else component.get("components") or ()
        if text := component.get("value") if component.get("custom_id") == QUESTION else filled(inner):
            return str(text)
    return ""
