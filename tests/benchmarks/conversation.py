"""What is talked about in the benchmark, the same on each side: a question, both weather tools at once, an answer that
streams for a second and a half.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from itertools import count

from tests.simulators.open_meteo.gazetteer import PLACES
from tests.simulators.openai import OpenAISimulator, Request, Turn

MODEL = "gpt-4.1"
WORDS = 40
STREAMING = 1.5
"""Seconds that an answer takes to be said."""

_FILLER = "with a light wind from the west, good visibility, and nothing in the sky that asks for an umbrella today"


@dataclass(frozen=True, slots=True)
class Spoken(Turn):
    """An answer at the speed of speech: a pause after each delta."""

    async def passed(self, deltas: int) -> None:
        await asyncio.sleep(STREAMING / WORDS)


@dataclass
class Script:
    """Asks and answers. `answers` holds what the model said, by the number of the question."""

    answers: dict[int, str] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def question(self) -> tuple[int, str]:
        number = next(self._numbers)
        place = PLACES[number % len(PLACES)]
        return number, f"(question {number}) How warm is it in {_called(number)}, and will it rain? Just {place.name}."

    def brain(self, request: Request) -> Turn:
        """Raises `LookupError` where the tools failed, which fails the conversation."""
        found = re.search(r"\(question (\d+)\)", request.question)
        number = int(found.group(1)) if found else 0
        if not request.outputs:
            asked = {"location": _called(number)}
            return Turn(calls=[("get_current_temperature", asked), ("get_rain_probability", asked)])
        told = {name: value for output in request.outputs for name, value in json.loads(output).items()}
        self.answers[number] = _answer(number, told["temperature"], told["rain_probability"])
        return Spoken(text=self.answers[number])


class Model(OpenAISimulator):
    """The simulated OpenAI, but it checks and keeps no requests: tests check the like, and checking takes its time."""

    def _check(self, request: Request) -> None:
        self.requests.clear()


def _called(number: int) -> str:
    place = PLACES[number % len(PLACES)]
    return ", ".join(part for part in (place.name, place.admin1) if part)


def _answer(number: int, temperature: float, rain: int) -> str:
    words = f"**Answer {number}.** It is **{temperature} °C** there now; the chance of rain is {rain} percent".split()
    words += (_FILLER.split() * 2)[: WORDS - len(words)]
    return f"{' '.join(words)}."
