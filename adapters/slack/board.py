"""Board: what Slack shows of one reply, as plain values that are kept with its run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Form = Literal["", "stream", "edit", "whole"]
"""How states on the way are shown: not decided, by a stream, by edits of a message, or not at all until the end."""

Waiting = Literal["", "session", "status", "both"]
"""What tells people that Parley is at work: nothing, a session that is `processing`, or a thread's status; both, where
an earlier life may have begun a session."""


def digest(shown: Any) -> str:
    """A short fingerprint of text or blocks."""
    text = shown if isinstance(shown, str) else json.dumps(shown, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Segment:
    """A message of ours. `digest` is of its text while it streams and of its blocks later; empty where not known."""

    ts: str
    digest: str = ""
    streaming: bool = False
    length: int = 0
    """Characters that were streamed."""
    begun: float = 0.0
    """Unix seconds."""

    def continues_in(self, text: str) -> bool:
        """What is streamed so far is how `text` begins."""
        return len(text) >= self.length and digest(text[: self.length]) == self.digest


@dataclass(frozen=True, slots=True)
class Board:
    form: Form = ""
    waiting: Waiting = ""
    root: str = ""
    """The message that begins the thread, where Parley had to post it."""
    segments: Sequence[Segment] = ()
    cuts: Sequence[int] = ()
    """Where in the text a message was ended before it was full."""
    tasks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Title and state of each task card, by the call's id."""
    asking: bool = False
    """People were asked something, so that nobody is told that Parley is at work."""
    uploads: Sequence[str] = ()
    """The ids of the files that Slack has for the reply, perhaps not shared yet."""
    handed: bool = False
    """Nothing is to be done about its files any more."""
    unshown: str = ""
    """What is said below the answer of those that could not be shown."""

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Board:
        """What `state` gave, also after JSON made lists of its tuples."""
        if not state:
            return cls()
        segments = tuple(Segment(**segment) for segment in state["segments"])
        tasks = {id_: (title, status) for id_, (title, status) in state["tasks"].items()}
        uploads = tuple(state.get("uploads", ()))  # not there in what earlier versions recorded
        return cls(**{**state, "segments": segments, "tasks": tasks, "cuts": tuple(state["cuts"]), "uploads": uploads})

    def state(self) -> dict[str, Any]:
        """As JSON values; `read` takes them back."""
        return asdict(self)

    def with_segment(self, number: int, segment: Segment) -> Board:
        """`number` is one that is there, or the next one."""
        segments = [*self.segments[:number], segment, *self.segments[number + 1 :]]
        return replace(self, segments=tuple(segments))

    @property
    def open(self) -> Segment | None:
        """The message that is being streamed into."""
        last = self.segments[-1] if self.segments else None
        return last if last is not None and last.streaming else None
