"""Under which keys `Pace` counts the calls, and how much room each has.

Discord publishes a global rate; how much room a channel or an interaction has, the headers of its answers tell:
https://docs.discord.com/developers/topics/rate-limits
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.pace import Limit, Rank

GLOBAL = "global"
STATE = "state "
"""Begins the key of states on the way in one place."""

RATES = Limit(40, 1.0)
"""Of 50 calls a second in all, which Discord takes with the bot's token: not all arrive as evenly as they went."""
RHYTHM = Limit(1, 1.0)
"""How often one answer is edited at the most: our own measure, as fast as it is pleasant to read."""


def limit(key: str) -> Limit | None:
    """For `Pace`."""
    if key == GLOBAL:
        return RATES
    return RHYTHM if key.startswith(STATE) else None


def unlimited(key: str) -> None:
    """For `Pace`, against a Discord that counts nothing, as in benchmarks. Pauses that it asks for are kept."""


def keys_of(where: str, rank: Rank, *, everywhere: bool) -> tuple[str, ...]:
    """What a call is counted under. `where` is its bucket, or its name; `everywhere`: it counts in the global rate."""
    state = (f"{STATE}{where}",) if rank is Rank.STATE else ()
    return (*((GLOBAL,) if everywhere else ()), where, *state)


@dataclass(frozen=True, slots=True)
class Room:
    """What an answer's headers say of its bucket: calls that are left, and the seconds until it is full again.

    https://docs.discord.com/developers/topics/rate-limits#header-format
    """

    left: int
    seconds: float

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Room | None:
        try:
            return cls(int(headers["X-RateLimit-Remaining"]), float(headers["X-RateLimit-Reset-After"]))
        except (KeyError, ValueError):
            return None

    @property
    def spacing(self) -> float:
        """Seconds before the next state on the way: what is left is spread, and one call stays for the last state."""
        return self.seconds / (self.left - 1) if self.left > 1 else self.seconds
