"""What an ordeal needs of a platform: somebody who asks there, faults, and what stands there in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Shown:
    """What a place shows of Parley: its messages in their order, as one text, and what is not over there."""

    place: str
    text: str
    unfinished: Sequence[str] = ()


class Stage(Protocol):
    """A platform with people and places. Numbers are those of questions."""

    name: str
    faults: Sequence[Callable[[], str]]
    """Each makes something go wrong, and says what."""

    @property
    def variables(self) -> Mapping[str, str]:
        """With which Parley finds it."""
        ...

    async def ready(self, seconds: float) -> bool:
        """Wait until Parley is there and gets what is said; false where it is not in time."""
        ...

    async def introduce(self, number: int) -> int:
        """Somebody asks for the first time, in each place that Parley can only know from that; the last number used."""
        ...

    async def ask(self, number: int) -> None:
        """Somebody asks somewhere, by chance."""
        ...

    def end(self) -> None:
        """No planned fault comes any more."""
        ...

    def refused(self) -> set[int]:
        """What was not taken in, as the one who asked was told."""
        ...

    def open(self) -> list[int]:
        """What was asked and is not answered yet."""
        ...

    def accepted(self) -> set[int]:
        """What was acknowledged, or cannot be refused."""
        ...

    def shown(self) -> Iterator[Shown]:
        """What every place shows now."""
        ...

    def seen(self, number: int) -> Iterator[str]:
        """For whoever looks for what went wrong with a question: all that ever stood there, and the calls about it."""
        ...

    @property
    def at_rest(self) -> bool:
        """Nothing is under way to Parley, and no place shows that somebody works."""
        ...


FOLLOW_UPS, DIRECT = 0.35, 0.15
"""How many questions go on with an earlier conversation, and how many are asked in direct ones."""
RECENT = 20
"""How many conversations people go on with."""
