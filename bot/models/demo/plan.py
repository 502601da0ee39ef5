"""What the thread asks of this turn: calls to make and things to say, in the order of the questions.

It follows from what people said and which tools are offered alone, so that every turn of a run sees the same plan
and knows what of it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.demo.arguments import Lack, fill, takes_place
from bot.models.demo.asks import Ask, Context, asks_of
from bot.models.demo.talk import direct, greeting, introduction, offer, social, without_introduction
from bot.models.demo.thread import Thread, key_of
from bot.models.demo.topics import Subject, Topic, tool_for
from bot.models.port import FunctionTool, UserText

MOST_CALLS = 8
"""Calls for one answer; further wishes are said to be too many."""

LOOK_BACK = 20
"""Answered messages that a follow-up can go back to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that the question needs."""

    tool: str
    arguments: Mapping[str, Any]

    @property
    def key(self) -> str:
        return key_of(self.tool, self.arguments)


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    asking: bool = False
    """It asks the person for something."""


Step = Wanted | Said


@dataclass(frozen=True, slots=True)
class Part:
    """The steps that answer one message."""

    question: UserText
    steps: tuple[Step, ...]


def plan(thread: Thread, tools: Sequence[FunctionTool]) -> tuple[Part, ...]:
    """A part for each message that waits for an answer."""
    context = Context()
    parts: list[Part] = []
    for at in range(max(thread.answered - LOOK_BACK, 0), len(thread.said)):
        question = thread.said[at]
        said = thread.said[: at + 1]
        straight = direct(said, tools)
        asks = () if straight else asks_of(without_introduction(question.text), tools, context)
        steps = _steps(asks, tools)
        context = context.after(asks, any(isinstance(step, Said) and step.asking for step in steps))
        if at >= thread.answered:
            parts.append(Part(question, _spoken(said, straight, steps, tools)))
    return _limited(parts)


def forced(thread: Thread, tool: FunctionTool) -> Wanted:
    """A call of `tool` with the best arguments that the last message gives."""
    text = thread.said[-1].text if thread.said else ""
    asks = asks_of(text, (tool,), Context())
    places = [place for ask in asks for place in ask.places]
    ask = Ask(tool.name, (), next((ask.days for ask in asks), None), text)
    arguments = fill(tool, ask, places[0] if places else text.strip(), force=True)
    return Wanted(tool.name, {} if isinstance(arguments, Lack) else arguments)


def _spoken(
    said: Sequence[UserText], straight: str | None, steps: tuple[Step, ...], tools: Sequence[FunctionTool]
) -> tuple[Step, ...]:
    name = introduction(said[-1].text)
    met = (Said(greeting(name)),) if name else ()
    if straight:
        return (Said(straight),)
    return (*met, *steps) or (Said(social(said, tools)),)


def _steps(asks: Sequence[Ask], tools: Sequence[FunctionTool]) -> tuple[Step, ...]:
    """Each step once, in the order of the asks."""
    steps = {_key(step): step for ask in reversed(asks) for step in reversed(list(_of(ask, tools)))}
    return tuple(reversed(steps.values()))


def _key(step: Step) -> str:
    return step.key if isinstance(step, Wanted) else step.text


def _of(ask: Ask, tools: Sequence[FunctionTool]) -> Iterator[Step]:
    """One step for each place, or one where the tool takes none."""
    tool = tool_for(ask.subject, bool(ask.days), ask.text, tools)
    if tool is None:
        yield Said(f"No tool that I am offered here tells {_title(ask.subject)}. {offer(tools)}")
        return
    places: Sequence[str | None] = ask.places if ask.places and takes_place(tool, ask) else (None,)
    for place in places:
        arguments = fill(tool, ask, place)
        yield _question(tool, arguments) if isinstance(arguments, Lack) else Wanted(tool.name, arguments)


def _question(tool: FunctionTool, lack: Lack) -> Said:
    if lack.is_place:
        return Said("For which place shall I look that up?", asking=True)
    return Said(f"Which {lack.parameter.replace('_', ' ')} shall I give to {tool.name}?", asking=True)


def _title(subject: Subject) -> str:
    return subject.value if isinstance(subject, Topic) else subject


def _limited(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Not more than `MOST_CALLS` different calls; the rest becomes one sentence."""
    wanted = dict.fromkeys(step.key for part in parts for step in part.steps if isinstance(step, Wanted))
    allowed = set(list(wanted)[:MOST_CALLS])
    too_many = Said(f"That is more than the {MOST_CALLS} look-ups that I make for one answer.")

    def limited(part: Part) -> Part:
        steps = [step if isinstance(step, Said) or step.key in allowed else too_many for step in part.steps]
        return Part(part.question, tuple({_key(step): step for step in steps}.values()))

    return tuple(map(limited, parts))
