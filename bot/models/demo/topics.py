"""What a question asks for, and which of the offered tools can tell.

A few topics have synonyms; every other tool is found by the words of its name or its description.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from bot.models.demo.days import BREAK
from bot.models.demo.words import STOPS, name_words, stem, stems
from bot.models.port import FunctionTool


class Topic(Enum):
    """Something that people ask for in many words. The value says it in an answer."""

    TEMPERATURE = "the weather"
    RAIN = "the chance of rain"
    FORECAST = "the weather of the coming days"
    TIME = "the time"
    EVENT = "when something takes place"


Subject = Topic | str
"""A topic, or the name of a tool that the question asked for in its own words."""

_UNITS = re.compile(
    r"(?:\b(?:in|to|as) )?(?:\bdegrees? )?(?:\b(?:celsius|fahrenheit|kelvin)\b|°\s?[cf]\b)", re.IGNORECASE
)

_ASKED = {
    Topic.TEMPERATURE: re.compile(
        r"\b(?:weather|temperatures?|temps?|warm(?:er|est)?|warmth|cold(?:er|est)?|hot(?:ter|test)?|cooler|coolest|chilly"
        r"|freezing|degrees?|sunny|snow(?:s|ed|ing|y)?|jacket|coat)\b(?:'s)?",
        re.IGNORECASE,
    ),
    Topic.RAIN: re.compile(
        r"\b(?:(?:chance|probability|risk|likelihood) of )?"
        r"(?:rain(?:s|ed|ing|y|ier|iest|fall)?|umbrella|wet(?:ter|test)?|dr(?:y|ier|iest)|precipitation|drizzl(?:e|ing))\b",
        re.IGNORECASE,
    ),
    Topic.FORECAST: re.compile(r"\bforecasts?\b", re.IGNORECASE),
    Topic.TIME: re.compile(
        r"\b(?:what(?:'s| is)? (?:the )?(?:exact )?(?:local )?time|time (?:is|was) it|what hour"
        r"|(?:current|local|exact) time|time ?zones?|clock|time difference|what day (?:is it|of the week)"
        r"|what(?:'s| is)? (?:the )?date|today's date)\b|\bo'clock\b"
        r"|\btime(?= (?:is|in|at|for|here|there|now)\b|\s*\?|$| (?-i:[A-Z]))",
        re.IGNORECASE,
    ),
}

_ASKED[Topic.EVENT] = re.compile(
    r"\b(?:sun|moon)(?:rise|set)s?\b|\bwhat time (?:does|do|did|will|can|should|must|has|(?:is|are|was|were)"
    r"(?! (?:it|in|at|there|now|right|currently)\b))\b"
    r"|\bwhen (?:does|do|is|will) [^?]* (?:rise|set|leave|arrive|open|close|start)\b",
    re.IGNORECASE,
)
_FEELING = re.compile(
    r"\b(?:(?:I|we|you|he|she|they)(?:'m|'re|'s| am| are| is| feel)|(?:have|has|had|got|caught|catch) a) "
    r"(?:[a-z]+ ){0,2}(?:cold|hot|warm|freezing|wet|chilly|dry)\b",
    re.IGNORECASE,
)
"""How somebody feels is no question."""

_IN_NAME = {
    Topic.TEMPERATURE: {"temperature", "weather", "temp"},
    Topic.RAIN: {"rain", "precipitation", "umbrella"},
    Topic.FORECAST: {"forecast"},
    Topic.TIME: {"time", "clock", "timezone"},
}

_VERBS = frozenset(["get", "fetch", "current", "the", "of", "do", "run", "make", "my", "a", "an", "to", "for"])


def without_topics(text: str, tools: Sequence[FunctionTool]) -> str:
    """`text` with a break in place of each word that named a topic, a unit or a tool."""
    text = _FEELING.sub("feels", text)
    for pattern in (_UNITS, *_ASKED.values(), *(_literally(tool) for tool in tools if tool.name)):
        text = pattern.sub(f" {BREAK} ", text)
    return text


def names_unit(text: str) -> bool:
    return _UNITS.search(text) is not None


def subjects(text: str, tools: Sequence[FunctionTool]) -> tuple[Subject, ...]:
    """What `text` asks for, in its order. Tools that it names go before topics; a forecast holds the other weather."""
    if named := _named(text, tools):
        return named
    text = _FEELING.sub(BREAK, text)
    places = {topic: found.start() for topic, pattern in _ASKED.items() if (found := pattern.search(text))}
    if Topic.EVENT in places:
        places.pop(Topic.TIME, None)
    if Topic.FORECAST in places:
        places = {topic: at for topic, at in places.items() if topic in (Topic.FORECAST, Topic.TIME)}
    return tuple(sorted(places, key=lambda topic: places[topic]))


def tool_for(subject: Subject, ahead: bool, text: str, tools: Sequence[FunctionTool]) -> FunctionTool | None:
    """The offered tool that tells about `subject`; `ahead` where the question is about the coming days."""
    if isinstance(subject, str):
        return next((tool for tool in tools if tool.name == subject), None)
    if subject is Topic.EVENT:
        named = described(text, tools)
        return next((tool for tool in tools if tool.name == named), None)
    if subject is Topic.TIME:
        return _best(Topic.TIME, text, tools)
    return (None if ahead else _best(subject, text, tools)) or _best(Topic.FORECAST, text, tools)


def described(text: str, tools: Sequence[FunctionTool]) -> str | None:
    """The name of the tool whose name and description share the most words with `text`, at least two."""
    asked = {word for word in stems(text) if len(word) > 3 and word not in STOPS}
    shared = {
        tool.name: len(asked & {*name_words(tool.name), *stems(tool.description)})
        for tool in tools
        if not topics_of(tool)
    }
    best = max(shared, key=lambda name: shared[name], default="")
    return best if best and shared[best] >= 2 else None


def own_words(name: str) -> list[str]:
    """The words of a tool's name that say what it is about."""
    return [word for word in name_words(name) if word not in _VERBS]


def _named(text: str, tools: Sequence[FunctionTool]) -> tuple[str, ...]:
    """The tools whose name stands in `text`, or whose name's words all do."""
    words = stems(text)
    found: dict[str, int] = {}
    for tool in tools:
        own = own_words(tool.name)
        if tool.name and (literal := _literally(tool).search(text)):
            found[tool.name] = literal.start()
        elif own and not topics_of(tool) and all(word in words for word in own):
            found[tool.name] = min(text.lower().find(word) for word in own)
    return tuple(sorted(found, key=lambda name: found[name]))


def _literally(tool: FunctionTool) -> re.Pattern[str]:
    """Finds the tool's own name, unless it is an everyday word."""
    everyday = tool.name.isalpha() and tool.name in (tool.name.lower(), tool.name.capitalize())
    return re.compile(r"(?!)" if everyday else rf"(?<!\w){re.escape(tool.name)}(?!\w)")


def topics_of(tool: FunctionTool) -> set[Topic]:
    """What the tool tells of, by its name."""
    words = set(name_words(tool.name))
    return {topic for topic, telling in _IN_NAME.items() if words & telling}


def _best(topic: Topic, text: str, tools: Sequence[FunctionTool]) -> FunctionTool | None:
    """The tool for `topic` whose name fits the words of `text` best, the first of equals."""
    able = [tool for tool in tools if topic in topics_of(tool)]
    asked = set(stems(text))

    def fit(tool: FunctionTool) -> int:
        extra = [word for word in own_words(tool.name) if stem(word) not in _IN_NAME[topic]]
        return sum(1 if word in asked else -1 for word in extra)

    return max(able, key=fit, default=None)
