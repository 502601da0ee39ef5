"""How what a call asks of people is shown, which buttons answer it, and what becomes of it when nobody does.

The argument of such a button is `CALL.QUESTION.CHOICE`: a short digest of the call's id, the index of the question and,
for `answer`, that of the choice. `approve` and `deny` have the digest alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.assistants.asking import Asking
from bot.assistants.journal import Change
from bot.assistants.lifecycle import move
from bot.assistants.types import Author, Run, ToolCall
from bot.buttons import Button
from bot.view import Ask, Option, one_line, printable

LONGEST_ARGUMENTS, LEAST = 1_200, 60
"""Characters of a call's arguments that are shown, shared evenly among them, and of each at the least: what is left out
is told, and every argument is named whose beginning has room."""

_UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
"""What shows nothing, or changes how its neighbours look."""

DISMISSED = '{"dismissed": "The person wrote a new message instead of answering."}'
PUT_AWAY = "You went on with something else, so I put the quiz away."
NOBODY_ANSWERED = "Nobody answered in time, so I stopped. Please ask me again when you are ready."


@dataclass(frozen=True, slots=True)
class Place:
    """Which call and question a button is about; `choice` is None where it is answered in words."""

    call: str
    question: int = 0
    choice: int | None = None

    @classmethod
    def read(cls, argument: str) -> Place | None:
        """None for anything that no button of ours says."""
        call, *numbers = argument.split(".")
        if not call or len(numbers) > 2 or not all(number.isdecimal() and len(number) < 4 for number in numbers):
            return None
        return cls(call, *map(int, numbers))

    def __str__(self) -> str:
        numbers = [] if self.choice is None else [str(self.choice)]
        return ".".join([self.call, str(self.question), *numbers])


def short(call_id: str) -> str:
    return hashlib.blake2b(call_id.encode(), digest_size=6).hexdigest()


def waiting_call(run: Run, place: Place) -> ToolCall | None:
    """The call that waits for a person and that the button is about; None where it does not wait any more."""
    return next((call for call in run.required_calls if call.asks and short(call.id) == place.call), None)


def shown(run_id: str, asking: Asking) -> Ask:
    return _quiz(run_id, asking) if asking.call.asks == "answers" else _approval(run_id, asking.call)


def _quiz(run_id: str, asking: Asking) -> Ask:
    question, number, call = asking.question, asking.number, short(asking.call.id)
    count = f" ({number + 1} of {len(asking.questions)})" if len(asking.questions) > 1 else ""
    title = f"**{_inline(asking.title)}**{count}\n\n" if asking.title else ""
    text = title + printable(question.text).strip()
    if not question.choices:
        return Ask("word", text, [Option("Answer", Button("write", run_id, str(Place(call, number))))])
    choices = [_inline(choice) for choice in question.choices]
    options = [
        Option(choice, Button("answer", run_id, str(Place(call, number, index))))
        for index, choice in enumerate(choices)
    ]
    return Ask("choice", text, options)


def _approval(run_id: str, call: ToolCall) -> Ask:
    place = short(call.id)
    lines = "\n".join(_arguments(call.arguments)) or "no arguments"
    fence = "```"
    while fence in lines:
        fence += "`"
    text = f"May I call **{_inline(call.name)}** with this?\n\n{fence}\n{lines}\n{fence}"
    return Ask(
        "approval",
        text,
        [Option("Approve", Button("approve", run_id, place)), Option("Deny", Button("deny", run_id, place))],
    )


def _arguments(arguments: str) -> Iterator[str]:
    """A line an argument, as `name: value`; a value of several lines stands below its name."""
    try:
        given = json.loads(arguments.strip() or "{}")  # an object: others are not asked about
        json.dumps(given)
    except (ValueError, RecursionError):  # Python reads fewer digits, and less depth, than the tool's own reader
        yield _seen(arguments)[:LONGEST_ARGUMENTS] + ("… (and more)" if len(arguments) > LONGEST_ARGUMENTS else "")
        return
    each = max(LONGEST_ARGUMENTS // max(len(given), 1), LEAST)
    told = list(given.items())[: LONGEST_ARGUMENTS // LEAST]
    for name, value in told:
        text = _seen(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        left = len(text) - each
        text = f"{text[:each]}… ({left:,} more characters)" if left > 0 else text
        yield f"{_seen(name)[:LEAST]}:{chr(10) if chr(10) in text else ' '}{text}"
    if more := len(given) - len(told):
        yield f"… and {more} more"


def _seen(text: str) -> str:
    return _UNSEEN.sub("�", printable(text))


def _inline(text: str) -> str:
    return one_line(text).replace("*", "∗")


def dismissal(run: Run, now: float) -> Change | None:
    """What a new message of the person asked does to a run that waits: a quiz is put away, and with it the run, unless
    that waits for something else as well.
    """
    quizzes = [call for call in run.required_calls if call.asks == "answers"]
    if run.status != "requires_action" or not quizzes:
        return None
    outputs = [replace(call, output=DISMISSED, completed_at=now) for call in quizzes]
    left = tuple(call for call in run.required_calls if call.asks != "answers")
    return Change(replace(run, required_calls=left) if left else move(run, "cancelling", now), outputs)


def waits_for_people(run: Run) -> bool:
    return run.status == "requires_action" and any(call.asks for call in run.required_calls)


def waits_first(run: Run, asker: Author) -> str:
    """What somebody is told whose message has to wait for a person."""
    if any(call.asks == "answers" for call in run.required_calls):
        return f"I have asked {asker.name} something here and wait for the answer. Then I read your message."
    return "Something here has to be approved or denied first. Then I read your message."
