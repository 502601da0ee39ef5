"""A platform that shows everything at once, and notes when each question was accepted, seen to and answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bot.assistants.types import JSON, Author
from bot.errors import PlatformError
from bot.ports import Conversation, InboundMessage, Intake, Placed, Prepared, Reply
from bot.view import View
from tests.benchmarks.instant import answer, question

PEOPLE, CHANNELS = 50, 10
PLATFORM = "screen"


@dataclass(slots=True)
class Shown:
    """What became of a question; moments are those of `time.perf_counter`, 0 where it did not come to that."""

    over: asyncio.Future[None]
    accepted: float = 0.0
    first: float = 0.0
    whole: float = 0.0
    posts: int = 0
    ends: int = 0
    text: str = ""


@dataclass
class Screen:
    """A `bot.ports.Adapter`, and the people before it."""

    platform: str = PLATFORM
    intake: Intake | None = None
    shown: dict[int, Shown] = field(default_factory=dict)
    _posts: count[int] = field(default_factory=lambda: count(1))

    # -- the people -----------------------------------------------------------------------------------------------

    async def ask(self, number: int, thread: str = "") -> Shown:
        """Ask a question in a thread of its own, or in one that is named; returns when it is accepted."""
        assert self.intake is not None
        shown = self.expect(number)
        author = Author(f"U{number % PEOPLE}", f"Person {number % PEOPLE}")
        where = Conversation(self.platform, "T1", f"C{number % CHANNELS}", thread or f"t{number}")
        if thread:
            where = Conversation(self.platform, "T1", "C0", thread)
        message = InboundMessage(where, author, question(number), f"key-{number}", route={"question": number})
        await self.intake.accept(message)
        shown.accepted = time.perf_counter()
        return shown

    async def ask_and_wait(self, number: int, thread: str = "") -> None:
        await (await self.ask(number, thread)).over

    def expect(self, number: int) -> Shown:
        return self.shown.setdefault(number, Shown(asyncio.get_running_loop().create_future()))

    def problems(self) -> Iterator[str]:
        """What is wrong with the answers to all that was asked so far."""
        for number, shown in self.shown.items():
            if not shown.ends:
                yield f"question {number} has no answer"
            elif shown.posts > 1 or shown.ends > 1:
                yield f"question {number} has {max(shown.posts, shown.ends)} answers"
            elif shown.text != answer(number):
                yield f"question {number} was answered with {shown.text!r} instead of {answer(number)!r}"

    # -- what is shown --------------------------------------------------------------------------------------------

    def show(self, number: int, text: str, *, new: bool, last: bool) -> None:
        shown = self.shown[number]
        shown.first = shown.first or time.perf_counter()
        shown.posts += new
        shown.text = text
        if last:
            shown.whole, shown.ends = time.perf_counter(), shown.ends + 1
            if not shown.over.done():
                shown.over.set_result(None)

    # -- the adapter ----------------------------------------------------------------------------------------------

    async def start(self, intake: Intake) -> None:
        self.intake = intake

    async def ready(self, reply: Reply, placed: Placed) -> None:
        """There is always room."""

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        post = placed.state.get("post")
        for route in reply.routes:
            self.show(route["question"], view.whole, new=post is None, last=view.outcome is not None)
        return Placed({"post": post or next(self._posts)})

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        raise PlatformError("Nothing has to be looked up.", permanent=True)

    async def download(self, attachment: JSON, limit: int) -> bytes:
        raise PlatformError("There are no files.", permanent=True)

    async def stop_intake(self) -> None:
        self.intake = None

    async def close(self) -> None:
        """Nothing is held open."""
