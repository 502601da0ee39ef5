"""Forms: what Parley has people write into, as Discord shows it over the conversation, and what they wrote.

https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-modal
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.discord.components import Pressed, read
from adapters.discord.markdown import to_discord
from bot.ports import Form

TEXT_INPUT, TEXT_DISPLAY, LABEL = 4, 10, 18
PARAGRAPH = 2

FIELD = "question"
"""The name of the one field of each form."""

QUESTION_LIMIT = 2_000
"""Characters of a question about a message."""

LONGEST_TITLE, LONGEST_LABEL = 45, 45
LONGEST_INPUT, LONGEST_TEXT = 4_000, 4_000
"""Characters: https://docs.discord.com/developers/components/reference#text-input and #text-display"""

ANSWER = "reply:"
"""Begins the name of a form whose text answers a question of Parley's; what follows is the button for it."""

JSON = dict[str, Any]


def question_form(custom_id: str) -> JSON:
    """That of the message menu."""
    field = {**_field(QUESTION_LIMIT), "placeholder": "What does this mean for us?"}
    return {"custom_id": custom_id, "title": "Ask about a message", "components": [_labelled("Your question", field)]}


def answer_form(form: Form, press: Pressed) -> JSON:
    """What a press opens. A short question stands over the field, a longer one as a text of its own."""
    question, field = " ".join(form.question.split()), _field(min(form.longest, LONGEST_INPUT))
    short = 0 < len(question) <= LONGEST_LABEL
    text = to_discord(form.question, final=True).strip()[:LONGEST_TEXT]
    above: list[JSON] = [] if short or not text else [{"type": TEXT_DISPLAY, "content": text}]
    return {
        "custom_id": f"{ANSWER}{replace(press, button=form.button).code}",
        "title": _cut(" ".join(form.title.split()), LONGEST_TITLE) or "Your answer",
        "components": [*above, _labelled(question if short else "Your answer", field)],
    }


def answered_by(custom_id: str) -> Pressed | None:
    """What a form of this name answers; None for other forms."""
    return read(custom_id.removeprefix(ANSWER)) if custom_id.startswith(ANSWER) else None


def filled(components: Sequence[Mapping[str, Any]]) -> str:
    """What was written into a form."""
    for component in components:
        inner = [component["component"]] if component.get("component") else component.get("components") or ()
        if text := component.get("value") if component.get("custom_id") == FIELD else filled(inner):
            return str(text)
    return ""


def _field(longest: int) -> JSON:
    return {"type": TEXT_INPUT, "custom_id": FIELD, "style": PARAGRAPH, "required": True, "max_length": longest}


def _labelled(label: str, field: JSON) -> JSON:
    return {"type": LABEL, "label": label, "component": field}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
