"""The files that can be searched: anybody sees which there are, admins add some for a channel or a whole workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import access
from bot.assistants.types import JSON
from bot.attachments import told
from bot.commands import scopes
from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.documents.reading import LARGEST
from bot.figures import counted, size
from bot.library import MOST_FILES, Library
from bot.ports import CommandRequest
from bot.store import library, threads
from bot.store.database import Database
from bot.store.library import Shelf, Stored
from bot.store.policies import Scope

Where = Literal["conversation"] | Scope

ADMINS_ONLY = (
    "Only admins can add and remove files here. Ask one of them; what you attach to a message can be searched in its "
    "conversation."
)
FORMS = (
    "Say “files list”, “files add [here|{workspace}]” in a message with the files attached, or "
    "“files remove NAME [here|{workspace}]”."
)
HOW = (
    "No file came with it. Attach the files to a message in which you mention me with “!files add [here|{workspace}]”."
)
IN_THE_SHELL = "Files of this machine are added in the shell: “parley files add PATH”."
NO_FILES = (
    "There are no files to search here. Attach some to a message of a conversation; an admin can add some for all with "
    "“files add”."
)
FULL = "There is room for {most} files for {where}. Remove some first."
LISTED = 100
"""Files of each scope that are told of."""
SHORTEST_ID = 8
"""Characters of an id that name a file."""


class Shelver(Protocol):
    """Reads what was begun: `bot.shelving.Shelving`, or the operator's shell."""

    def take(self, stored: Stored, attachment: JSON) -> None:
        """Fetch and read this file, later."""
        ...


@dataclass(frozen=True, slots=True)
class FilesCommands:
    database: Database
    rights: Rights
    library: Library
    shelver: Shelver | None
    """None where nothing can be added by a command."""
    people_help: Sequence[str] = ("files list — the files that I can search here",)
    admin_help: Sequence[str] = (
        "files add [here|{workspace}] — search the attached files, here or in the whole {workspace} (the default)",
        "files remove NAME [here|{workspace}] — remove one of them",
    )

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"files": self._files}

    async def _files(self, request: CommandRequest, rest: str) -> str:
        word, *more = rest.split(maxsplit=1) or ["list"]
        said = "".join(more).strip()
        match word.lower():
            case "list" if not said:
                return await self._list(request)
            case "add" if len(said.split()) <= 1:
                return await self._add(request, said)
            case "remove" if said:
                return await self._remove(request, said)
        return scopes.said(request, FORMS)

    # -- list ---------------------------------------------------------------------------------------------------

    async def _list(self, request: CommandRequest) -> str:
        async def look(connection: AsyncConnection) -> Sequence[Stored]:
            return await library.in_reach(connection, await _reach(connection, request))

        files, admin = await self.database.read(look), self.rights.is_admin(request)
        seen = [one for one in files if one.status != "failed" or admin]
        groups: list[tuple[Where, str]] = [
            ("conversation", "In this conversation:"),
            ("channel", f"For {scopes.whole(request, 'channel')}:"),
            ("workspace", f"For {scopes.whole(request, 'workspace')}:"),
        ]
        lines = []
        for where, title in groups:
            if some := [one for one in seen if _where(one) == where]:
                lines += [title, *self._lines(some)]
        return "\n".join(lines) or NO_FILES

    def _lines(self, files: Sequence[Stored]) -> Iterator[str]:
        for one in files[:LISTED]:
            # What failed is told with its name.
            yield f"• {one.problem}" if one.status == "failed" else f"• {told(one.name)} — {self._state(one)}"
        if len(files) > LISTED:
            yield f"• and {counted(len(files) - LISTED, 'more file')}"

    def _state(self, one: Stored) -> str:
        if one.status == "failed":
            return one.problem
        if one.status == "ready":
            return f"{size(one.size)}, {counted(one.passages, 'passage')}"
        share = self.library.progress.get(one.id)
        return "waits to be read" if share is None else f"is being read ({share:.0%})"

    # -- add ----------------------------------------------------------------------------------------------------

    async def _add(self, request: CommandRequest, word: str) -> str:
        names = [told(one.get("name")) for one in request.attachments]
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, "files add", ", ".join(names)[:64] or word[:64])
            return ADMINS_ONLY
        scope = scopes.chosen(request, word)
        if scope is None:
            return scopes.unknown(request, word)
        if problem := scopes.impossible(request, scope):
            return problem
        if self.shelver is None or (request.conversation.platform == access.OPERATOR and not names):
            return IN_THE_SHELL
        if not names:
            return scopes.said(request, HOW)
        large = [f"{name} was not added: it is larger than {LARGEST // 1_000_000} MB." for name in _large(request)]
        fitting = [one for one in request.attachments if not _is_large(one)]
        begun = await self._begin(request, scope, fitting, self.shelver) if fitting else []
        return "\n".join([*begun, *large])

    async def _begin(
        self, request: CommandRequest, scope: Scope, attachments: Sequence[JSON], shelver: Shelver
    ) -> Sequence[str]:
        """Keep a place for each file and have them read; returns the sentences for the person."""
        shelf = _shelf(request, scope)
        placed = [
            self.library.place(
                shelf, told(one.get("name")), str(one.get("mime") or ""), int(one.get("size") or 0), request.author.id
            )
            for one in attachments
        ]
        names = [one.name for one in placed]

        async def operation(tx: AsyncConnection) -> Sequence[Stored] | None:
            there = await library.on(tx, shelf)
            failed = [one.id for one in there if one.status == "failed" and told(one.name) in names]
            if len(there) - len(failed) + len(placed) > MOST_FILES:
                return None
            await library.remove(tx, failed)
            for one in placed:
                await library.begin(tx, one)
                await self.rights.record(tx, request, "files add", f"{one.name} ({scope})")
            return [one for one in there if one.id not in failed]

        before = await self.database.write(operation)
        if before is None:
            return [FULL.format(most=MOST_FILES, where=scopes.whole(request, scope))]
        for stored, attachment in zip(placed, attachments, strict=True):
            shelver.take(stored, attachment)
        return [
            f"I am reading {', '.join(names)} for {scopes.whole(request, scope)}. “files list” tells when I can search "
            f"{'it' if len(names) == 1 else 'them'}.",
            *_namesakes(names, before),
        ]

    # -- remove -------------------------------------------------------------------------------------------------

    async def _remove(self, request: CommandRequest, said: str) -> str:
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, "files remove", told(said)[:64])
            return ADMINS_ONLY

        async def operation(tx: AsyncConnection) -> Sequence[Stored]:
            found = _meant(await library.in_reach(tx, await _reach(tx, request)), said)
            if len(found) == 1:
                await library.remove(tx, [found[0].id])
                await self.rights.record(tx, request, "files remove", f"{told(found[0].name)} ({_where(found[0])})")
            return found

        found = await self.database.write(operation)
        if not found:
            return f"There is no file “{told(said)}” here. “files list” tells which there are."
        if len(found) > 1:
            lines = [f"{one.id} — {told(one.name)}, {_for(request, one)}, {self._state(one)}" for one in found[:LISTED]]
            title = f"There are {len(found)} such files. Say “files remove ID” with the id of the one you mean:"
            return "\n".join([title, *lines])
        return f"{told(found[0].name)} is removed: it was {_for(request, found[0])}."


async def _reach(connection: AsyncConnection, request: CommandRequest) -> Shelf:
    where = request.conversation
    return Shelf(where.platform, where.workspace, where.channel, await threads.bound(connection, where))


def _shelf(request: CommandRequest, scope: Scope) -> Shelf:
    where = request.conversation
    return Shelf(where.platform, where.workspace, where.channel if scope == "channel" else "")


def _where(one: Stored) -> Where:
    return "conversation" if one.shelf.thread_id else "channel" if one.shelf.channel else "workspace"


def _for(request: CommandRequest, one: Stored) -> str:
    where = _where(one)
    return "in this conversation" if where == "conversation" else f"for {scopes.whole(request, where)}"


def _is_large(attachment: JSON) -> bool:
    return int(attachment.get("size") or 0) > LARGEST


def _large(request: CommandRequest) -> Sequence[str]:
    return [told(one.get("name")) for one in request.attachments if _is_large(one)]


def _namesakes(names: Sequence[str], before: Sequence[Stored]) -> Iterator[str]:
    """A word for each name under which a file stands there already."""
    there = {told(one.name) for one in before}
    for name in dict.fromkeys(names):
        if name in there:
            yield f"{name} is there already. If they differ, “files remove {name}” tells how to remove the older one."


def _meant(files: Sequence[Stored], said: str) -> Sequence[Stored]:
    """The files that a name, or the beginning of an id, stands for; the last word may say where they stand."""
    if whole := _called(files, said):
        return whole
    name, _, word = said.rpartition(" ")
    scope = scopes.WORDS.get(word.lower())
    return _called([one for one in files if _where(one) == scope], name) if scope and name.strip() else []


def _called(files: Sequence[Stored], said: str) -> Sequence[Stored]:
    name = said.strip().strip("“”\"'`").strip()
    # Slack makes a link of what ends like an address.
    names = {told(one).casefold() for one in (name, name.removeprefix("http://"))}
    if found := [one for one in files if told(one.name).casefold() in names]:
        return [one for one in found if one.status != "failed"] or found
    return [one for one in files if one.id.startswith(name)] if len(name) >= SHORTEST_ID else []
