"""What was measured, as plain values, and the figures that are made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used since its start, or in a while."""

    cpu: float
    """Seconds, all threads together."""
    beside: float
    """Those of them that other threads than the main one took."""
    memory: float
    """MB, the most at once since its start."""

    def __sub__(self, before: Used) -> Used:
        return Used(self.cpu - before.cpu, self.beside - before.beside, self.memory)


@dataclass(frozen=True, slots=True)
class Talk:
    """One question and its answer, in seconds after the question. `problem` is empty where the answer is right."""

    seen: float
    """Something was shown where the answer was to come."""
    over: float
    """The answer was whole."""
    problem: str = ""
    edits: int = 0
    """How often the answer was edited, where it is made of edits."""


@dataclass(frozen=True, slots=True)
class Round:
    talks: Sequence[Talk]
    acks: Sequence[float]
    """Seconds, one for each question that the platform wants acknowledged."""
    unacknowledged: int
    """Those of them that were not acknowledged at all."""
    events: int
    """How many came in all, with those that tell of answers."""
    calls: Counter[str]
    used: Used


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rounds of one side come to."""

    rounds: Sequence[Round]

    @property
    def turns(self) -> int:
        return sum(len(one.talks) for one in self.rounds)

    @property
    def problems(self) -> list[str]:
        """One for each wrong answer, and for each question that was not acknowledged."""
        lost = ["a question was not acknowledged" for one in self.rounds for _ in range(one.unacknowledged)]
        return [*(talk.problem for one in self.rounds for talk in one.talks if talk.problem), *lost]

    @property
    def acks(self) -> list[float]:
        return [ack for one in self.rounds for ack in one.acks]

    @property
    def seen(self) -> list[float]:
        return [talk.seen for one in self.rounds for talk in one.talks]

    @property
    def over(self) -> list[float]:
        return [talk.over for one in self.rounds for talk in one.talks]

    @property
    def edits(self) -> list[int]:
        return [talk.edits for one in self.rounds for talk in one.talks]

    @property
    def turns_a_second(self) -> float:
        """From the questions, which come all at once, to the last answer."""
        return self.turns / sum(max(talk.over for talk in one.talks) for one in self.rounds)

    @property
    def cpu(self) -> float:
        """Seconds a turn."""
        return sum(one.used.cpu for one in self.rounds) / self.turns

    @property
    def memory(self) -> float:
        """MB."""
        return max(one.used.memory for one in self.rounds)

    @property
    def events(self) -> float:
        """A turn."""
        return sum(one.events for one in self.rounds) / self.turns

    @property
    def calls(self) -> dict[str, float]:
        """A turn, by method."""
        total = sum((one.calls for one in self.rounds), Counter[str]())
        return {method: count / self.turns for method, count in total.items()}


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed; infinite where there are none."""
    ordered = sorted(values) or [inf]
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
