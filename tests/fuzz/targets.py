"""A target: how its examples are made, and what tries them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from hypothesis.strategies import SearchStrategy

from tests.fuzz.logs import Logged

Verdict = Literal["accepted", "refused"]


class Stage(Protocol):
    """A running Parley that examples are tried on."""

    async def tries(self, example: Any) -> Verdict:
        """What became of the example. Raises `Finding`."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """`usual`: how many examples are tried where nobody says otherwise; `few`: in the test suite."""

    name: str
    examples: SearchStrategy[Any]
    stage: Callable[[Path, Logged], AbstractAsyncContextManager[Stage]]
    usual: int
    few: int
