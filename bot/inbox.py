"""Accepts messages once, durably, in thread order, and gives what waits in a thread to a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import access, asking, budgets
from bot.assistants.lifecycle import move, new_run
from bot.assistants.types import JSON, Assistant, Author, LastError, Run, new_id
from bot.budgets import Budget, Budgets, Over, PutOff
from bot.clock import Clock
from bot.errors import Refused
from bot.flood import Flood
from bot.ownership import Ownership
from bot.ports import Accepted, Conversation, InboundMessage
from bot.store import assistants, inbox, journal, policies, runs, threads
from bot.store.database import Database
from bot.store.forgotten import Forgotten
from bot.store.inbox import Asked
from bot.store.policies import Policy
from bot.toolbox import APPROVAL


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that has begun, and where its question came from. All that waited in the thread is in it, unless some of
    it is `left`, for which the run does not count: it is to be claimed when that is over.
    """

    run: Run
    asked: Asked
    left: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    """What budgets say of those whose messages wait: a run may begin for these `people`, or is refused to them."""

    people: Sequence[str]
    left: bool
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message. `dismissed` is a run that it put an end to, which is `cancelling`; `waits_for` one that
    waits for somebody itself: what that is has to be shown anew, it may have been deleted."""

    accepted: Accepted
    claimed: Claimed | None = None
    dismissed: str = ""
    waits_for: str = ""


class Rush:
    """The messages that are being stored just now. Platforms want to hear soon that theirs are: work lets them pass."""

    PATIENCE = 0.5
    """Seconds that work waits for them, at most."""

    def __init__(self) -> None:
        self._count = 0
        self._over = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1
        self._over.clear()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._over.set()

    async def over(self) -> None:
        if self._count:
            with suppress(TimeoutError):  # not `wait_for`, which before Python 3.12 may swallow a cancellation
                async with asyncio.timeout(self.PATIENCE):
                    await self._over.wait()


class _NothingToClaim(Exception):
    """Rolls a claim back."""


@dataclass(frozen=True, slots=True)
class Inbox:
    database: Database
    assistant: Assistant
    """The operator's, which answers where no other one was chosen."""
    tools: Mapping[str, bool]
    """All of Parley's own tools by name, and whether the code wants each call to be approved; policies choose."""
    approvers: str
    """Who approves where nobody says otherwise."""
    ownership: Ownership
    budgets: Budgets
    flood: Flood
    clock: Clock
    rush: Rush = field(default_factory=Rush)

    async def knows(self, conversation: Conversation) -> bool:
        """Parley takes part in this conversation."""
        return await self.database.read(lambda c: threads.bound(c, conversation)) is not None

    async def accept(self, message: InboundMessage, *, claim: bool) -> Taken:
        """Store the message; with `claim` also begin a run at once, where the thread has none.

        One transaction for both: a quiet thread's question is on its way before the platform is acknowledged.
        """

        async def operation(tx: AsyncConnection) -> Taken:
            accepted, held = await inbox.accept(tx, message, self.clock.now())
            if accepted.duplicate:
                return Taken(accepted)
            if claim:
                claimed = await self._claim(tx, accepted.thread_id, message.conversation, message.author.id, held)
                if isinstance(claimed, PutOff):
                    return Taken(replace(accepted, note=claimed.note))
                if claimed is not None:
                    return Taken(accepted, claimed)
            return await self._meet(tx, accepted, message.author)

        with self.rush:
            try:
                return await self.database.write(operation)
            except Forgotten:
                return Taken(Accepted("", "", duplicate=True))

    async def admit(self, message: InboundMessage) -> None:
        """Raises `Refused` where its author brings too many messages. One that is stored already is let in."""
        where, author = message.conversation, message.author
        if where.platform == access.OPERATOR or message.missed:
            return
        wait = self.flood.let_in((where.platform, where.workspace, author.id), inbox.scoped(where, message.key))
        if wait and not await self.database.read(lambda c: inbox.has(c, where, message.key)):
            raise Refused(self.flood.sentence(wait))

    async def claim(self, thread_id: str) -> Claimed | PutOff | None:
        """Begin a run with what waits in the thread; None where nothing does, or a run is active there.

        Put off where the budget allows one run after the other only: to be tried again when one has ended.
        """

        async def operation(tx: AsyncConnection) -> Claimed | PutOff:
            waiting = await inbox.waiting_in(tx, thread_id)
            if waiting is None:
                raise _NothingToClaim
            claimed = await self._claim(tx, thread_id, *waiting, await policies.holding(tx, waiting[0]))
            if claimed is None:
                raise _NothingToClaim
            return claimed

        try:
            return await self.database.write(operation)
        except _NothingToClaim:
            return None

    async def _meet(self, tx: AsyncConnection, accepted: Accepted, author: Author) -> Taken:
        """The message has to wait: perhaps for a run that waits for somebody itself."""
        run = await runs.active_in(tx, accepted.thread_id)
        asked = await inbox.asked(tx, run.id) if run is not None and asking.waits_for_people(run) else None
        if run is None or asked is None:
            return Taken(accepted)
        put_away = asking.dismissal(run, self.clock.now()) if asked.asker.id == author.id else None
        if put_away is not None:
            run = await journal.carry_out(tx, put_away)
        if run.status == "cancelling":
            return Taken(accepted, dismissed=run.id)
        note = asking.waits_first(run, asked.asker)
        return Taken(replace(accepted, note=note), waits_for=run.id)

    async def _claim(
        self, tx: AsyncConnection, thread_id: str, where: Conversation, person: str, held: Mapping[str, Policy]
    ) -> Claimed | PutOff | None:
        now = self.clock.now()
        assistant = await assistants.chosen(tx, where, held) or self.assistant
        queued = self._run(now, thread_id, assistant, held)
        judged: _Judged | PutOff | None = None
        if limits := budgets.holding(held):
            if await runs.active_in(tx, thread_id):  # its turn comes after that run, and so does a refusal
                return None
            judged = await self._judged(tx, limits, thread_id, where, assistant.model)
        if isinstance(judged, PutOff):
            return judged
        if judged is None or not judged.refusal:
            run = move(queued, "in_progress", now)
        else:
            run = move(queued, "failed", now, last_error=LastError("rate_limit_exceeded", judged.refusal))
        people = judged.people if judged else None
        person = people[-1] if people else person
        lease = self.ownership.lease(now)
        owner = self.ownership.name
        if not await runs.add(tx, run, owner=owner, lease_until=lease, where=where, person=person, delivery="open"):
            return None
        asked = await inbox.hand_to(tx, thread_id, run.id, people)
        if asked is None:
            raise _NothingToClaim
        return Claimed(run, asked, left=judged is not None and judged.left)

    async def _judged(
        self, tx: AsyncConnection, limits: Sequence[Budget], thread_id: str, where: Conversation, model: str
    ) -> _Judged | PutOff:
        """Nobody's question is refused for somebody else's budget: those who may be answered come first."""
        now, said = self.clock.now(), {}
        for person in await inbox.authors_waiting(tx, thread_id):
            said[person] = await self.budgets.verdict(tx, limits, where, person, model, now)
        free = [person for person, verdict in said.items() if verdict is None]
        if free:
            return _Judged(free, left=len(free) < len(said))
        over = [(person, verdict) for person, verdict in said.items() if isinstance(verdict, Over)]
        if over:
            told = over[0][1]
            refused = [person for person, verdict in over if verdict == told]
            return _Judged(refused, left=len(refused) < len(said), refusal=told.sentence)
        return next((verdict for verdict in said.values() if isinstance(verdict, PutOff)), PutOff())

    def _run(self, now: float, thread_id: str, assistant: Assistant, held: Mapping[str, Policy]) -> Run:
        return new_run(
            now,
            id=new_id("run"),
            thread_id=thread_id,
            assistant_id=assistant.id,
            model=assistant.model,
            instructions=assistant.instructions or "",
            tools=self._offered(held, assistant),
            temperature=assistant.temperature,
            top_p=assistant.top_p,
            response_format=assistant.response_format,
        )

    def _offered(self, held: Mapping[str, Policy], assistant: Assistant) -> list[JSON]:
        """The tools that are on and that the assistant has, each with whose approval its calls need."""
        of_assistant = assistants.chosen_tools(assistant)
        offered: list[JSON] = []
        for name, by_code in self.tools.items():
            if policies.enabled(held, name) and (of_assistant is None or name in of_assistant):
                by = policies.approver(held, name, by_code, self.approvers)
                offered.append({"type": "function", "function": {"name": name}, **({APPROVAL: by} if by else {})})
        return offered
