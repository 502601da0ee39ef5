"""Turns the parts of a question into what is asked for, with what the thread has said before.

A part borrows what it lacks from its neighbours; a follow-up (`And in Rome?`, `and tomorrow?`) borrows it from the
question before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.models.demo.clauses import READ, Clause, clauses
from bot.models.demo.topics import Subject, Topic, described
from bot.models.port import FunctionTool

LONGEST_REPLY = 200
"""Characters of a message that can be the reply to a question of ours."""

_CONNECTIVE = re.compile(r"\W*(?:and|what about|how about|also|same for|now|or)\b[\s,:]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ask:
    """One wish of a question: `subject` for each of `places`.

    Other arguments are read from `text`, and units also from `hint`, what was said before a follow-up.
    """

    subject: Subject
    places: tuple[str, ...]
    days: int | None
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What the thread spoke of last; `asking` where it was left at a question of ours."""

    asks: tuple[Ask, ...] = ()
    places: tuple[str, ...] = ()
    asking: bool = False

    def after(self, asks: Sequence[Ask], asking: bool) -> Context:
        if not asks:
            return replace(self, asking=False)
        places = next((ask.places for ask in reversed(asks) if ask.places), self.places)
        return Context(tuple(asks), places, asking)


def asks_of(text: str, tools: Sequence[FunctionTool], before: Context) -> tuple[Ask, ...]:
    """What `text` asks for, in order; empty where it asks for nothing that a tool could tell."""
    parts = clauses(text, tools)
    if any(part.subjects for part in parts):
        wishes = _with_places(_merged(parts), before)
        return tuple(Ask(subject, part.places, part.days, part.text) for part in wishes for subject in part.subjects)
    if follow := _follow_up(text, parts, before) or _reply(text, parts, before) or _unit_alone(text, parts, before):
        return follow
    if name := described(text[:READ], tools):
        places = tuple(place for part in parts for place in part.places)
        return (Ask(name, places or before.places, None, text[:READ]),)
    return ()


def _merged(parts: Sequence[Clause]) -> list[Clause]:
    """Parts that ask for something; what the other parts say went to the one before, or to the first."""
    merged: list[Clause] = []
    lent: list[Clause] = []
    for part in parts:
        if part.subjects:
            merged.append(_lend(part, lent))
            lent = []
        elif merged:
            merged[-1:] = _joined(merged[-1], part)
        else:
            lent.append(part)
    return merged


def _lend(part: Clause, lent: Sequence[Clause]) -> Clause:
    """`part` with the places and the time that stood before it, where it has none or goes on with a list."""
    beside = [clause for clause in lent if clause.sentence == part.sentence and clause.places]
    lenders = [clause for clause in beside if not part.places or clause.anchored == part.anchored]
    if not part.places and not lenders:
        lenders = [clause for clause in lent if clause.anchored]
    places = (*(place for clause in lenders for place in clause.places), *part.places)
    days = part.days if part.days is not None else next((c.days for c in lent if c.days is not None), None)
    return replace(part, places=tuple(dict.fromkeys(places)), days=days)


def _joined(part: Clause, more: Clause) -> list[Clause]:
    """`part` and a part without a wish of its own, as one or, where it speaks of another time, as two."""
    named = any(isinstance(subject, str) for subject in part.subjects)
    text = f"{part.text} {more.text}"
    if named and not more.plain:
        return [replace(part, text=text)]
    if not more.says_something or (more.sentence != part.sentence and not more.plain):
        return [part]
    if more.days is not None and (not more.places or part.days is not None):
        return [part, replace(part, places=more.places or part.places, days=more.days, text=text)]
    days = part.days if more.days is None else more.days
    return [replace(part, places=tuple(dict.fromkeys(part.places + more.places)), days=days, text=text)]


def _with_places(parts: Sequence[Clause], before: Context) -> list[Clause]:
    """Each part with a place: its own, the last one before it, the next one after it, or that of the thread."""
    placed: list[Clause] = []
    for at, part in enumerate(parts):
        source = next((earlier for earlier in reversed(placed) if earlier.places), None)
        if not part.places and source is None:
            source = next((later for later in parts[at + 1 :] if later.places), None)
        if source is None:
            placed.append(replace(part, places=part.places or before.places[-1:]))
            continue
        days = source.days if part.days is None and source.days else part.days
        placed.append(replace(part, places=part.places or source.places, days=days))
    return placed


def _follow_up(text: str, parts: Sequence[Clause], before: Context) -> tuple[Ask, ...]:
    """The earlier asks for another place, another time or in another unit, where `parts` say nothing else."""
    if not all(part.plain for part in parts) or not any(part.says_something for part in parts):
        return ()
    goes_on = before.asking or "?" in text or _CONNECTIVE.match(text) is not None
    told = any(part.anchored or part.unit or part.days is not None for part in parts)
    if not (goes_on or told):
        return ()
    places = tuple(dict.fromkeys(place for part in parts for place in part.places))
    days = next((part.days for part in parts if part.days is not None), None)
    if not before.asks:
        return () if days is None else (Ask(Topic.TEMPERATURE, places or before.places[-1:], days, text),)
    asks = (_again(ask, text, places, days) for ask in before.asks)
    return tuple(dict.fromkeys(asks))


def _again(ask: Ask, text: str, places: tuple[str, ...], days: int | None) -> Ask:
    hint = f"{ask.text}\n{ask.hint}"[:READ]
    return Ask(ask.subject, places or ask.places, ask.days if days is None else days, text[:READ], hint)


def _reply(text: str, parts: Sequence[Clause], before: Context) -> tuple[Ask, ...]:
    """What we asked for to call a tool by name, or another value for it: `and 4712?`."""
    named = [ask for ask in before.asks if isinstance(ask.subject, str)]
    connected = _CONNECTIVE.match(text)
    if not named or all(part.plain for part in parts) or len(text) > LONGEST_REPLY or not (before.asking or connected):
        return ()
    rest = text[connected.end() :] if connected else text
    return tuple(_again(ask, rest, (), None) for ask in named)


def _unit_alone(text: str, parts: Sequence[Clause], before: Context) -> tuple[Ask, ...]:
    """`How many Fahrenheit has Oslo?` asks for the temperature by its unit."""
    if not any(part.unit for part in parts):
        return ()
    places = tuple(dict.fromkeys(place for part in parts for place in part.places))
    return (Ask(Topic.TEMPERATURE, places or before.places[-1:], None, text[:READ]),)
