"""What a REST route is here: how it answers, which bucket it counts in, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulators.discord.values import JSON

if TYPE_CHECKING:
    from tests.simulators.discord.world import World


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a request: the number in `files[n]`, and its bytes."""

    number: int
    name: str
    content: bytes
    mimetype: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the ids in its path, its query, its JSON (`payload_json` of a form), and the files that came along."""

    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = field(default_factory=dict)
    uploads: tuple[Upload, ...] = ()

    @property
    def fields(self) -> JSON:
        """The body, where it is an object."""
        return self.body if isinstance(self.body, dict) else {}


@dataclass(frozen=True, slots=True)
class Route:
    """`answer` gives the body, None for 204, or raises `Refusal`. `token`: it wants the bot's token, and counts in the
    global limit.
    """

    answer: Callable[[World, Asked], Any]
    bucket: str = ""
    token: bool = True
