"""A small fake of the core for console tests, and a reply to render."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.console.who import HERE
from bot.errors import StoreError
from bot.ports import (
    Accepted,
    CommandRequest,
    Conversation,
    Document,
    Form,
    InboundMessage,
    Named,
    Overview,
    Placed,
    Press,
)
from bot.ports import Answer as Command


@dataclass(slots=True)
class Desk:
    """A small fake of the core: what it was handed, and what it answers to commands."""

    accepted: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    form: Form | None = None
    told: str = ""
    """What a press is answered with."""
    reply: str = "Done."
    file: Document | None = None
    forgot: bool = False
    fault: StoreError | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, message: InboundMessage) -> Accepted:
        self.came.set()
        if self.fault is not None:
            raise self.fault
        self.accepted.append(message.text)
        return Accepted("thread_1", "msg_1")

    async def command(self, request: CommandRequest) -> Command:
        self.commands.append(request.text)
        self.came.set()
        return Command(self.reply, self.file, self.forgot)

    async def amend(self, conversation: Conversation, key: str, text: str) -> None:
        raise AssertionError("a terminal has no edits")

    async def withdraw(self, conversation: Conversation, key: str) -> None:
        raise AssertionError("a terminal has no deletions")

    async def press(self, press: Press) -> str | Form:
        self.presses.append(press)
        self.came.set()
        return self.form if press.button.verb == "write" and self.form else self.told

    async def names(self, where: Conversation, of: Named) -> Sequence[str]:
        raise AssertionError("a terminal completes nothing")

    async def overview(self, request: CommandRequest) -> Overview:
        raise AssertionError("a terminal has no home")

    async def heard_lately(self, platform: str) -> Sequence[tuple[Conversation, str]]:
        raise AssertionError("a terminal misses nothing")

    async def quiet(self) -> None:
        """Nothing is in the making."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply in the making."""

    run_id: str = "run_1"
    conversation: Conversation = HERE
    route: Mapping[str, Any] = field(default_factory=dict)
    routes: Sequence[Mapping[str, Any]] = ()

    async def record(self, placed: Placed) -> None:
        """The console sends nothing that could be looked up."""
