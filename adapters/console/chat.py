"""The chat in a terminal: a line editor below, the answer growing above it.

Whole lines of an answer are printed and stay; the line that is being written stands in the prompt's own area
until it is whole. One can type the next message meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.utils import get_cwidth

from adapters.console import who
from adapters.console.asks import Asks, written
from adapters.console.folder import Folder
from adapters.console.typed import Typed
from adapters.console.wrapping import Wrapping, rows
from bot.errors import StoreError
from bot.ports import Intake, Placed, Reply
from bot.view import View, printable

DIM = "fg:ansibrightblack"
PROMPT = "› "


@dataclass(slots=True)
class _Shown:
    """What of one reply is on the screen: text that was printed in whole lines, and calls that were told."""

    text: str = ""
    told: set[str] = field(default_factory=set)
    wrapping: Wrapping = field(default_factory=Wrapping)


class ChatConsole(who.Terminal):
    def __init__(
        self,
        greeting: str,
        history: Path | None = None,
        folder: Path | None = None,
        *,
        source: Input | None = None,
        screen: Output | None = None,
    ) -> None:
        """`history` is the file that keeps what was typed, and `folder` takes the files that tools make; `source` and
        `screen` are the terminal by default.
        """
        self._greeting = greeting
        self._history = Typed(history)
        self._folder = Folder(folder)
        self._session: PromptSession[str] = PromptSession(
            message=self._prompt,
            history=self._history,
            key_bindings=self._keys(),
            erase_when_done=True,
            input=source,
            output=screen,
        )
        self._intake: Intake | None = None
        self._greeted = asyncio.Event()
        self._shown: dict[str, _Shown] = {}
        self._writing: dict[str, str] = {}  # by run: its last, unfinished line
        self._asks = Asks()
        self._asides: set[asyncio.Task[None]] = set()

    async def start(self, intake: Intake) -> None:
        self._intake = intake

    async def talk(self) -> None:
        """Until the person leaves."""
        # Raw between the prompts, too: a Ctrl-C there must not become a signal that ends the program.
        with patch_stdout(raw=True), self._session.input.raw_mode():
            self._print(self._greeting, DIM)
            self._greeted.set()
            while True:
                try:
                    text = (await self._session.prompt_async(handle_sigint=False)).strip()
                except EOFError:
                    return
                if text in who.LEAVING:
                    return
                if text:
                    self._print(PROMPT + text)
                    await self._take(text)

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        await self._greeted.wait()
        kept = await asyncio.to_thread(self._folder.keep, view.files) if view.files else []
        if reply.run_id not in self._shown:
            self._shown[reply.run_id] = _Shown()
            if placed.undecided:
                self._print("Going on with the answer that was broken off:", DIM)
        shown, whole = self._shown[reply.run_id], view.whole if view.outcome else view.text
        if not whole.startswith(shown.text):
            self._print("The answer begins anew:", DIM)
            shown.text, shown.wrapping = "", Wrapping()
        self._tell_calls(view, shown)
        rests = view.outcome is not None or bool(view.asks)
        self._show(shown, whole, len(whole) if rests else whole.rfind("\n") + 1)
        for ask in self._asks.put(reply.run_id, view.asks):
            self._print(written(ask))
        if kept:
            self._print("\n".join(kept))
        if view.outcome:
            self._print("")
            del self._shown[reply.run_id]
        if rests:
            self._writing.pop(reply.run_id, None)
        else:
            self._writing[reply.run_id] = printable(whole[len(shown.text) :])
        self._session.app.invalidate()
        return Placed({"lines": shown.text.count("\n")})

    async def stop_intake(self) -> None:
        self._intake = None

    async def close(self) -> None:
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    def _tell_calls(self, view: View, shown: _Shown) -> None:
        for line in view.status_lines:
            if line.call_id not in shown.told:
                shown.told.add(line.call_id)
                if line.state == "running":  # the text before it is whole then, and nothing is after it
                    self._show(shown, view.text, len(view.text))
                self._print(str(line), DIM)

    def _show(self, shown: _Shown, text: str, end: int) -> None:
        """Print `text` up to `end`, as far as it is not on the screen."""
        if end <= len(shown.text):
            return
        more = text[len(shown.text) : end]
        if shown.text and not shown.text.endswith("\n"):
            more = more.removeprefix("\n")  # every printing ended its line
        shown.text = text[:end]
        self._print(more.removesuffix("\n"), wrapping=shown.wrapping)

    async def _take(self, text: str) -> None:
        try:
            if self._intake is None:
                self._print("I am shutting down and take no more messages.", DIM)
            elif text == "/help":
                self._print(await who.helped(self._intake), DIM)
            elif text == "/stop":
                await self._stop()
            elif text.startswith("/"):
                await self._command(text[1:])
            else:
                if told := await self._asks.take(self._intake, text):
                    self._print(told, DIM)
        except StoreError as error:
            self._print(f"{error} Please try again.", DIM)

    async def _command(self, text: str) -> None:
        assert self._intake is not None
        answer = await self._intake.command(who.command(text))
        left = ""
        if answer.forgot:
            self._history.forget()
            left = self._folder.forget()
        parts = [self._wrapped(answer.text), who.content(answer), self._wrapped(left)]
        self._put("\n".join(filter(None, parts)), DIM)

    def _prompt(self) -> FormattedText:
        size = self._session.output.get_size()
        parts: list[tuple[str, str]] = []
        for line in self._writing.values():
            tail = _tail(line, size.columns, max(size.rows - 4, 1))
            parts += [("", f"{tail}\n")] if tail else [(DIM, "thinking…\n")]
        return FormattedText([*parts, ("bold", PROMPT)])

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            """Stops the run, not the program; without a run it clears the line."""
            if event.current_buffer.text and not self._writing:
                event.current_buffer.reset()
            else:
                self._aside(self._take("/stop"))

        return keys

    async def _stop(self) -> None:
        assert self._intake is not None
        writing = bool(self._writing) or bool(self._asks)
        said = (await self._intake.command(who.command("stop"))).text
        if not writing and not self._writing:  # else the answer itself says that it was stopped
            self._print(f"{said} Leave with Ctrl-D or /quit.", DIM)

    def _aside(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="console stop")
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _print(self, text: str, style: str = "", *, wrapping: Wrapping | None = None) -> None:
        self._put(self._wrapped(text, wrapping), style)

    def _wrapped(self, text: str, wrapping: Wrapping | None = None) -> str:
        return (wrapping or Wrapping()).wrapped(printable(text), self._session.output.get_size().columns)

    def _put(self, text: str, style: str) -> None:
        """Print a text in the lines that it has."""
        print_formatted_text(FormattedText([(style, printable(text))]), output=self._session.output)


def _tail(line: str, columns: int, most: int) -> str:
    """The last `most` rows of a line in a terminal of that width: the prompt's area would cut it off."""
    broken: list[str] = []
    for row in rows(line, columns):
        broken.append("")
        width = 0
        for character in row.rstrip(" "):
            wide = get_cwidth(character)
            if width + wide > columns:
                broken.append("")
                width = 0
            broken[-1] += character
            width += wide
    return "\n".join(broken[-most:])
