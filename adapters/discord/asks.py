"""Asks: how what a run asks of people looks in a message, as text and as rows of components below it.

https://docs.discord.com/developers/components/reference#action-row
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.discord.components import BLUE, GREEN, LONGEST_LABEL, RED, labelled, menu, row, under
from bot.view import Ask, View

ROWS = 5
"""Of a message; a row has five buttons or one menu: https://docs.discord.com/developers/components/reference"""
IN_A_ROW, IN_A_MENU = 5, 25

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

MARKS = re.compile(r"[\\`*_~|<>\[\]&@:#]|^[-+]|(?<=^\d)[.)]")
"""What can make something else of a text than what it says."""

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a view asks, as far as a message has room for it. `text` is Markdown; empty where nothing is asked."""

    text: str
    components: Sequence[JSON]


def asked(view: View) -> Asked:
    """With the view's own buttons in the last row. There are as many questions as there are rows left; several have
    numbers, so that people see which of the rows are whose.
    """
    own = under(view.buttons)
    texts: list[str] = []
    rows: list[JSON] = []
    for number, ask in enumerate(view.asks, 1):
        mark = f" {number}" if len(view.asks) > 1 else ""
        more = _rows(ask, mark)[: ROWS - len(own)]
        if len(rows) + len(more) + len(own) > ROWS:
            break
        texts.append(f"**{number}.** {_text(ask)}" if mark else _text(ask))
        rows += more
    if left := len(view.asks) - len(texts):
        follows = "1 more question follows" if left == 1 else f"{left} more questions follow"
        texts.append(f"{follows} when these are answered.")
    return Asked("\n\n".join(texts), [*rows, *own])


def _rows(ask: Ask, mark: str) -> list[JSON]:
    """What is pressed to react to an ask."""
    match ask.kind:
        case "approval":
            styles = {"approve": GREEN, "deny": RED}
            buttons = [labelled(one.button, f"{one.label}{mark}", styles[one.button.verb]) for one in ask.options]
            return [row(buttons)]
        case "word":
            return [row([labelled(one.button, f"{one.label}{mark}", BLUE) for one in ask.options])]
        case "choice":
            options = list(zip(_labels(ask), (one.button for one in ask.options), strict=True))
            if len(options) <= IN_A_ROW:
                return [row([labelled(button, label, BLUE) for label, button in options])]
            parts = (options[start : start + IN_A_MENU] for start in range(0, len(options), IN_A_MENU))
            return [row([menu(some, f"Choose an answer{mark and f' to{mark}'}")]) for some in parts]


def _text(ask: Ask) -> str:
    """Choices that do not fit their buttons are told here, each by its letter, and read as on a button: as they are."""
    if _fit(ask):
        return ask.text
    choices = (f"{_letter(number)}. {_plain(one.label)}" for number, one in enumerate(ask.options))
    return "\n".join([ask.text, "", *choices])


def _plain(text: str) -> str:
    """A text as Markdown that shows it as it is."""
    return MARKS.sub(lambda found: f"\\{found[0]}", text)


def _labels(ask: Ask) -> Sequence[str]:
    return [one.label.strip() if _fit(ask) else _letter(number) for number, one in enumerate(ask.options)]


def _fit(ask: Ask) -> bool:
    return all(0 < len(one.label.strip()) <= LONGEST_LABEL for one in ask.options)


def _letter(number: int) -> str:
    return LETTERS[number] if number < len(LETTERS) else str(number + 1)
