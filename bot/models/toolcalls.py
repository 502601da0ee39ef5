"""Puts the pieces of streamed tool calls together, as OpenAI sends them and as compatible servers do.

OpenAI numbers the calls (`index`), sends id and name once and the arguments in pieces. Others leave out the index or
give every call index 0, send no id or the same for all, repeat the name with each piece, send a call whole or its
arguments as an object, or still use the legacy `function_call`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.assistants.types import JSON, new_id
from bot.models.port import Call


@dataclass(slots=True)
class _Open:
    index: int | None
    id: str
    name: str
    arguments: str = ""

    @property
    def complete(self) -> bool:
        """The arguments are a JSON object already, so that more of them would belong to another call."""
        try:
            return isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


@dataclass(slots=True)
class ToolCalls:
    _calls: list[_Open] = field(default_factory=list)

    def add(self, delta: JSON) -> None:
        """Take what the `delta` of a chunk says about calls."""
        for piece in delta.get("tool_calls") or ():
            if isinstance(piece, Mapping):
                self._add(piece, piece.get("function") or {})
        if legacy := delta.get("function_call"):
            self._add({"index": 0}, legacy)

    def whole(self) -> Sequence[Call]:
        """The calls in their order, but for those without a name: some servers send empty pieces.

        Each has an id of its own; one without arguments gets an empty object.
        """
        calls: dict[str, Call] = {}
        for call in (begun for begun in self._calls if begun.name):
            id_ = call.id if call.id and call.id not in calls else new_id("call")
            calls[id_] = Call(id_, call.name, call.arguments or "{}")
        return list(calls.values())

    def _add(self, piece: JSON, function: JSON) -> None:
        index, id_ = piece.get("index"), str(piece.get("id") or "")
        name, arguments = str(function.get("name") or ""), written(function.get("arguments"))
        call = self._last(index)
        if call is None or _begins(call, index, id_, name, arguments):
            call = _Open(index, id_, name)
            self._calls.append(call)
        call.id, call.name = call.id or id_, call.name or name
        call.arguments += arguments

    def _last(self, index: int | None) -> _Open | None:
        return next((call for call in reversed(self._calls) if index in (None, call.index)), None)


def _begins(call: _Open, index: int | None, id_: str, name: str, arguments: str) -> bool:
    """Whether a piece begins a new call rather than going on with `call`, the last one of its index."""
    if index is None and id_ and id_ != call.id:
        return True
    other_id = bool(id_ and call.id) and id_ != call.id
    same_id = bool(id_) and id_ == call.id
    other_name = bool(call.name) and name != call.name and (index is None or not same_id)
    return bool(name) and (other_id or other_name or (call.complete and bool(arguments)))


def written(arguments: Any) -> str:
    """A call's arguments as JSON text, which is how all but some servers send them."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return json.dumps(arguments)
