"""The contract in a terminal: typed into the chat's line editor and read off its screen, for the one who sits there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from prompt_toolkit.application import create_app_session, get_app, run_in_terminal
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Attrs

from adapters.console import ChatConsole
from adapters.console.chat import DIM, PROMPT
from adapters.console.who import operator
from bot.app import Core, running
from bot.assistants.types import Author
from tests.contract.stage import Platform, Shown, Who, until
from tests.parley import forecast, settings_for, tide
from tests.scripted_model import ScriptedModel
from tests.test_console_chat import CTRL_C, CTRL_D, ENTER, Screen
from tools.registry import Registry

GREETING = "Welcome."
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


FILE = re.compile(r"^A file for you: (.+)\n?", re.MULTILINE)


def opened(written: str) -> list[tuple[str, bytes]]:
    """The files that somebody finds who goes where the lines say."""
    return [(Path(path).name, Path(path).read_bytes()) for path in dict.fromkeys(FILE.findall(written))]


class Printed(NamedTuple):
    text: str
    dim: bool

    @property
    def echo(self) -> bool:
        return self.text.startswith(PROMPT)


class Terminal(Screen):
    """Keeps every printing as one, with its colour, and all that was ever written."""

    def __init__(self) -> None:
        super().__init__()
        self.printed: list[Printed] = []
        self.written = ""
        self.look: Callable[[], None] = lambda: None
        self._colour = ""
        self._now: list[str] = []
        self._dim = False

    def set_attributes(self, attrs: Attrs, color_depth: ColorDepth) -> None:
        self._colour = attrs.color or ""

    def write(self, data: str) -> None:
        super().write(data)
        self.written += data.replace("\r", "")
        if self.printed and self.printed[-1].echo:
            self.look()  # the first thing that follows on what was typed
        if not self._drawing:
            self._now.append(data.replace("\r", ""))
            self._dim |= self._colour == DIM.removeprefix("fg:")

    def flush(self) -> None:
        if self._now:
            self.printed.append(Printed("".join(self._now).removesuffix("\n"), self._dim))
            self._now, self._dim = [], False
            self.changed.set()

    def answers(self) -> list[str]:
        """An empty printing ends an answer; a greeting cuts one off."""
        found = [""]
        for printed in self.printed:
            if printed in ((GREETING, True), ("", False)):
                found.append("")
            elif not (printed.dim or printed.echo):
                found[-1] += f"{printed.text}\n"
        return found


@dataclass(slots=True)
class ConsoleStage:
    path: Path
    model: ScriptedModel
    screen: Terminal = field(default_factory=Terminal)
    typed: int = 0
    obeyed: set[int] = field(default_factory=set)
    """The printings that answer commands."""
    chat: ChatConsole | None = None
    core: Core | None = None
    keyboard: PipeInput | None = None

    @asynccontextmanager
    async def parley(self, registry: Registry | None = None, **changes: Any) -> AsyncIterator[None]:
        settings, tools = settings_for(self.path, **changes), registry or Registry([forecast, tide])
        with create_pipe_input() as self.keyboard, create_app_session(input=self.keyboard, output=self.screen):
            self.chat = ChatConsole(
                GREETING, folder=self.path.with_suffix(".files"), source=self.keyboard, screen=self.screen
            )
            async with running(settings, [self.chat], model=self.model, registry=tools) as self.core:
                talking = asyncio.create_task(self.chat.talk(), name="talk")
                try:
                    await self.until(lambda: get_app().is_running)
                    yield
                finally:
                    self.keyboard.send_text(CTRL_D)
                    await talking

    # -- what the person does

    async def asks(self, text: str, *, who: Who = "Alice") -> None:
        self._type(f"{text}{ENTER}")
        self.typed += 1

    async def stops(self) -> None:
        self._type(CTRL_C)

    async def commands(self, text: str, *, who: Who = "Ann") -> str:
        before = len(self.screen.printed)
        await self.asks(f"/{text}")
        await self._taken()
        (answer,) = [at for at in range(before, len(self.screen.printed)) if not self.screen.printed[at].echo]
        self.obeyed.add(answer)
        return self.screen.printed[answer].text

    async def edits(self, text: str) -> None:
        raise LookupError("What was typed into a terminal cannot be edited.")

    async def deletes(self) -> None:
        raise LookupError("What was typed into a terminal cannot be taken back.")

    def author(self, who: Who) -> Author:
        return operator()

    def reference(self, who: Who) -> str:
        return f"console:{operator().id}"

    def _type(self, keys: str) -> None:
        assert self.keyboard
        self.keyboard.send_text(keys)

    async def _taken(self) -> None:
        """Wait until all that was typed is on the screen, and one may type on."""
        await self.until(lambda: sum(one.echo for one in self.screen.printed) == self.typed and get_app().is_running)

    # -- what the terminal does

    async def delivers_again(self) -> None:
        raise LookupError("A terminal delivers each line once.")

    def on_taken(self, look: Callable[[], None]) -> None:
        self.screen.look = look

    # -- what is seen

    @property
    def shown(self) -> Shown:
        """A line that was printed stays, be it of an answer or of a tool at work."""
        texts, statuses = self.screen.answers(), []
        for number, printed in enumerate(self.screen.printed):
            if printed.dim and printed.text != GREETING and number not in self.obeyed:
                statuses.append(printed.text)
        for style, text, *_ in self.chat._prompt() if self.chat else ():
            if style == DIM:
                statuses.append(text.strip())
            elif style == "":
                texts[-1] += text
        told = [FILE.sub("", text).strip() for text in texts]
        return Shown(tuple(filter(None, told)), tuple(statuses))

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return opened("\n".join(printed.text for printed in self.screen.printed))

    @property
    def whispers(self) -> Sequence[str]:
        return ()

    @property
    def sent(self) -> str:
        return self.screen.written

    @property
    def alarms(self) -> Sequence[str]:
        return OBEYED.findall(self.screen.written)

    async def until(self, condition: Callable[[], object]) -> None:
        await until(self, self.screen.changed, condition)

    async def quiet(self) -> None:
        assert self.core
        await self._taken()
        await self.core.quiet()
        await run_in_terminal(lambda: None)  # what is printed above the prompt comes in its turn


@asynccontextmanager
async def stage(path: Path, model: ScriptedModel) -> AsyncIterator[ConsoleStage]:
    yield ConsoleStage(path, model)


CONSOLE = Platform("console", frozenset({"live"}), stage)
