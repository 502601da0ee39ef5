"""What the thread asks of this turn: calls to make and things to say, in the order of the questions.

It follows from what people said and which tools are offered alone, so that every turn of a run sees the same plan
and knows what of it is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.demo import quiz
from bot.models.demo.arguments import Lack, fill, takes_place, unit_choices
from bot.models.demo.asks import Ask, Context, asks_of
from bot.models.demo.days import REACH
from bot.models.demo.talk import direct, introduction, offer, social, without_introduction
from bot.models.demo.topics import Topic, tool_for, topics_of
from bot.models.port import AssistantText, Call, CallOutput, FunctionTool, Item, OwnItems, UserText

MOST_CALLS = 8
"""Calls for one answer; further wishes are said to be too many."""

LOOK_BACK = 20
"""Answered messages that a follow-up can go back to."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call of this run, and its output once that is there."""

    call: Call
    output: str | None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """None where the text is no JSON object."""
        given = parsed(self.call.arguments)
        return given if isinstance(given, dict) else {}

    @property
    def key(self) -> str:
        return key_of(self.call.name, self.arguments)


@dataclass(frozen=True, slots=True)
class Thread:
    """`said` is everything that people wrote; from `answered` on it waits for an answer."""

    said: tuple[UserText, ...]
    answered: int
    made: tuple[Made, ...]


def read_thread(items: Sequence[Item]) -> Thread:
    last = max((at for at, item in enumerate(items) if isinstance(item, UserText)), default=-1)
    replies = [at for at, item in enumerate(items[: last + 1]) if isinstance(item, AssistantText | OwnItems)]
    before = items[: replies[-1]] if replies else ()
    return Thread(
        said=tuple(item for item in items if isinstance(item, UserText)),
        answered=sum(isinstance(item, UserText) for item in before),
        made=_made(items[last + 1 :]),
    )


def parsed(text: str) -> Any:
    """The value of a JSON text; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def key_of(name: str, arguments: Mapping[str, Any]) -> str:
    """The same for calls that ask the same."""
    return f"{name} {json.dumps(arguments, sort_keys=True)}"


def _made(items: Sequence[Item]) -> tuple[Made, ...]:
    outputs = {item.call_id: item.output for item in items if isinstance(item, CallOutput)}
    said = [part for item in items for part in (item.neutral if isinstance(item, OwnItems) else [item])]
    return tuple(Made(call, outputs.get(call.id)) for call in said if isinstance(call, Call))


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

    @property
    def key(self) -> str:
        return self.text


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
        if arguments := quiz.wanted(question.text, tools):
            parts += [Part(question, (Wanted(quiz.TOOL, arguments),))] if at >= thread.answered else []
            continue
        straight = direct(said, tools)
        asks = () if straight else asks_of(without_introduction(question.text), tools, context)
        steps = _once(step for ask in asks for step in _of(ask, tools))
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
    if straight:
        return (Said(straight),)
    if name := introduction(said[-1].text):
        return (Said(f"Nice to meet you, {name}. I will remember your name in this thread."), *steps)
    return steps or (Said(social(said, tools)),)


def _once(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Each step once, in order."""
    first: dict[str, Step] = {}
    for step in steps:
        first.setdefault(step.key, step)
    return tuple(first.values())


def _of(ask: Ask, tools: Sequence[FunctionTool]) -> Iterator[Step]:
    """One step for each place, or one where the tool takes none."""
    tool = tool_for(ask.subject, bool(ask.days), ask.text, tools)
    dated = topics_of(tool) if tool else ask.subject not in (Topic.TIME, Topic.EVENT)
    if dated and ask.days is not None and ask.days > REACH:
        yield Said(f"I can only tell of now and of the next {REACH} days, such as “tomorrow” or “in 5 days”.")
        return
    if tool is None:
        title = ask.subject.value if isinstance(ask.subject, Topic) else ask.subject
        yield Said(f"No tool that I am offered here tells {title}. {offer(tools)}")
        return
    places: Sequence[str | None] = ask.places if ask.places and takes_place(tool, ask) else (None,)
    for place in places:
        arguments = fill(tool, ask, place)
        if not isinstance(arguments, Lack):
            yield Wanted(tool.name, arguments)
        elif arguments.is_place:
            yield Said("For which place shall I look that up?", asking=True)
        elif arguments.is_python:
            yield Said(f"I write no Python myself. Say {tool.name} with the code between backticks, such as `2 ** 64`.")
        else:
            yield Said(f"Which {arguments.parameter.replace('_', ' ')} shall I give to {tool.name}?", asking=True)
    if re.search(r"\bkelvin\b", ask.text, re.IGNORECASE) and (units := unit_choices(tool)) and "Kelvin" not in units:
        yield Said(f"It is offered in {' and '.join(units)} only.")


def _limited(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Not more than `MOST_CALLS` different calls; the rest becomes one sentence."""
    wanted = dict.fromkeys(step.key for part in parts for step in part.steps if isinstance(step, Wanted))
    allowed = set(list(wanted)[:MOST_CALLS])
    too_many = Said(f"That is more than the {MOST_CALLS} look-ups that I make for one answer.")

    def limited(part: Part) -> Part:
        steps = [step if isinstance(step, Said) or step.key in allowed else too_many for step in part.steps]
        return Part(part.question, _once(steps))

    return tuple(map(limited, parts))
