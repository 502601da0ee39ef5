"""What a method of the Web API is here: who may call it, how often, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulators.slack.tokens import Kind
from tests.simulators.slack.values import JSON

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Method:
    """`answer` gives the body without `ok`, or raises `Refusal`. One of `scopes` is needed, if there are any."""

    answer: Callable[[Workspace, JSON], JSON]
    per_minute: int
    scopes: tuple[str, ...] = ()
    token: Kind = "bot"
