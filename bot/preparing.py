"""Makes the questions of a run ready for the model: names and rights looked up, what was said before, files read.

It is the first part of a run's work: the messages are stored and acknowledged by then, and the person sees that
something goes on. Each message is recorded, in one transaction, before the next one is looked at: no more files are
held than those of one message, and after an interruption only what was not recorded is looked up again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from bot import attachments, pdf
from bot.again import again
from bot.assistants.events import Emit, FileRead, Remarked
from bot.assistants.types import JSON, File, LastError, Run
from bot.attachments import ALL_TEXT, Planned, room_left
from bot.clock import Clock
from bot.errors import NotFound, PlatformError
from bot.library import Library
from bot.ports import InboundMessage, Prepared
from bot.store import files, preparing
from bot.store.database import Database
from bot.store.library import Shelf
from bot.store.preparing import Findings, Unprepared

LONGEST_WAIT = 60.0
"""Seconds between two attempts at a look-up, whatever the platform names: there is no answer without it."""
LONGEST_PAUSE = 10.0
"""The same for a file, which an answer can do without …"""
DOWNLOAD, DOWNLOADS = 90.0, 240.0
"""… and the seconds that one may take, and all those of a run together: of its ten minutes, most are for the answer."""

log = structlog.get_logger(__name__)


class Platform(Protocol):
    """What is asked of an adapter here; see `bot.ports.Adapter`."""

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared: ...

    async def download(self, attachment: JSON, limit: int) -> bytes: ...


@dataclass(slots=True)
class _Work:
    """The messages of a run that are prepared in one go: what is used for each, and what came of those so far."""

    run_id: str
    platform: Platform
    emit: Emit
    downloads_until: float
    begins: bool
    """The next message that is recorded is the first of its thread."""
    room: int
    """Bytes of text that files may still bring."""
    refusals: list[str] = field(default_factory=list)
    ready: bool = False
    """A message was recorded."""
    changed: bool = False
    """A message was changed meanwhile, and is to be looked at again."""


@dataclass(frozen=True, slots=True)
class Preparation:
    database: Database
    owner: str
    clock: Clock
    library: Library | None = None
    """Where files are kept so that they can be searched."""
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(pdf.AT_ONCE))
    """Of processes that read PDFs."""

    async def told(self, run_id: str, emit: Emit) -> None:
        """Tell again what an earlier preparation of the run had to say."""
        for note in await self.database.read(lambda c: files.notes(c, run_id)):
            emit(Remarked(note))

    async def prepare(self, run: Run, platform: Platform, emit: Emit) -> LastError | None:
        """Make ready what is not; returns why the run cannot be, where that is so.

        Raises `StoreError`, and `Superseded` where another process drives the run.
        """
        downloads_until = self.clock.now() + DOWNLOADS
        while True:
            todo = await self.database.read(lambda c: preparing.unready(c, run.id))
            if not todo.messages:
                return None
            work = _Work(run.id, platform, emit, downloads_until, todo.begins, room=max(0, ALL_TEXT - todo.text))
            try:
                for one in todo.messages:
                    await self._one(work, one)
            except PlatformError as error:
                log.warning("message not prepared", error=str(error), permanent=error.permanent)
                where = _named(todo.messages[0].message)
                return LastError("server_error", f"{where} did not let me look at the message. Please try again.")
            if work.changed:
                continue
            if (
                work.refusals
                and not work.ready
                and not await self.database.read(lambda c: preparing.has_some(c, run.id))
            ):
                return LastError("invalid_prompt", "\n".join(dict.fromkeys(filter(None, work.refusals))))
            for refusal in filter(None, work.refusals):
                emit(Remarked(refusal))
            return None

    async def _one(self, work: _Work, one: Unprepared) -> None:
        """Look a message up and record it, before the next one is begun. Raises `PlatformError`."""
        prepared = await self._prepared(work.platform, one.message, first=work.begins)
        if prepared.refusal:
            # Nobody called for Parley with a follow-up: nothing is said then.
            work.refusals.append("" if one.message.follow_up else prepared.refusal)
            return
        read = [] if one.read else await self._read(work, one)
        found, now = Findings(one, prepared.text, prepared.author, prepared.earlier, read), self.clock.now()
        if await self.database.write(lambda tx: preparing.record(tx, work.run_id, self.owner, found, now)):
            work.ready, work.begins = True, False
            work.room = room_left(read, work.room)
        else:
            work.changed = True
        for file in read:
            if file.note:
                work.emit(Remarked(file.note))

    async def _prepared(self, platform: Platform, message: InboundMessage, *, first: bool) -> Prepared:
        if not message.raw:
            return Prepared(message.text, message.author)
        return await again(lambda: platform.prepare(message, first=first), self.clock, longest=LONGEST_WAIT)

    async def _read(self, work: _Work, one: Unprepared) -> list[File]:
        read: list[File] = []
        for planned in attachments.plan(one.message.attachments):
            read.append(await self._file(work, one, planned, room=room_left(read, work.room)))
        return read

    async def _file(self, work: _Work, one: Unprepared, planned: Planned, *, room: int) -> File:
        if not planned.limit:
            return planned.unread()
        fetch = partial(work.platform.download, planned.attachment, planned.limit)
        now = self.clock.now()
        if now >= work.downloads_until:
            return planned.lost()
        try:
            async with self.clock.until(min(now + DOWNLOAD, work.downloads_until)):
                data = await again(fetch, self.clock, longest=LONGEST_PAUSE)
        except (PlatformError, TimeoutError) as error:
            log.info("file not fetched", error=repr(error))
            return planned.lost()
        file = await attachments.read(planned.name, planned.mime, data, room=room, places=self.places)
        return file if file.data else await self._shelved(work, one, file, data)

    async def _shelved(self, work: _Work, one: Unprepared, file: File, data: bytes) -> File:
        """The file, which can be searched in its thread from now on, or what is to be said where it cannot."""
        if self.library is None or file.text in ("", attachments.EMPTY):
            return file
        where = one.message.conversation
        shelf = Shelf(where.platform, where.workspace, where.channel, one.thread_id)
        stored = self.library.place(shelf, file.name, file.mime, len(data), one.message.author.id, one.id)
        tell = partial(_tell, work.emit, file.name)
        try:
            outcome = await self.library.read(stored, data, begun=False, tell=tell)
        except NotFound:  # the message was deleted
            return file
        return attachments.unsearched(file, outcome.problem) if outcome.problem and outcome.same is None else file


def _tell(emit: Emit, name: str, share: float) -> None:
    emit(FileRead(name, share))


def _named(message: InboundMessage) -> str:
    return message.conversation.platform.capitalize()
