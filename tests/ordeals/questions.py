"""Numbered questions and the model that answers them: what is asked, answered, lost or doubled is told by its number.

Each question is about a place of its own, so that the look-ups of its tool calls can be told from all others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulators.open_meteo.gazetteer import PLACES, Entry
from tests.simulators.openai import OpenAISimulator, Request, Turn
from tests.simulators.openai.script import pieces

TOOL = "get_current_temperature"
HALTS = 400
"""How many places there are: far more than questions that are open at once."""
SHORT, LONG, SELDOM = 12, 700, 12
"""Words of most answers, and of each so manieth, which takes several messages."""
STREAMING = 0.35
"""Seconds that an answer takes to be said."""
_ASKED = re.compile(r"\(question (\d+)\)")
_WORD = re.compile(r"\bq(\d+)w(\d+)\b")
_PARAGRAPH = 40

GAZETTEER = (
    *PLACES,
    *(
        Entry(f"Halt {n:04}", "", "", "AU", -60 + n % 20, 60 + n // 20, "Australia/Perth", 1000)  # far from all others
        for n in range(HALTS)
    ),
)


def question(number: int) -> str:
    return f"(question {number}) How warm is it in {place(number)}?"


def place(number: int) -> str:
    return f"Halt {number % HALTS:04}"


def asked_in(text: str) -> list[int]:
    """The numbers of the questions in a text."""
    return [int(found) for found in _ASKED.findall(text)]


def words(number: int) -> int:
    """How many words the answer has."""
    return SHORT if number % SELDOM else LONG


def read(text: str) -> dict[int, list[int]]:
    """Which words of which answers stand in a text, in their order."""
    found: dict[int, list[int]] = {}
    for number, word in _WORD.findall(text):
        found.setdefault(int(number), []).append(int(word))
    return found


def is_whole(number: int, read: list[int]) -> bool:
    """Each word of the answer once, and in its order."""
    return read == list(range(words(number)))


def ends(number: int) -> str:
    """What the answer ends with."""
    return f"q{number}w{words(number) - 1}."


def beside(text: str) -> str:
    """What a place shows beside answers."""
    return _WORD.sub("", text).replace(".", "").strip()


@dataclass(frozen=True, slots=True)
class Paced(Turn):
    """An answer that takes its time."""

    async def passed(self, deltas: int) -> None:
        await asyncio.sleep(STREAMING / max(1, len(pieces(self.text))))
        await Turn.passed(self, deltas)


def answer(request: Request) -> Turn:
    """Looks up the places of all questions that are open, then answers each of them."""
    numbers = _open(request.items)
    if not request.outputs:
        return Turn(calls=[(TOOL, {"location": place(number)}) for number in numbers])
    return Paced(text="\n\n".join(map(_answer, numbers)))


def _open(items: Sequence[Mapping[str, Any]]) -> list[int]:
    """The numbers of those that were asked after the last answer."""
    found: list[int] = []
    for item in items:
        if item.get("role") == "assistant":
            found = []
        elif item.get("role") == "user":
            content = item.get("content")
            found += asked_in(content if isinstance(content, str) else str(content))
    return found


def _answer(number: int) -> str:
    said = [f"q{number}w{at}" for at in range(words(number))]
    return "\n\n".join(f"{' '.join(said[at : at + _PARAGRAPH])}." for at in range(0, len(said), _PARAGRAPH))


class Mind(OpenAISimulator):
    """The simulated OpenAI, but it checks and keeps no requests: there are many, and each carries its conversation."""

    def _check(self, request: Request) -> None:
        self.requests.clear()
