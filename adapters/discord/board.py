"""Board: what Discord shows of one reply, as plain values that are kept with its run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any


def digest(shown: Any) -> str:
    """A short fingerprint of what a message shows."""
    return hashlib.blake2b(json.dumps(shown, sort_keys=True).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Segment:
    """A message of ours. `digest` is empty where it is not known what the message shows."""

    id: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    place: str = ""
    """The channel, thread or direct conversation in which the reply stands; empty before it has begun."""
    opened: bool = False
    """The thread was opened for it."""
    response: bool = False
    """The first message is the response to a command."""
    again: int = 0
    """How often a message that somebody deleted was sent anew: each sending has a nonce of its own."""
    segments: Sequence[Segment] = ()

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Board:
        """What `state` gave, also after JSON made lists of its tuples."""
        if not state:
            return cls()
        return cls(**{**state, "segments": tuple(Segment(**segment) for segment in state["segments"])})

    def state(self) -> dict[str, Any]:
        """As JSON values; `read` takes them back."""
        return asdict(self)

    def with_segment(self, number: int, segment: Segment) -> Board:
        """`number` is one that is there, or the next one."""
        return replace(self, segments=(*self.segments[:number], segment, *self.segments[number + 1 :]))

    def unsure(self) -> Board:
        """The same where nobody knows any more what the messages show."""
        return replace(self, segments=tuple(Segment(segment.id) for segment in self.segments))
