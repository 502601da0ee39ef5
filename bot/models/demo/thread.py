"""Reads a request's items: what people said, which of it waits for an answer, and what this run has called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.port import AssistantText, Call, CallOutput, Item, OwnItems, UserText


@dataclass(frozen=True, slots=True)
class Made:
    """A call of this run, and its output once that is there."""

    call: Call
    output: str | None

    @property
    def arguments(self) -> Mapping[str, Any]:
        return read_arguments(self.call.arguments)

    @property
    def key(self) -> str:
        return key_of(self.call.name, self.arguments)


@dataclass(frozen=True, slots=True)
class Thread:
    """`said` is everything that people wrote; from `answered` on it waits for an answer."""

    said: tuple[UserText, ...]
    answered: int
    made: tuple[Made, ...]


def read_thread(items: Sequence[Item]) -> Thread:
    last = max((at for at, item in enumerate(items) if isinstance(item, UserText)), default=-1)
    replies = [at for at, item in enumerate(items[: last + 1]) if isinstance(item, AssistantText | OwnItems)]
    before = items[: replies[-1]] if replies else ()
    return Thread(
        said=tuple(item for item in items if isinstance(item, UserText)),
        answered=sum(isinstance(item, UserText) for item in before),
        made=_made(items[last + 1 :]),
    )


def key_of(name: str, arguments: Mapping[str, Any]) -> str:
    """The same for calls that ask the same."""
    return f"{name} {json.dumps(arguments, sort_keys=True)}"


def read_arguments(text: str) -> Mapping[str, Any]:
    """The arguments of a call; none where the text is no JSON object."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _made(items: Sequence[Item]) -> tuple[Made, ...]:
    outputs = {item.call_id: item.output for item in items if isinstance(item, CallOutput)}
    return tuple(Made(call, outputs.get(call.id)) for call in _calls(items))


def _calls(items: Sequence[Item]) -> Iterator[Call]:
    for item in items:
        if isinstance(item, Call):
            yield item
        elif isinstance(item, OwnItems):
            yield from (part for part in item.neutral if isinstance(part, Call))
