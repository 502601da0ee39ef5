"""What the simulated model does when it is called next: one value for each call, the same for either API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Mapping[str, Any]


class Gate:
    """A place where the server waits until the test lets it go on."""

    def __init__(self) -> None:
        self._reached, self._open = asyncio.Event(), asyncio.Event()

    async def reached(self) -> None:
        """Wait until the server stands before the gate."""
        await self._reached.wait()

    def release(self) -> None:
        self._open.set()

    async def wait(self) -> None:
        self._reached.set()
        await self._open.wait()


class CutError(Exception):
    """The stream ends here; `clean` with a proper end of the HTTP body, otherwise with a broken connection."""

    def __init__(self, *, clean: bool) -> None:
        super().__init__("cut")
        self.clean = clean


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer that streams. `after` counts deltas: `gate` and `cut` come when so many are out.

    `error` is a code and a message, reported inside the stream instead of its proper end.
    """

    text: str = ""
    calls: Sequence[tuple[str, JSON | str]] = ()
    reasoning: bool = False
    refusal: str = ""
    finish: Literal["stop", "length", "content_filter"] = "stop"
    gate: Gate | None = None
    cut: Literal["clean", "broken"] | None = None
    after: int = 1
    error: tuple[str, str] | None = None

    @property
    def said(self) -> str:
        return self.refusal or self.text

    async def passed(self, deltas: int) -> None:
        """Called when `deltas` are out. Waits at the gate; raises `CutError` where the stream is to end."""
        if deltas != self.after:
            return
        if self.gate:
            await self.gate.wait()
        if self.cut:
            raise CutError(clean=self.cut == "clean")


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP answer other than 200."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer at all until the gate opens; then an empty one."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Raw:
    """These events, word for word: for servers that speak the protocol in their own way."""

    events: Sequence[JSON | str]


Step = Turn | Failure | Hang | Raw


def pieces(text: str) -> list[str]:
    """A text in deltas, a word and the space after it each."""
    return re.findall(r"\S+\s*|\s+", text)


def arguments(given: JSON | str) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def halves(text: str) -> list[str]:
    """Arguments in two deltas."""
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]
