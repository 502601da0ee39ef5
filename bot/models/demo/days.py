"""When a question is about: how many days ahead the words reach, and which words said so."""

from __future__ import annotations

import re
from math import ceil

BREAK = "|"
"""Stands where a phrase was taken out: no name of a place reaches across it."""

NOW = 0
"""The horizon of `today` and `right now`."""

REACH = 16
"""The days of the longest forecast, today counted."""

OUT = 1000
"""The horizon of what is past, too far ahead, or a date: rules without a calendar cannot count to one."""

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_WORDS = {word: number for number, word in enumerate(_NUMBERS.split(), 1)}
_WORDS |= {"a": 1, "an": 1, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3, "several": 3}
_UNITS = {"hour": 1 / 24, "day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_COUNT = rf"(\d{{1,3}}|{'|'.join(sorted(_WORDS, reverse=True))})"
_UNIT = rf"({'|'.join(_UNITS)})s?"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_LONG = "|".join(("january|february|april|june|july|august|september|october|november|december", "(?-i:March|May)"))
_MONTH = rf"(?:{_LONG}|(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
_SEASON = r"(?:month|year|decade|century|spring|summer|autumn|fall|winter|christmas|easter|new year(?:'s)?(?: eve)?)"
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)"

_OUT = (
    rf"(?:\b{_COUNT} )?\b{_UNIT} ago\b",
    rf"\b(?:(?:in|over|during|for) )?(?:(?:the|these) )?(?:last|past|previous) (?:{_COUNT} )?"
    rf"(?:{_UNIT}|night|weekend|{_WEEKDAY}|{_MONTH}|{_SEASON})\b",
    r"\b(?:the )?(?:day before )?yesterday\b(?:'s)?(?: (?:morning|afternoon|evening|night))?",
    rf"\b(?:on )?(?:the )?(?:\d{{1,2}}\.?|{_ORDINAL}) (?:of )?{_MONTH}\b(?:,? \d{{4}}\b)?",
    rf"\b(?:on )?{_MONTH} (?:the )?(?:{_ORDINAL}|\d{{1,2}})\b(?:,? \d{{4}}\b)?",
    rf"\b(?:(?:in|on|since|until|by|during|this|next|of|late|early|mid) )+(?:{_LONG})\b(?: \d{{4}}\b)?",
    r"\b\d{4}-\d\d(?:-\d\d)?\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|\b\d{1,2}\.\d{1,2}\.(?:\d{2,4}\b)?",
    rf"\b(?:in|since|of|during|by|until) (?:the year )?(?:1[5-9]|20)\d\d\b|\bon the {_ORDINAL}\b",
    rf"\b(?:(?:in|over|during|this|next|at|on|for|the) )+{_SEASON}\b(?! (?-i:[A-Z])|, (?-i:[A-Z]))",
    r"\b(?:the )?week(?:end)? after next\b",
)
"""Words for times that no forecast reaches."""

_AHEAD = (
    rf"\bin {_COUNT} {_UNIT}\b(?:'? time)?(?: from (?:now|today))?",
    rf"\b{_COUNT} {_UNIT} (?:from (?:now|today)|ahead|later|hence)\b",
)
_LASTING = (
    rf"\b(?:(?:in|for|over|during|within) )?(?:the )?(?:next|coming|following) {_COUNT} {_UNIT}\b",
    rf"\b(?:for|over|within) {_COUNT} {_UNIT}\b",
    rf"\b{_COUNT}[- ]{_UNIT}\b(?=[- ](?:weather|forecast|outlook))",
)
_NAMED = (
    (r"\b(?:on )?(?:the )?day after tomorrow\b", 3),
    (r"\b(?:for )?tomorrow\b(?:'s)?(?: (?:morning|afternoon|evening|night))?", 2),
    (r"\b(?:(?:in|for|over|during) )?(?:the )?(?:next|following) week(?:end)?(?:'s)?\b", 14),
    (
        rf"\b(?:(?:in|for|over|during|on|at) )?(?:(?:the|this|next|coming|following) )*"
        rf"(?:week(?:end)?|(?<=next )days|(?<=coming )days|{_WEEKDAY})(?:'s)?\b",
        7,
    ),
    (
        r"\b(?:for |as of )?(?:right now|just now|now|today(?:'s)?|tonight|currently|current|at the moment|at present"
        r"|at this (?:hour|time|moment)|this (?:morning|afternoon|evening))\b",
        NOW,
    ),
)


def _reach(found: re.Match[str], ahead: int) -> int:
    """The days of a count of units: until that day where it lies ahead, else as many as a forecast has."""
    count, unit = (one.lower() for one in found.groups())
    days = ceil((int(count) if count.isdecimal() else _WORDS[count]) * _UNITS[unit]) + ahead
    return days if days <= REACH else OUT if ahead else REACH


_CALENDAR = tuple((re.compile(one, re.IGNORECASE), OUT) for one in _OUT)
_COUNTED = tuple((re.compile(one, re.IGNORECASE), ahead) for ahead in (1, 0) for one in (_LASTING, _AHEAD)[ahead])
_WORDED = tuple((re.compile(one, re.IGNORECASE), days) for one, days in _NAMED)
_PAST = re.compile(
    r"(?<!\bI )(?<!\bwe )(?<!\byou )\b(?:was|were|did)(?:n't)?\b(?! (?:I|we|you)\b)|\b(?:has|had) (?:it|there)\b",
    re.IGNORECASE,
)


def horizon(text: str) -> tuple[int | None, str]:
    """The days that the question covers, today counted, and `text` with a break in place of each phrase of time.

    `tomorrow` gives 2, a week 7, `now` 0, last year `OUT`; None where the text does not say. The longest reach wins.
    """
    reaches: list[int] = []
    for patterns, counted in ((_CALENDAR, False), (_COUNTED, True), (_WORDED, False)):
        for pattern, days in patterns:
            reaches += [_reach(found, days) if counted else days for found in pattern.finditer(text)]
            text = pattern.sub(f" {BREAK} ", text)
    return max(reaches, default=None), text


def is_past(text: str) -> bool:
    """Whether a question stands in the past tense. What somebody did (`I was`, `did you`) does not count."""
    return _PAST.search(text) is not None
