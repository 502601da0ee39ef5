"""What people are asked, in Block Kit: a text each, and below it buttons, a menu, or the way to a form.

Limits: a button's text and an option's have 75 characters, an option's value 150, a menu 100 options, an `actions`
block 25 elements; a label has 2,000, a title 24, and what is written 3,000. Choices that are longer stand in the text,
each with a letter, and the letter is what is pressed. https://docs.slack.dev/reference/block-kit/block-elements
(button, select menu, plain-text input), https://docs.slack.dev/reference/block-kit/composition-objects/option-object,
https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from adapters.slack.blocks import Block, fitting, plain, quiet, units
from adapters.slack.markdown import to_slack
from adapters.text import split
from bot.assistants.types import well_formed
from bot.ports import Form
from bot.view import Ask, Option

FORM = "parley_words"
"""The `callback_id` of the form in which a question is answered in words."""

LABEL, MENU, TITLE, QUESTION, WRITTEN = 75, 100, 24, 2_000, 3_000
UNTITLED = "Your answer"
FEW = 5
"""Choices that have a button each; more are in a menu."""

EACH = 9_000
"""Characters of one thing that is asked."""
TOGETHER = 20
"""Things that are asked in one message, which has 50 blocks at the most."""

STYLES = {"approve": "primary", "deny": "danger"}
MARKS = re.compile(r"[\\`*_~\[\]<|]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked in one message. `text` is for notifications; `size` counts the characters of all texts."""

    blocks: Sequence[Block] = ()
    text: str = ""
    size: int = 0
    count: int = 0

    def and_(self, other: Asked) -> Asked:
        text = "\n\n".join(part for part in (self.text, other.text) if part)
        return Asked([*self.blocks, *other.blocks], text, self.size + other.size, self.count + other.count)


def spread(asks: Sequence[Ask], limit: int, beside: int) -> list[Asked]:
    """What is asked, in as many messages as it needs. The first has `beside` of its `limit` characters already, and is
    empty where there is no room for anything more.
    """
    found, room = [Asked()], limit - beside
    for one in map(_asked, asks):
        full = found[-1].size + one.size > room or found[-1].count == TOGETHER
        if full and (found[-1].count or beside):
            found.append(Asked())
            room, beside = limit, 0
        found[-1] = found[-1].and_(one)
    return found


def _asked(ask: Ask) -> Asked:
    choice = ask.kind == "choice"
    lettered = choice and not all(_fits(option.label) for option in ask.options)
    menu = choice and len(ask.options) > FEW
    text = _cut_off(to_slack(f"{ask.text}\n\n{_listed(ask.options)}" if lettered else ask.text, final=True))
    labels = _labels(ask.options, lettered=lettered, menu=menu)
    shown = list(zip(labels, ask.options, strict=True))
    blocks: list[Block] = [{"type": "markdown", "text": text}] if text.strip() else []
    if shown:
        below = _menus(shown) if menu else [_button(*one) for one in shown]
        blocks.append({"type": "actions", "block_id": _id(ask.options[0]), "elements": below})
    return Asked(blocks, text, len(text) + sum(map(len, labels)), 1)


def _id(option: Option) -> str:
    """Another one for each question: Slack keeps under it what was chosen."""
    return f"ask {option.button.encode()}"


def _button(label: str, option: Option) -> Block:
    button, code = option.button, option.button.encode()
    shown = {"type": "button", "action_id": code, "text": plain(label), "value": code}
    return shown | ({"style": STYLES[button.verb]} if button.verb in STYLES else {})


def _menus(shown: Sequence[tuple[str, Option]]) -> list[Block]:
    return [
        {
            "type": "static_select",
            "action_id": _id(shown[at][1]),
            "placeholder": plain("Choose an answer"),
            "options": [{"text": plain(label), "value": one.button.encode()} for label, one in shown[at : at + MENU]],
        }
        for at in range(0, len(shown), MENU)
    ]


# -- labels -----------------------------------------------------------------------------------------------------------


def _fits(label: str) -> bool:
    return bool(label.strip()) and units(quiet(label)) <= LABEL


def _labels(options: Sequence[Option], *, lettered: bool, menu: bool) -> list[str]:
    labels = [quiet(option.label) for option in options]
    if lettered and menu:
        labels = [f"{_letter(number)}. {label}" for number, label in enumerate(labels)]
    elif lettered:
        labels = [_letter(number) for number in range(len(options))]
    return [fitting(label, LABEL) for label in labels]


def _listed(options: Sequence[Option]) -> str:
    """The choices as a list, in Markdown that shows them as they are."""
    return "\n".join(f"- **{_letter(number)}.** {_bare(option.label)}" for number, option in enumerate(options))


def _letter(number: int) -> str:
    return ascii_uppercase[number] if number < len(ascii_uppercase) else str(number + 1)


def _bare(text: str) -> str:
    return MARKS.sub(r"\\\g<0>", text)


def _cut_off(text: str) -> str:
    """Slack's Markdown of at most `EACH` characters, with its code closed."""
    first = split(text, EACH, final=True)[0]
    return first.whole() + ("\n\n…" if first.closed else "")


# -- the form ---------------------------------------------------------------------------------------------------------


def form(asked: Form, channel: str, thread: str) -> Mapping[str, Any]:
    """The form for an answer in words. Where it belongs comes back as its `private_metadata`."""
    about = {"button": asked.button.encode(), "channel": channel, "thread": thread}
    name = " ".join(asked.title.split()) or UNTITLED
    words = {
        "type": "plain_text_input",
        "action_id": "words",
        "multiline": True,
        "max_length": min(asked.longest, WRITTEN),
        "focus_on_load": True,
    }
    label = plain(fitting(quiet(asked.question.strip() or name), QUESTION))
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": json.dumps(about),
        "title": plain(fitting(quiet(name), TITLE)),
        "submit": plain("Answer"),
        "close": plain("Cancel"),
        "blocks": [{"type": "input", "block_id": "answer", "label": label, "element": words}],
    }


def written(view: Mapping[str, Any]) -> str:
    """What the person wrote into the form."""
    return well_formed(view["state"]["values"]["answer"]["words"]["value"] or "")
