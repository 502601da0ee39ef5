"""Standard input that is no terminal: a message a line, answers on standard output, statuses on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TextIO

from adapters.console import who
from adapters.console.asks import Asks, written
from adapters.console.folder import Folder
from bot.errors import PlatformError
from bot.ports import Intake, Placed, Reply
from bot.view import View, printable


class PipedConsole(who.Terminal):
    """Reads the next line when the one before is answered, so that every line has an answer of its own."""

    def __init__(
        self,
        source: TextIO | None = None,
        answers: TextIO | None = None,
        statuses: TextIO | None = None,
        *,
        folder: Path | None = None,
    ) -> None:
        """`folder` takes the files that tools make; the streams are the standard ones by default."""
        self._source = source or sys.stdin
        self._answers = answers or sys.stdout
        self._statuses = statuses or sys.stderr
        self._folder = Folder(folder)
        self._intake: Intake | None = None
        self._nobody: PlatformError | None = None
        self._asks = Asks()

    async def start(self, intake: Intake) -> None:
        self._intake = intake

    async def talk(self) -> None:
        """Until the input ends or says `/quit`, and its last message is answered.

        Raises `StoreError`, and `PlatformError` where the answers cannot be written any more.
        """
        assert self._intake is not None
        await self._intake.quiet()  # what an earlier process was asked comes first
        async for line in _lines(self._source):
            text = line.strip()
            if text in who.LEAVING:
                return
            if text == "/help":
                self._say(self._answers, await who.helped(self._intake))
            elif text.startswith("/"):
                await self._command(self._intake, text[1:])
            elif text:
                if told := await self._asks.take(self._intake, text):
                    self._say(self._statuses, told)
                await self._intake.quiet()
            if self._nobody is not None:
                raise self._nobody

    async def _command(self, intake: Intake, text: str) -> None:
        answer = await intake.command(who.command(text))
        left = self._folder.forget() if answer.forgot else ""
        self._say(self._answers, "\n".join(filter(None, [who.told(answer), left])))

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        told = list(placed.state.get("told", ()))
        for line in view.status_lines:
            if line.call_id not in told:
                told.append(line.call_id)
                self._say(self._statuses, str(line))
        for ask in self._asks.put(reply.run_id, view.asks):
            self._say(self._answers, written(ask))
        if view.outcome is not None:
            kept = await asyncio.to_thread(self._folder.keep, view.files) if view.files else []
            self._say(self._answers, "\n".join(filter(None, [view.whole, *kept])))
        return Placed({"told": told})

    async def stop_intake(self) -> None:
        self._intake = None

    async def close(self) -> None:
        """Nothing is held open."""

    def _say(self, stream: TextIO, text: str) -> None:
        try:
            print(printable(text), file=stream, flush=True)
        except OSError as error:  # a closed pipe, a full disk
            # What is left in the buffer goes nowhere; else the interpreter complains of it at its end.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            self._nobody = PlatformError(f"The answers cannot be written any more ({error.strerror}).", permanent=True)
            raise self._nobody from error


async def _lines(source: TextIO) -> AsyncIterator[str]:
    """The lines of a blocking stream. A daemon thread reads them, so that a silent pipe holds up no shutdown."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    wanted = threading.Semaphore(0)

    def read() -> None:
        line: str | None = ""
        while line is not None:
            wanted.acquire()
            try:
                line = source.readline() or None
            except (OSError, ValueError):  # not open for reading
                line = None
            try:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            except RuntimeError:  # the loop is gone, and with it whoever wanted the line
                return

    threading.Thread(target=read, name="standard input", daemon=True).start()
    while True:
        wanted.release()
        line = await lines.get()
        if line is None:
            return
        yield line
