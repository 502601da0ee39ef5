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
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from adapters.console import who
from bot.ports import Intake, Placed, Reply
from bot.view import View

DIM = "fg:ansibrightblack"
PROMPT = "› "
HELP = """\
/new — begin a fresh conversation; the old one is kept
/threads — the conversations so far
/tools list | enable NAME | disable NAME — what I can use; add “here” for this channel only
/stop or Ctrl-C — stop the answer that is being made
/quit or Ctrl-D — leave; an answer in the making goes on at the next start"""


@dataclass(slots=True)
class _Shown:
    """What of one reply is on the screen: text that was printed whole, and calls that were told."""

    text: str = ""
    told: set[str] = field(default_factory=set)


class ChatConsole:
    platform = who.PLATFORM

    def __init__(
        self, greeting: str, history: Path | None = None, *, source: Input | None = None, screen: Output | None = None
    ) -> None:
        """`history` is the file that keeps what was typed; `source` and `screen` are the terminal by default."""
        self._greeting = greeting
        self._history: History = FileHistory(str(history)) if history else InMemoryHistory()
        self._session: PromptSession[str] = PromptSession(
            message=self._prompt,
            history=self._history,
            key_bindings=self._keys(),
            erase_when_done=True,
            input=source,
            output=screen,
        )
        self._intake: Intake | None = None
        self._shown: dict[str, _Shown] = {}
        self._writing: dict[str, str] = {}  # by run: its last, unfinished line
        self._asides: set[asyncio.Task[None]] = set()

    async def start(self, intake: Intake) -> None:
        self._intake = intake

    async def talk(self) -> None:
        """Until the person leaves. Raises `StoreError`."""
        with patch_stdout(raw=True):
            self._print(self._greeting, DIM)
            while True:
                try:
                    text = (await self._session.prompt_async()).strip()
                except EOFError:
                    return
                if text in ("/quit", "/exit"):
                    return
                if text:
                    self._print(PROMPT + text)
                    await self._take(text)

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        shown = self._shown.setdefault(reply.run_id, _Shown())
        whole = view.whole
        if not whole.startswith(shown.text):
            self._print("The answer begins anew:", DIM)
            shown.text = ""
        self._tell_calls(reply.run_id, view, shown)
        end = len(whole) if view.outcome else whole.rfind("\n") + 1
        if end > len(shown.text):
            self._print(whole[len(shown.text) : end].removesuffix("\n"))
            shown.text = whole[:end]
        if view.outcome:
            self._print("")
            del self._shown[reply.run_id]
            self._writing.pop(reply.run_id, None)
        else:
            self._writing[reply.run_id] = whole[end:]
        self._session.app.invalidate()
        return Placed({"lines": shown.text.count("\n")})

    async def stop_intake(self) -> None:
        self._intake = None

    async def close(self) -> None:
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    def _tell_calls(self, run_id: str, view: View, shown: _Shown) -> None:
        for line in view.status_lines:
            if line.call_id not in shown.told:
                shown.told.add(line.call_id)
                begun = view.text[len(shown.text) :]
                if begun:  # the text before a call is whole now
                    self._print(begun)
                    shown.text = view.text
                self._print(str(line), DIM)

    async def _take(self, text: str) -> None:
        if self._intake is None:
            self._print("I am shutting down and take no more messages.", DIM)
        elif text == "/help":
            self._print(HELP, DIM)
        elif text.startswith("/"):
            self._print(await self._intake.command(who.command(text[1:])), DIM)
        else:
            await self._intake.accept(who.message(text))

    def _prompt(self) -> FormattedText:
        parts: list[tuple[str, str]] = []
        for line in self._writing.values():
            parts += [("", line), ("", "\n")] if line else [(DIM, "thinking…\n")]
        return FormattedText([*parts, ("bold", PROMPT)])

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            """Stops the run, not the program; without a run it clears the line."""
            if self._writing and self._intake is not None:
                self._aside(self._stop())
            elif event.current_buffer.text:
                event.current_buffer.reset()
            else:
                self._print("Nothing is being answered. Leave with Ctrl-D or /quit.", DIM)

        return keys

    async def _stop(self) -> None:
        if self._intake is not None:
            said = await self._intake.command(who.command("stop"))
            if not self._writing:
                self._print(said, DIM)

    def _aside(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="console stop")
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _print(self, text: str, style: str = "") -> None:
        print_formatted_text(FormattedText([(style, text)]), output=self._session.output)
