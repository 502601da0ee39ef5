"""Files that the operator brings in the shell: read there, in the foreground, beside the Parley that may be running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path

from bot.admin import Given, obeyed, ordered, place
from bot.app import vectors
from bot.assistants.types import JSON, Author
from bot.attachments import told
from bot.clock import Clock, SystemClock
from bot.documents.reading import LARGEST
from bot.errors import NotFound, ParleyError
from bot.library import Library
from bot.ownership import Ownership
from bot.ports import Conversation
from bot.settings import Settings
from bot.store import channels
from bot.store.database import Database
from bot.store.library import Stored, clear

UNKNOWN = (
    "Nobody has talked to Parley in the channel {channel} yet. If that is not its id, take back what is added: “parley "
    "files remove NAME --channel {channel}”."
)


@dataclass(frozen=True, slots=True)
class Teller:
    say: Callable[[str], None]
    """Takes a line that stays."""
    progress: Callable[[str], None] | None = None
    """Takes a line that stands in place of the last one; an empty one clears it."""

    def how_far(self, name: str, share: float) -> None:
        if self.progress is not None:
            self.progress(f"reading {name} ({share:.0%})" if share < 1 else "")


@dataclass(slots=True)
class _Desk:
    """What is to be read, once the command is carried out."""

    waiting: list[tuple[Stored, JSON]] = field(default_factory=list)

    def take(self, stored: Stored, attachment: JSON) -> None:
        self.waiting.append((stored, attachment))


async def bring(
    settings: Settings,
    given: Given,
    paths: Sequence[Path],
    teller: Teller,
    *,
    operator: Author,
    terminal: Conversation,
    clock: Clock | None = None,
) -> bool:
    """Have files searched in the channel that is given, or else in the workspace; False where one cannot be.

    What is broken off leaves nothing. Raises `StoreError`, and `ParleyError` where a file cannot be read or it is not
    said which workspace is meant.
    """
    attachments = [_attachment(path) for path in paths]
    async with AsyncExitStack() as stack:
        database = await Database.look(settings.database)
        stack.push_async_callback(database.close)
        where = await place(database, given, terminal)
        if where.channel and not await database.read(lambda connection: channels.is_known(connection, where)):
            teller.say(UNKNOWN.format(channel=told(where.channel)))
        ownership = await asyncio.to_thread(Ownership, settings.database)
        stack.callback(ownership.release)
        library, desk = Library(database, ownership.name, clock or SystemClock(), vectors(stack, settings)), _Desk()
        with ownership.others() as others:
            await library.recover({ownership.name, *others.gone})
        request = ordered(where, "files add here" if given.channel else "files add", operator, attachments)
        try:
            outcome = await obeyed(settings, library, request, shelver=desk)
            if len(desk.waiting) < len(paths):
                teller.say(outcome.answer.text)
            return await _read(library, desk, teller) and outcome.known
        finally:
            await library.remove([stored for stored, _ in desk.waiting])
            await clear(database)


async def _read(library: Library, desk: _Desk, teller: Teller) -> bool:
    """Read all that waits; False where one could not be read, or none waited."""
    problems = 0 if desk.waiting else 1
    while desk.waiting:
        stored, attachment = desk.waiting[0]
        problem = await _problem(library, stored, Path(attachment["path"]), teller)
        teller.how_far(stored.name, 1.0)
        teller.say(problem or f"{stored.name} can be searched now.")
        if problem:
            problems += 1
            await library.remove([stored])
        del desk.waiting[0]
    return not problems


async def _problem(library: Library, stored: Stored, path: Path, teller: Teller) -> str:
    def tell(share: float) -> None:
        teller.how_far(stored.name, share)

    tell(0.0)
    try:
        data = await asyncio.to_thread(path.read_bytes)
        return (await library.read(stored, data, begun=True, tell=tell)).problem
    except OSError as error:
        return f"{stored.name} was not read ({error.strerror})."
    except NotFound:
        return f"{stored.name} was removed while it was read."


def _attachment(path: Path) -> JSON:
    """Raises `ParleyError`."""
    try:
        if not path.is_file():
            raise ParleyError(f"{path} is no file.")
        size = path.stat().st_size
    except OSError as error:
        raise ParleyError(f"{path} cannot be read ({error.strerror}).") from None
    if size > LARGEST:
        raise ParleyError(f"{path} was not added: it is larger than {LARGEST // 1_000_000} MB.")
    return {"name": told(path.name), "mime": guess_type(path.name)[0] or "", "size": size, "path": str(path)}
