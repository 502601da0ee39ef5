"""What a process of the core's benchmark is to measure, and what it found: plain values that travel as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

PATIENCE = 120.0
"""Seconds after which an answer counts as missing."""

Kind = Literal["parley", "bare", "late", "behind", "long", "none", "stored", "answered", "streaming"]


@dataclass(frozen=True, slots=True)
class Task:
    kind: Kind
    turns: int = 0
    at_once: int = 1
    old: int = 0
    """Messages that each thread holds already, or other threads."""
    limit: int = 0
    """`MAX_CONCURRENT_RUNS`; the default of the settings, or as many as talk at once, where it is 0."""
    patience: float = PATIENCE
    profile: str = ""
    """A file for where the time of the main thread goes."""

    @property
    def runs(self) -> int:
        return self.limit or max(100, self.at_once)


@dataclass(frozen=True, slots=True)
class Found:
    turns: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds, all threads together."""
    beside: float = 0.0
    """Those of them that other threads than the main one took."""
    firsts: Sequence[float] = ()
    """Seconds from the acceptance of each question to the first thing shown of its answer."""
    wholes: Sequence[float] = ()
    memory: float = 0.0
    """MB now."""
    peak: float = 0.0
    transactions: float = 0.0
    """A turn."""
    statements: float = 0.0
    problems: Sequence[str] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """Milliseconds of CPU a turn."""
        return 1000 * self.cpu / self.turns if self.turns else 0.0

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds if self.seconds else 0.0
