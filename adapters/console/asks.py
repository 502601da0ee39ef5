"""What people are asked, in a terminal: how it is written there, and what a typed line means as an answer."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.console import who
from bot.ports import Form, Intake, Press
from bot.view import Ask, Option

HINTS = {
    "choice": "Type a number; anything else puts the quiz away.",
    "word": "Type your answer.",
    "approval": "Type yes or no.",
}
YES, NO = frozenset({"yes", "y", "approve"}), frozenset({"no", "n", "deny"})


def written(ask: Ask) -> str:
    options = [f"{number}. {option.label}" for number, option in enumerate(ask.options, 1)]
    return "\n".join([ask.text, *(options if ask.kind == "choice" else []), HINTS[ask.kind]])


class Asks:
    """The questions that are open, by run."""

    def __init__(self) -> None:
        self._open: dict[str, Sequence[Ask]] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def put(self, run_id: str, asks: Sequence[Ask]) -> Sequence[Ask]:
        """What a run asks now; returns those of them that are new."""
        before = self._open.pop(run_id, ())
        if asks:
            self._open[run_id] = asks
        return [ask for ask in asks if ask not in before]

    async def take(self, intake: Intake, typed: str) -> str:
        """A typed line: an answer to the question that was asked last, or else a message. Returns what there is to be
        told. Raises `StoreError`.
        """
        ask = next((asks[0] for asks in reversed(self._open.values())), None)
        option = _meant(ask, typed) if ask else None
        if option is None:
            accepted = await intake.accept(who.message(typed))
            return accepted.note if accepted else ""
        said = await intake.press(Press(who.HERE, who.operator(), option.button))
        if isinstance(said, Form):
            said = await intake.press(Press(who.HERE, who.operator(), said.button, text=typed))
        return said if isinstance(said, str) else ""


def _meant(ask: Ask, typed: str) -> Option | None:
    word = typed.strip().casefold()
    match ask.kind:
        case "word":
            return ask.options[0]
        case "approval":
            return ask.options[0] if word in YES else ask.options[1] if word in NO else None
        case "choice":
            said = next((option for option in ask.options if option.label.casefold() == word), None)
            numbered = word.isdecimal() and 0 < int(word) <= len(ask.options)
            return said or (ask.options[int(word) - 1] if numbered else None)
