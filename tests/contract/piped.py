"""The contract through a pipe: a line is read when the one before it is answered, and nobody can be interrupted."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from adapters.console import PipedConsole
from adapters.console.who import operator
from bot.app import running
from bot.assistants.types import Author
from tests.contract.console import FILE, OBEYED, opened
from tests.contract.stage import Platform, Shown, Who, until
from tests.parley import forecast, settings_for, tide
from tests.scripted_model import ScriptedModel
from tools.registry import Registry


class Source(io.StringIO):
    """Standard input: a line comes when somebody writes one."""

    def __init__(self) -> None:
        super().__init__()
        self.written = self.wanted = 0
        self._lines: SimpleQueue[str] = SimpleQueue()

    def put(self, line: str) -> None:
        self.written += 1
        self._lines.put(line)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override] # as StringIO itself has it
        self.wanted += 1
        return self._lines.get()


class Sink(io.StringIO):
    """Standard output or error: each printing is one."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self.printed: list[str] = []
        self._changed = changed
        self._now = ""

    def write(self, text: str) -> int:
        self._now += text
        return len(text)

    def flush(self) -> None:
        if self._now:
            self.printed.append(self._now)
            self._now = ""
            self._changed()


@dataclass(slots=True)
class PipedStage:
    path: Path
    model: ScriptedModel
    asides: set[int] = field(default_factory=set)
    look: Callable[[], None] = lambda: None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    source: Source = field(init=False)
    answers: Sink = field(init=False)
    statuses: Sink = field(init=False)

    def __post_init__(self) -> None:
        self.answers, self.statuses = Sink(self._heard), Sink(self._heard)

    @asynccontextmanager
    async def parley(self, registry: Registry | None = None, **changes: Any) -> AsyncIterator[None]:
        settings, tools = settings_for(self.path, **changes), registry or Registry([forecast, tide])
        self.source = Source()
        piped = PipedConsole(self.source, self.answers, self.statuses, folder=self.path.with_suffix(".files"))
        async with running(settings, [piped], model=self.model, registry=tools):
            talking = asyncio.create_task(piped.talk(), name="talk")
            try:
                yield
            finally:
                self.source.put("")
                talking.cancel()
                with suppress(asyncio.CancelledError):
                    await talking

    # -- what the person does

    async def asks(self, text: str, *, who: Who = "Alice") -> None:
        self.source.put(f"{text}\n")

    async def commands(self, text: str, *, who: Who = "Ann") -> str:
        answer = len(self.answers.printed)
        await self.asks(f"/{text}")
        await self.until(lambda: len(self.answers.printed) > answer)
        self.asides.add(answer)
        return self.answers.printed[answer].strip()

    async def edits(self, text: str) -> None:
        raise LookupError("A line cannot be edited.")

    async def deletes(self) -> None:
        raise LookupError("A line cannot be taken back.")

    async def stops(self) -> None:
        raise LookupError("Nobody is heard while an answer is made.")

    def author(self, who: Who) -> Author:
        return operator()

    def reference(self, who: Who) -> str:
        return f"console:{operator().id}"

    # -- what the pipe does

    async def delivers_again(self) -> None:
        raise LookupError("A pipe delivers each line once.")

    def on_taken(self, look: Callable[[], None]) -> None:
        self.look = look

    def _heard(self) -> None:
        self.look()
        self.changed.set()

    # -- what is seen

    @property
    def shown(self) -> Shown:
        said = [FILE.sub("", text).strip() for at, text in enumerate(self.answers.printed) if at not in self.asides]
        return Shown(tuple(said), tuple(text.strip() for text in self.statuses.printed))

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return opened(self.sent)

    @property
    def whispers(self) -> Sequence[str]:
        return ()

    @property
    def sent(self) -> str:
        return "".join([*self.answers.printed, *self.statuses.printed])

    @property
    def alarms(self) -> Sequence[str]:
        return OBEYED.findall(self.sent)

    async def until(self, condition: Callable[[], object]) -> None:
        await until(self, self.changed, condition)

    async def quiet(self) -> None:
        """A further line is wanted."""
        await self.until(lambda: self.source.wanted > self.source.written)


@asynccontextmanager
async def stage(path: Path, model: ScriptedModel) -> AsyncIterator[PipedStage]:
    yield PipedStage(path, model)


PIPED = Platform("piped", frozenset(), stage)
