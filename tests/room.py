"""A platform in the test's own memory: a working fake that outlives Parley, so that crashes can be tried on it.

It keeps a transcript of messages, like a channel does, and answers look-ups by run id, like a platform with
message metadata does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from bot.assistants.types import Author
from bot.ports import Accepted, CommandRequest, Conversation, InboundMessage, Intake, Placed, Reply
from bot.view import View

ALICE = Author("U1", "Alice")
BOB = Author("U2", "Bob")


@dataclass(slots=True)
class Post:
    """A message of the assistant in the room, and each text it has shown."""

    run_id: str
    texts: list[str] = field(default_factory=list)
    final: bool = False

    @property
    def text(self) -> str:
        return self.texts[-1]


class Room:
    """The channel. `before` is called before each write to it and may raise or wait: that is where faults come in."""

    def __init__(self) -> None:
        self.posts: dict[int, Post] = {}
        self.before: Callable[[View], object] = lambda view: None
        self._numbers = count(1)
        self._changed = asyncio.Event()

    def find(self, run_id: str) -> int | None:
        return next((number for number, post in self.posts.items() if post.run_id == run_id), None)

    async def show(self, number: int | None, run_id: str, view: View) -> int:
        number = next(self._numbers) if number is None else number
        post = self.posts.setdefault(number, Post(run_id))
        lines = [str(line) for line in view.status_lines]
        post.texts.append("\n".join([*lines, view.whole] if view.outcome is None else [view.whole]).strip())
        post.final = view.outcome is not None
        self._changed.set()
        return number

    @property
    def answers(self) -> list[str]:
        return [post.text for post in self.posts.values() if post.final]

    async def until(self, condition: Callable[[Room], bool]) -> None:
        """Wait until the room looks as asked."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()


class RoomAdapter:
    """The adapter of the room, as an adapter should be: it looks up what is undecided before it posts."""

    def __init__(self, room: Room, platform: str = "room") -> None:
        self.platform = platform
        self.room = room
        self.show = room.show
        self.intake: Intake | None = None
        self._keys = count(1)

    async def start(self, intake: Intake) -> None:
        self.intake = intake

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        waited = self.room.before(view)
        if asyncio.iscoroutine(waited):
            await waited
        number = placed.state.get("post")
        if number is None and placed.undecided:
            number = self.room.find(reply.run_id)
        return Placed({"post": await self.show(number, reply.run_id, view)})

    async def stop_intake(self) -> None:
        self.intake = None

    async def close(self) -> None:
        """Nothing is held open."""

    async def say(
        self, text: str, *, by: Author = ALICE, thread: str = "1", key: str | None = None, channel: str = "C1"
    ) -> Accepted:
        assert self.intake is not None
        message = InboundMessage(self.where(thread, channel), by, text, key or f"key-{next(self._keys)}")
        return await self.intake.accept(message)

    async def command(self, text: str, *, by: Author = ALICE, admin: bool = False, thread: str = "1") -> str:
        assert self.intake is not None
        return await self.intake.command(CommandRequest(self.where(thread), by, text, platform_admin=admin))

    def where(self, thread: str = "1", channel: str = "C1") -> Conversation:
        return Conversation(self.platform, "T1", channel, thread)
