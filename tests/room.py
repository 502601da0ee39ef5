"""A platform in the test's own memory: a working fake that outlives Parley, so that crashes can be tried on it.

It keeps a transcript of messages, like a channel does, and answers look-ups by run id, like a platform with
message metadata does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from mimetypes import guess_type
from typing import Any

from bot.assistants.types import JSON, Author, ShownFile
from bot.buttons import Button
from bot.errors import PlatformError
from bot.ports import (
    Accepted,
    Answer,
    CommandRequest,
    Conversation,
    Earlier,
    Form,
    InboundMessage,
    Intake,
    Placed,
    Prepared,
    Press,
    Reply,
)
from bot.view import Ask, View

ALICE = Author("U1", "Alice")
BOB = Author("U2", "Bob")


@dataclass(slots=True)
class Post:
    """A message of the assistant in the room, and each text it has shown."""

    run_id: str
    texts: list[str] = field(default_factory=list)
    final: bool = False
    buttons: list[Button] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    files: list[ShownFile] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.texts[-1]


class Room:
    """The channel. `before` is called before each write to it and may raise or wait: that is where faults come in."""

    def __init__(self) -> None:
        self.posts: dict[int, Post] = {}
        self.before: Callable[[View], object] = lambda view: None
        self.free = asyncio.Event()
        """Cleared while the room has no room for states on the way."""
        self.free.set()
        self.names: dict[str, str] = {}
        """What people call what stands in messages as `<@U2>`; looked up when a raw message is prepared."""
        self.earlier: list[Earlier] = []
        """What was said before the assistant came."""
        self.guests: set[str] = set()
        """The ids of those who may not ask."""
        self.files: dict[str, bytes] = {}
        self.lookups: list[tuple[str, bool]] = []
        """The messages that were prepared, and whether they were the first of their thread."""
        self.before_lookup: Callable[[InboundMessage], object] = lambda message: None
        """As `before`, for the preparing of messages …"""
        self.before_download: Callable[[str], object] = lambda name: None
        """… and for the fetching of files."""
        self._numbers = count(1)
        self._changed = asyncio.Event()

    def find(self, run_id: str) -> int | None:
        return next((number for number, post in self.posts.items() if post.run_id == run_id), None)

    async def show(self, number: int | None, run_id: str, view: View) -> int:
        if view.outcome and not view.whole:
            self.posts.pop(number or 0, None)
            self._changed.set()
            return 0
        number = next(self._numbers) if number is None else number
        post = self.posts.setdefault(number, Post(run_id))
        lines = [str(line) for line in view.status_lines]
        post.texts.append("\n".join([*lines, view.whole] if view.outcome is None else [view.whole]).strip())
        post.final = view.outcome is not None
        post.buttons = list(view.buttons)
        post.asks = list(view.asks)
        post.files = list(view.files)
        self._changed.set()
        return number

    async def pace(self) -> None:
        await self.free.wait()

    async def look_up(self, message: InboundMessage, first: bool) -> Prepared:
        waited = self.before_lookup(message)
        if asyncio.iscoroutine(waited):
            await waited
        self.lookups.append((message.text, first))
        if message.author.id in self.guests:
            return Prepared("", message.author, refusal=f"{message.author.name} may not ask here.")
        text = message.text
        for id_, name in self.names.items():
            text = text.replace(f"<@{id_}>", f"@{name}")
        author = Author(message.author.id, self.names.get(message.author.id, message.author.name))
        return Prepared(text, author, self.earlier if first else ())

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
        self.look_up = room.look_up
        self.intake: Intake | None = None
        self.goes_on_in: Conversation | None = None
        """Where people go on talking, if not where they asked."""
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
        return Placed(
            {"post": await self.show(number, reply.run_id, view)},
            conversations=[self.goes_on_in] if self.goes_on_in else [],
        )

    async def ready(self, reply: Reply, placed: Placed) -> None:
        await self.room.pace()

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        return await self.look_up(message, first)

    async def download(self, attachment: JSON, limit: int) -> bytes:
        waited = self.room.before_download(attachment["name"])
        if asyncio.iscoroutine(waited):
            await waited
        data = self.room.files.get(attachment["name"])
        if data is None:
            raise PlatformError("There is no such file.", permanent=True)
        if len(data) > limit:
            raise PlatformError(f"It has more than {limit} bytes.", permanent=True)
        return data

    async def stop_intake(self) -> None:
        self.intake = None

    async def close(self) -> None:
        """Nothing is held open."""

    async def say(self, text: str, **fields: Any) -> Accepted:
        """Say something that is accepted; see `send`."""
        accepted = await self.send(text, **fields)
        assert accepted is not None
        return accepted

    async def send(
        self,
        text: str,
        *,
        by: Author = ALICE,
        thread: str = "1",
        key: str | None = None,
        channel: str = "C1",
        files: Sequence[str] = (),
        **fields: Any,
    ) -> Accepted | None:
        """Bring a message in, with files of the room by their names."""
        assert self.intake is not None
        where, key = self.where(thread, channel), key or f"key-{next(self._keys)}"
        return await self.intake.accept(InboundMessage(where, by, text, key, self._attached(files), **fields))

    async def command(
        self,
        text: str,
        *,
        by: Author = ALICE,
        admin: bool = False,
        thread: str = "1",
        channel: str = "C1",
        files: Sequence[str] = (),
    ) -> str:
        return (await self.order(text, by=by, admin=admin, thread=thread, channel=channel, files=files)).text

    async def order(
        self,
        text: str,
        *,
        by: Author = ALICE,
        admin: bool = False,
        thread: str = "1",
        channel: str = "C1",
        files: Sequence[str] = (),
    ) -> Answer:
        """Give a command, with files of the room by their names; returns all that it comes to."""
        assert self.intake is not None
        where, attached = self.where(thread, channel), self._attached(files)
        request = CommandRequest(where, by, text, platform_admin=admin, attachments=attached)
        return await self.intake.command(request)

    def _attached(self, files: Sequence[str]) -> list[JSON]:
        found = [(name, self.room.files.get(name, b"")) for name in files]
        return [{"name": name, "mime": guess_type(name)[0], "size": len(data)} for name, data in found]

    async def press(
        self,
        button: Button,
        *,
        by: Author = ALICE,
        admin: bool = False,
        where: Conversation | None = None,
        text: str = "",
    ) -> str | Form:
        assert self.intake is not None
        press = Press(where or self.where(), by, button, platform_admin=admin, text=text)
        return await self.intake.press(press)

    async def edit(self, key: str, text: str, *, channel: str = "C1") -> None:
        assert self.intake is not None
        await self.intake.amend(self.where(channel=channel), key, text)

    async def delete(self, key: str, *, channel: str = "C1") -> None:
        assert self.intake is not None
        await self.intake.withdraw(self.where(channel=channel), key)

    def where(self, thread: str = "1", channel: str = "C1") -> Conversation:
        return Conversation(self.platform, "T1", channel, thread)
