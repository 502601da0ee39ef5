"""Makes the questions of a run ready for the model: names and rights looked up, what was said before, files read.

It is the first part of a run's work: the messages are stored and acknowledged by then, and the person sees that
something goes on. What is found is recorded in one transaction; until then it is looked up again after an interruption.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from bot import attachments
from bot.assistants.events import Emit, Remarked
from bot.assistants.types import JSON, File, LastError, Run
from bot.attachments import Planned
from bot.clock import Clock
from bot.errors import PlatformError
from bot.ports import InboundMessage, Prepared
from bot.store import files, preparing
from bot.store.database import Database
from bot.store.preparing import Findings, Unprepared

WAITS = (1.0, 2.0, 4.0)
"""Seconds between the attempts at a look-up that fails, unless the platform names its own."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Platform(Protocol):
    """What is asked of an adapter here; see `bot.ports.Adapter`."""

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared: ...

    async def download(self, attachment: JSON, limit: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Preparation:
    database: Database
    owner: str
    clock: Clock

    async def told(self, run_id: str, emit: Emit) -> None:
        """Tell again what an earlier preparation of the run had to say."""
        for note in await self.database.read(lambda c: files.notes(c, run_id)):
            emit(Remarked(note))

    async def prepare(self, run: Run, platform: Platform, emit: Emit) -> LastError | None:
        """Make ready what is not; returns why the run cannot be, where that is so.

        Raises `StoreError`, and `Superseded` where another process drives the run.
        """
        while True:
            todo = await self.database.read(lambda c: preparing.unprepared(c, run.id))
            if not todo:
                return None
            try:
                findings, refusals = await self._look(platform, todo)
            except PlatformError as error:
                log.warning("message not prepared", error=str(error), permanent=error.permanent)
                where = _named(todo[0].message)
                return LastError("server_error", f"{where} did not let me look at the message. Please try again.")
            if refusals and not findings and not await self.database.read(lambda c: preparing.has_some(c, run.id)):
                return LastError("invalid_prompt", "\n".join(dict.fromkeys(filter(None, refusals))))
            recorded = await self._record(run, findings)
            for remark in [*refusals, *(file.note for found in findings for file in found.files)]:
                if remark:
                    emit(Remarked(remark))
            if recorded:
                return None

    async def _record(self, run: Run, findings: Sequence[Findings]) -> bool:
        """False where a message was changed meanwhile."""
        if not findings:
            return True
        now = self.clock.now()
        return await self.database.write(lambda tx: preparing.record(tx, run.id, self.owner, findings, now))

    async def _look(self, platform: Platform, todo: Sequence[Unprepared]) -> tuple[list[Findings], list[str]]:
        """What the messages come to, and the refusals of those that are left out. Raises `PlatformError`.

        A refusal is empty where nobody called for Parley: nothing is said then.
        """
        findings: list[Findings] = []
        refusals: list[str] = []
        first = await self.database.read(lambda c: preparing.is_new(c, todo[0].thread_id))
        for one in todo:
            prepared = await self._prepared(platform, one.message, first=first and not findings)
            if prepared.refusal:
                refusals.append("" if one.message.follow_up else prepared.refusal)
                continue
            read = [] if one.read else await self._read(platform, one.message)
            findings.append(Findings(one, prepared.text, prepared.author, prepared.earlier, read))
        return findings, refusals

    async def _prepared(self, platform: Platform, message: InboundMessage, *, first: bool) -> Prepared:
        if not message.raw:
            return Prepared(message.text, message.author)
        return await self._again(lambda: platform.prepare(message, first=first))

    async def _read(self, platform: Platform, message: InboundMessage) -> list[File]:
        read: list[File] = []
        for planned in attachments.plan(message.attachments):
            read.append(await self._file(platform, planned, room=attachments.room_left(read)))
        return read

    async def _file(self, platform: Platform, planned: Planned, *, room: int) -> File:
        if not planned.limit:
            return planned.unread()
        try:
            data = await self._again(lambda: platform.download(planned.attachment, planned.limit))
        except PlatformError as error:
            log.info("file not fetched", error=str(error))
            return planned.lost()
        return await attachments.read(planned.name, planned.mime, data, room=room)

    async def _again(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it goes, or cannot be helped. Raises `PlatformError`."""
        for wait in WAITS:
            try:
                return await attempt()
            except PlatformError as error:
                if error.permanent:
                    raise
                log.info("look-up failed, trying again", error=str(error))
                await self.clock.sleep(wait if error.retry_after is None else error.retry_after)
        return await attempt()


def _named(message: InboundMessage) -> str:
    return message.conversation.platform.capitalize()
