"""When a question is about: how many days ahead the words reach, and which words said so."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.models.demo.words import BREAK, NUMBERS

NOW = 0
"""The horizon of `today` and `right now`."""

_COUNT = r"(\d{1,3}|" + "|".join(NUMBERS) + ")"


def _count(found: re.Match[str]) -> int:
    word = found[1].lower()
    return int(word) if word.isdecimal() else NUMBERS[word]


_PHRASES: tuple[tuple[str, Callable[[re.Match[str]], int]], ...] = (
    (rf"(?:(?:in|for|over|during) )?(?:the )?(?:next|coming|following) {_COUNT} days\b", _count),
    (rf"\bfor {_COUNT} days\b", _count),
    (rf"\b{_COUNT}[- ]days?\b(?=[- ](?:weather|forecast|outlook))", _count),
    (rf"\bin {_COUNT} days?\b", lambda found: _count(found) + 1),
    (rf"\b(?:in|for|over) (?:the )?(?:(?:next|coming) )?{_COUNT} weeks?\b", lambda found: 7 * _count(found)),
    (r"\b(?:(?:in|for|over) )?(?:the )?(?:next|coming) (?:few|couple of|several) days\b", lambda found: 3),
    (r"\b(?:on )?(?:the )?day after tomorrow\b", lambda found: 3),
    (r"\b(?:for )?tomorrow(?:'s)?(?: (?:morning|afternoon|evening|night))?\b", lambda found: 2),
    (
        r"\b(?:(?:in|for|over|during|on|at) )?(?:(?:the|this|next|coming|following) )*"
        r"(?:week(?:end)?|(?<=next )days|(?<=coming )days|(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:'s)?\b",
        lambda found: 7,
    ),
    (
        r"\b(?:for |as of )?(?:right now|just now|now|today(?:'s)?|tonight|currently|current|at the moment|at present"
        r"|at this (?:hour|time|moment)|this (?:morning|afternoon|evening))\b",
        lambda found: NOW,
    ),
)
_HORIZONS = tuple((re.compile(pattern, re.IGNORECASE), days) for pattern, days in _PHRASES)


def horizon(text: str) -> tuple[int | None, str]:
    """The days that the question covers, today counted, and `text` with a break in place of each phrase of time.

    `tomorrow` gives 2, a week 7, `now` 0; None where the text does not say. The longest reach wins.
    """
    reaches: list[int] = []
    for pattern, days in _HORIZONS:
        reaches += map(days, pattern.finditer(text))
        text = pattern.sub(f" {BREAK} ", text)
    return max(reaches, default=None), text
