"""Turns the parts of a question into what is asked for, with what the thread has said before.

A part borrows what it lacks from its neighbours; a follow-up (`And in Rome?`, `and tomorrow?`) borrows it from the
question before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from bot.models.demo.days import OUT, horizon, is_past
from bot.models.demo.places import beside_weather, capitalised_places, find_places, leading, lone_place, tokens
from bot.models.demo.topics import Subject, Topic, described, names_unit, subjects, without_topics
from bot.models.demo.words import FILLER, mask, unmask
from bot.models.port import FunctionTool

READ = 1000
"""Characters of a message that are read: a question is short, an attached file is not."""

_SEPARATOR = re.compile(
    r"(?P<end>[?!;\n]+|(?<!\b[A-Z])(?<!\bSt)(?<!\bMt)(?<!\bFt)\.+(?=\s|$))"
    r"|,?\s*\b(?:[aA]nd|AND|or|but|But|than|vs\.?|versus|compared (?:to|with)|then|plus|as well as)(?![\w'.-])"
    r"|(?<!,)\s+OR\b|\s&\s"
)
_THERE = re.compile(r"\bthere\b", re.IGNORECASE)

LONGEST_REPLY = 200
"""Characters of a message that can be the reply to a question of ours."""

_CONNECTIVE = re.compile(r"\W*(?:and|what about|how about|also|same for|now|or)\b[\s,:]*", re.IGNORECASE)
_UNIT = r"(?:°\s?)?(?:degrees? )?(?:[fck]|celsius|fahrenheit|kelvin)\b"
_CONVERSION = re.compile(
    rf"\d\s?{_UNIT} (?:in|to|as|into|is (?:how many|what in)) {_UNIT}|{_UNIT} (?:is|are|equals?) -?\d", re.IGNORECASE
)
"""`72 F in Celsius` asks for no place."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a question. `plain` says that it holds nothing but places, times and filler."""

    text: str
    sentence: int
    subjects: tuple[Subject, ...]
    places: tuple[str, ...]
    days: int | None
    plain: bool
    unit: bool
    there: bool
    anchored: bool
    """The places stand behind prepositions."""

    leads: bool
    """It begins with its first place."""

    @property
    def says_something(self) -> bool:
        return bool(self.places or self.unit or self.there) or self.days is not None


class _Piece(NamedTuple):
    text: str
    sentence: int


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
    if _CONVERSION.search(text[:READ]):
        return ()
    parts = _clauses(text, tools)
    if any(part.subjects for part in parts):
        wishes = _with_places(_merged(parts), before)
        return tuple(Ask(subject, part.places, part.days, part.text) for part in wishes for subject in part.subjects)
    if follow := _follow_up(text, parts, before) or _reply(text, parts, before):
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
    lenders = [one for one in beside if not part.places or part.leads or one.anchored == part.anchored]
    if not part.places and not lenders:
        lenders = [clause for clause in lent if clause.anchored]
    places = (*(place for clause in lenders for place in clause.places), *part.places)
    near = (one.days for one in lent if one.sentence == part.sentence or one.days != OUT)
    days = part.days if part.days is not None else next((days for days in near if days is not None), None)
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
        if days is None and not any(part.unit for part in parts):
            return ()
        return (Ask(Topic.TEMPERATURE, places or before.places[-1:], days, text),)
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


def _clauses(text: str, tools: Sequence[FunctionTool]) -> tuple[Clause, ...]:
    """The parts of `text` in order."""
    pieces = list(_pieces(mask(text[:READ])))
    wishes = [subjects(piece.text, tools) for piece in pieces]
    wishing = {piece.sentence for piece, wish in zip(pieces, wishes, strict=True) if wish}
    return tuple(
        _clause(piece, wish, piece.sentence in wishing, _is_listed(piece, after), tools)
        for piece, after, wish in zip(pieces, [*pieces[1:], None], wishes, strict=False)
    )


def _pieces(text: str) -> Iterator[_Piece]:
    """Each part that is not empty, with the number of its sentence."""
    cuts = [(found.start(), found.end(), bool(found["end"])) for found in _SEPARATOR.finditer(text)]
    sentence = 0
    for (_, start, ended), (stop, _, _) in pairwise([(0, 0, False), *cuts, (len(text), len(text), True)]):
        sentence += ended
        if piece := text[start:stop].strip(" ,\t\r"):
            yield _Piece(piece, sentence)


def _is_listed(piece: _Piece, after: _Piece | None) -> bool:
    """Whether a list goes on in the next part: `Oslo, Rome` before `and Paris` or `and Paris is warmer`."""
    return (
        after is not None and after.sentence == piece.sentence and bool(lone_place(after.text) or leading(after.text))
    )


def _clause(
    piece: _Piece, wish: tuple[Subject, ...], wished: bool, listed: bool, tools: Sequence[FunctionTool]
) -> Clause:
    days, timeless = horizon(piece.text)
    rest = without_topics(timeless, tools)
    anchored = find_places(rest, listed=listed)
    lone = lone_place(piece.text, listed) if not wish and days is None else ()
    places = anchored or lone or (capitalised_places(rest, listed=listed) if wished else ())
    if wish and not places:
        places = beside_weather(piece.text, rest)
    if (wish or places) and is_past(piece.text):
        days = OUT
    return Clause(
        text=unmask(piece.text),
        sentence=piece.sentence,
        subjects=wish,
        places=places,
        days=days,
        plain=bool(lone) or _is_plain(rest, places),
        unit=names_unit(piece.text),
        there=bool(_THERE.search(piece.text)),
        anchored=bool(anchored),
        leads=bool(places) and rest.lstrip().startswith(places[0].split(",")[0]),
    )


def _is_plain(rest: str, places: Sequence[str]) -> bool:
    known = {word.lower() for place in places for word in tokens(place)} | FILLER
    words = (word.lower() for word in tokens(rest) if word[0].isalnum())
    return all(word in known or word.removesuffix("'s") in known for word in words)
