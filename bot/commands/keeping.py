"""What is kept of a conversation, or of oneself: handing it over, and removing it for good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import access, export
from bot.assistants.types import Author
from bot.clock import Clock
from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.figures import counted
from bot.ports import Answer, CommandRequest
from bot.store import exporting, forgetting, library, threads
from bot.store.database import Database
from bot.store.exporting import Export
from bot.store.forgetting import Share, Stock

FORGET_FORMS = "Say “forget” for this conversation or “forget me” for all that you said."
EXPORT_FORMS = "Say “export” for this conversation or “export me” for all that you said."
BESIDE = "The files that tools made for you here go, too, and all that you typed."
NOTHING_HERE = "Nothing of this conversation is stored."
NO_THREAD = "There is no conversation here: each thread is one of its own. Say it in the one you mean."
EARLIER = (
    "Nothing was said here since “new”. What was said before it is still stored: “forget me” removes your part of it."
)
NOTHING_OF_YOU = "Nothing that you said is stored."
NOT_YOURS = "Only those who spoke in this conversation, or an admin, can do that."
BUSY = "An answer is still being made here. Wait for it, or say “stop” first."
BUSY_WITH_YOU = "An answer to you is still being made. Wait for it, or say “stop” there first."
QUOTED = "What others wrote stays, even where they quote you."
STILL_YOURS = (
    "The admins' record keeps your name where you changed something, and this month's usage your id, since budgets "
    "count on it."
)


@dataclass(frozen=True, slots=True)
class KeepingCommands:
    database: Database
    rights: Rights
    clock: Clock
    people_help: Sequence[str] = (
        "export [me] — all that is stored of this conversation, or of you, as a file",
        "forget [me] — remove this conversation, or all that you said, for good; first I tell what would go",
    )
    admin_help: Sequence[str] = ()

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"export": self._export, "forget": self._forget}

    async def _forget(self, request: CommandRequest, rest: str) -> str | Answer:
        try:
            match rest.lower().split():
                case []:
                    return await self._would_forget(request)
                case ["sure"]:
                    return await self._forget_this(request)
                case ["me"]:
                    return await self._would_forget_person(request)
                case ["me", "sure"]:
                    return await self._forget_person(request)
        except _No as no:
            return str(no)
        return FORGET_FORMS

    async def _export(self, request: CommandRequest, rest: str) -> str | Answer:
        try:
            match rest.lower().split():
                case []:
                    return await self._export_this(request)
                case ["me"]:
                    return await self._export_person(request)
        except _No as no:
            return str(no)
        return EXPORT_FORMS

    # -- a conversation -----------------------------------------------------------------------------------------

    async def _thread(self, request: CommandRequest, action: str) -> str:
        """The id of the conversation's thread, for those who spoke in it and for admins. Raises `_No`."""
        thread_id = await self.database.read(lambda c: threads.bound(c, request.conversation))
        if thread_id is None or not any(await self._stock(thread_id)):
            raise _No(await self._nothing(request))
        takes_part = await self.database.read(lambda c: forgetting.takes_part(c, thread_id, request.author.id))
        if not takes_part and not self.rights.is_admin(request):
            await self.rights.refuse(request, action, thread_id)
            raise _No(NOT_YOURS)
        return thread_id

    async def _stock(self, thread_id: str) -> Stock:
        return await self.database.read(lambda c: forgetting.stock(c, [thread_id]))

    async def _nothing(self, request: CommandRequest) -> str:
        where = request.conversation
        if await self.database.read(lambda c: forgetting.has_earlier(c, where)):
            return EARLIER
        return NOTHING_HERE if where.thread else NO_THREAD

    async def _would_forget(self, request: CommandRequest) -> str:
        thread_id = await self._thread(request, "forget")
        if await self.database.read(lambda c: forgetting.busy(c, [thread_id])):
            return BUSY
        told = _told(await self._stock(thread_id))
        rest = f"{_beside(request)}{_stays(request)}"
        return f"This removes {told} of this conversation for good. Say “forget sure” to do it. {rest}"

    async def _forget_this(self, request: CommandRequest) -> Answer:
        thread_id = await self._thread(request, "forget")

        async def operation(tx: AsyncConnection) -> Stock:
            if await forgetting.busy(tx, [thread_id]):
                raise _No(BUSY)
            stock = await forgetting.stock(tx, [thread_id])
            await forgetting.remove_threads(tx, [thread_id], self.clock.now(), for_good=True)
            await self._record(tx, request, thread_id, stock)
            return stock

        stock = await self.database.write(operation)
        await self._leave_nothing()
        return Answer(f"Forgotten: {_told(stock)} of this conversation. {_stays(request)}", forgot=True)

    async def _export_this(self, request: CommandRequest) -> Answer:
        thread_id = await self._thread(request, "export")
        found = await self.database.read(lambda c: exporting.conversation(c, thread_id))
        file = await asyncio.to_thread(export.conversation, found, self.clock.now())
        return Answer(f"All that is stored of this conversation.{_cut(found)}", file)

    # -- a person -----------------------------------------------------------------------------------------------

    async def _would_forget_person(self, request: CommandRequest) -> str:
        platform, person = request.conversation.platform, request.author.id
        if await self.database.read(lambda c: forgetting.busy_with(c, platform, person)):
            return BUSY_WITH_YOU
        share = await self.database.read(lambda c: forgetting.of_person(c, platform, person))
        stock = await self.database.read(lambda c: forgetting.stock_of(c, share))
        if not any(stock) and not share.judged:
            return NOTHING_OF_YOU
        return (
            f"This removes for good what you said to me on {_platform(request)}, and the answers to you alone: "
            f"{_told(stock, share.judged)}. Say “forget me sure” to do it. {_beside(request)}{_rest(request, share)}"
        )

    async def _forget_person(self, request: CommandRequest) -> Answer:
        platform, person = request.conversation.platform, request.author.id

        async def operation(tx: AsyncConnection) -> tuple[Share, Stock]:
            if await forgetting.busy_with(tx, platform, person):
                raise _No(BUSY_WITH_YOU)
            share = await forgetting.of_person(tx, platform, person)
            stock = await forgetting.stock_of(tx, share)
            if not any(stock) and not share.judged:
                raise _No(NOTHING_OF_YOU)
            await forgetting.remove_person(tx, platform, person, share, self.clock.now())
            await self._record(tx, request, "me", stock)
            return share, stock

        share, stock = await self.database.write(operation)
        await self._leave_nothing()
        return Answer(f"Forgotten: {_told(stock, share.judged)} of yours. {_rest(request, share)}", forgot=True)

    async def _export_person(self, request: CommandRequest) -> Answer:
        platform, person = request.conversation.platform, request.author.id
        found = await self.database.read(lambda c: exporting.person(c, platform, person))
        file = await asyncio.to_thread(export.person, found, self.clock.now())
        return Answer(f"All that is stored of you on {_platform(request)}.{_cut(found)}", file)

    async def _leave_nothing(self) -> None:
        """What was removed is out of reach already. Raises `StoreError`; the next sweep makes up for it then."""
        await library.clear(self.database)
        await self.database.wipe()

    async def _record(self, tx: AsyncConnection, request: CommandRequest, target: str, stock: Stock) -> None:
        """Who removed how much, by the id alone: the name may be among what is to go."""
        nameless = replace(request, author=Author(request.author.id, request.author.id))
        await self.rights.record(tx, nameless, "forget", target, before=_told(stock), after="nothing")


class _No(Exception):
    """The sentence for the person, in place of what was asked for."""


def _told(stock: Stock, judged: int = 0) -> str:
    """`14 messages, 9 answers and 2 files`."""
    counts = [(stock.messages, "message"), (stock.answers, "answer"), (stock.files, "file")]
    parts = [counted(count, noun) for count, noun in counts if count]
    parts += [f"feedback on {counted(judged, 'answer')}"] if judged else []
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "nothing"


def _platform(request: CommandRequest) -> str:
    platform = request.conversation.platform
    return "this machine" if platform == access.OPERATOR else platform.capitalize()


def _beside(request: CommandRequest) -> str:
    """What goes that stands beside the store: a terminal has it there."""
    return f"{BESIDE} " if request.conversation.platform == access.OPERATOR else ""


def _stays(request: CommandRequest) -> str:
    if request.conversation.platform == access.OPERATOR:
        return "What is on the screen stays there."
    return f"What {_platform(request)} itself shows stays there: delete it there."


def _rest(request: CommandRequest, share: Share) -> str:
    """What stays of a person, and where."""
    return " ".join([_stays(request), *([QUOTED] if share.among else []), STILL_YOURS])


def _cut(found: Export) -> str:
    return " It is much: only the newest messages are in the file." if found.cut else ""
