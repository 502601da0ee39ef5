"""The shared run handler: owns one task per active run, from the claim to the delivered answer.

It starts runs for accepted messages, goes on with those that are handed to it, stops them, and parks what is
left at shutdown. What no event here can tell of, `bot.sweep` finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from weakref import WeakValueDictionary

import structlog

from bot.active import Active, Telling
from bot.assistants.engine import Engine
from bot.assistants.events import Event, RunEnded
from bot.assistants.types import LastError, Run
from bot.budgets import PutOff
from bot.clock import Clock
from bot.errors import IllegalTransition, NotFound, PlatformError, StoreError, Superseded
from bot.inbox import Claimed, Inbox
from bot.line import Line
from bot.outlets import Outlets
from bot.ownership import Ownership
from bot.ports import Accepted, Adapter, InboundMessage, Placed
from bot.preparing import Preparation
from bot.relay import Relay
from bot.settlement import Settlement
from bot.store import corrections as stored_corrections
from bot.store import inbox as stored_inbox
from bot.store import runs as stored_runs
from bot.store.database import Database
from bot.store.inbox import Asked

GRACE = 5.0
"""Seconds that running answers get at shutdown before they are parked."""

log = structlog.get_logger(__name__)


class Handler:
    def __init__(
        self,
        database: Database,
        engine: Engine,
        inbox: Inbox,
        preparation: Preparation,
        settlement: Settlement,
        ownership: Ownership,
        clock: Clock,
        *,
        limit: int,
    ) -> None:
        """`limit` is how many runs may be active at once; further messages wait in the store."""
        self._database = database
        self._engine = engine
        self._inbox = inbox
        self._preparation = preparation
        self._settlement = settlement
        self.ownership = ownership
        self._clock = clock
        self._limit = limit
        self._outlets = Outlets(clock, self._record)
        self._made: dict[str, None] = {}  # runs that are to be taken up as soon as there is room
        self._active: dict[str, Active] = {}  # by run; a thread's next run may begin while the last one is delivered
        self._claiming = 0
        self._looking = 0  # whether somebody has moved a run on while it came to rest
        self._line = Line()
        self._resuming: set[str] = set()
        self._pauses: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by run, while someone holds one
        self._tasks: set[asyncio.Task[None]] = set()  # every task of ours but the works, until it is wholly done
        self._closing = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    # -- start and stop -----------------------------------------------------------------------------------------

    def serve(self, adapters: Mapping[str, Adapter], relay: Relay | None = None) -> None:
        """Answer through these adapters, by their platform; with a relay also what programs ask."""
        self._outlets = replace(self._outlets, adapters=adapters, relay=relay)

    @property
    def platforms(self) -> Collection[str]:
        return self._outlets.platforms

    async def close(self, grace: float | None = None) -> None:
        """Let running answers end for `grace` seconds (`GRACE`) and park the rest. Messages may no longer come in."""
        self._closing = self._settlement.closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE if grace is None else grace)
        left = list(self._active.values())
        tasks = [*self._tasks, *(active.work for active in left)]
        for task in tasks:
            task.cancel()
        self._database.hurry()
        await asyncio.gather(*tasks, return_exceptions=True)
        for active in left:
            await active.delivery.stop()
        try:
            await self._database.write(lambda tx: stored_runs.release(tx, owner=self.ownership.name))
        except StoreError as error:
            log.warning("runs were not parked; the next start finds them all the same", error=str(error))

    # -- what adapters and commands ask -------------------------------------------------------------------------

    async def accept(self, message: InboundMessage) -> Accepted | None:
        """Store the message and see to its answer; None for a follow-up that is not for us.

        Raises `StoreError`, and `Refused` where its author brings too many.
        """
        if message.follow_up and not await self._inbox.knows(message.conversation):
            return None
        await self._inbox.admit(message)
        room = self._has_room()
        self._claiming += room
        try:
            taken = await self._inbox.accept(message, claim=room)
        finally:
            self._claiming -= room
        if taken.claimed is not None:
            self._begin(taken.claimed)
        elif not taken.accepted.duplicate:
            self.expect(taken.accepted.thread_id)
        else:
            self._calm()
        if taken.dismissed:
            await self.let_go(taken.dismissed)
        if taken.waits_for:
            await self.resume(taken.waits_for)
        return taken.accepted

    async def quiet(self) -> None:
        """Wait until no run is in the making and none is due."""
        await self._quiet.wait()

    def expect(self, thread_id: str) -> None:
        """Messages wait in this thread: begin a run as soon as there is room and the run before it is over."""
        self._line.join(thread_id)
        self._quiet.clear()
        self._fill()

    def begin(self, run_id: str) -> None:
        """Drive a run of ours, which waits in the store, as soon as there is room."""
        self._made[run_id] = None
        self._quiet.clear()
        self._fill()

    async def stop(self, run_id: str) -> bool:
        """Cancel a run, its model stream and its tools; False where it is over or being stopped already."""
        try:
            await self._engine.cancel(run_id)
        except (IllegalTransition, NotFound):
            return False
        self._stop_work(run_id)
        await self.resume(run_id)  # where nobody drives it; another owner finds it by its sweep
        return True

    async def let_go(self, run_id: str) -> None:
        """Somebody else made the run `cancelling`: bring it to its end here."""
        self._stop_work(run_id)
        await self.resume(run_id)

    def _stop_work(self, run_id: str) -> None:
        if active := self._active.get(run_id):
            active.stop()

    @asynccontextmanager
    async def paused(self, run_id: str | None) -> AsyncIterator[None]:
        """Where the run is in the making here, its work stands still for the block and begins again after it.

        It goes on as after a crash: with what is stored then, and from its last recorded step.
        """
        if run_id is None:
            yield
            return
        lock = self._pauses.setdefault(run_id, asyncio.Lock())
        async with lock:
            if active := self._active.get(run_id):
                await active.pause()
            yield

    async def submit_tool_outputs(self, run_id: str, outputs: Sequence[tuple[str, str]]) -> Run:
        """Bring the outputs of all calls that a run waits for, and go on with it. Raises as the engine does."""
        run = await self._engine.submit_tool_outputs(run_id, outputs)
        await self.resume(run_id)
        return run

    async def resume(self, run_id: str) -> None:
        """Go on with a run of ours that no task drives: advance it, or only deliver it where it is over.

        A run of another process is left to that process, which finds it by its sweep.
        """
        if run_id in self._resuming or run_id in self._active:
            return
        self._resuming.add(run_id)
        try:
            asked = await self._database.read(lambda c: stored_inbox.asked(c, run_id))
            found = await self._database.read(lambda c: stored_runs.unfinished(c, run_id))
        except NotFound:  # it was shown, and forgotten since
            return
        finally:
            self._resuming.discard(run_id)
        if asked is None or asked.conversation.platform not in self.platforms:
            return
        if found.open and found.owner == self.ownership.name:
            self._launch(found.run, asked, found.placed, fresh=False)

    # -- beginning ----------------------------------------------------------------------------------------------

    async def _record(self, run_id: str, placed: Placed) -> None:
        await self._database.write(lambda tx: stored_runs.place(tx, run_id, self.ownership.name, placed))

    def _has_room(self) -> bool:
        return not self._closing and len(self._active) + self._claiming < self._limit

    def _begin(self, claimed: Claimed) -> None:
        if claimed.left:
            self._line.join(claimed.run.thread_id)
        self._launch(claimed.run, claimed.asked, Placed(), fresh=True)

    def _launch(self, run: Run, asked: Asked, placed: Placed, *, fresh: bool) -> None:
        if run.id in self._active or self._closing:
            return
        adapter = self._outlets.adapter(asked)
        with structlog.contextvars.bound_contextvars(run_id=run.id, thread_id=run.thread_id):
            delivery = self._outlets.telling(run, asked, placed)
            work = self._work(run, asked, adapter, delivery, fresh=fresh)
            active = self._active[run.id] = Active(run, asked, adapter, delivery, work, resumed=not fresh)
            self._line.begin(run.thread_id)
            self._quiet.clear()
            self._keep(self._see_through(active), f"run {run.id}")

    def _work(
        self, run: Run, asked: Asked, adapter: Adapter | None, delivery: Telling, *, fresh: bool
    ) -> asyncio.Task[Run]:
        """The task that advances the run, once no correction of its messages is on its way."""

        async def work(fresh: bool, asked: Asked) -> Run:
            await self._inbox.rush.over()
            if lock := self._pauses.get(run.id):
                async with lock:
                    fresh = False
            if not fresh:
                found = await self._database.read(lambda c: stored_inbox.asked(c, run.id))
                asked = found or asked
            return await self._advance(run, adapter, delivery, fresh=fresh, raw=asked.raw)

        return asyncio.create_task(work(fresh, asked), name=f"advance {run.id}")

    async def _advance(self, run: Run, adapter: Adapter | None, delivery: Telling, *, fresh: bool, raw: bool) -> Run:
        def show(event: Event) -> None:
            """All but a cancellation: `_ended` tells of it, when it knows what is to stay of the reply."""
            if not (isinstance(event, RunEnded) and event.run.status == "cancelled"):
                delivery.show(event)

        if not raw or adapter is None:
            return await self._engine.advance(run, show, fresh=fresh)
        if not fresh:
            await self._preparation.told(run.id, delivery.show)

        async def prepare() -> LastError | None:
            return await self._preparation.prepare(run, adapter, delivery.show)

        return await self._engine.advance(run, show, fresh=fresh, preparation=prepare)

    def _fill(self) -> None:
        """Begin runs of programs, and runs for waiting threads, as far as there is room."""
        while self._has_room() and self._made:
            self._claiming += 1
            self._made.pop(run_id := next(iter(self._made)))
            self._keep(self._take_up(run_id), f"take up {run_id}")
        while self._has_room() and (thread_id := self._line.next()):
            self._claiming += 1
            self._keep(self._claim(thread_id), f"claim {thread_id}")

    async def _take_up(self, run_id: str) -> None:
        try:
            await self.resume(run_id)
        except StoreError as error:
            log.warning("run not begun; the sweep will take it up", run_id=run_id, error=str(error))
        finally:
            self._claiming -= 1
        self._fill()
        self._calm()

    async def _claim(self, thread_id: str) -> None:
        ends = self._line.ends
        try:
            claimed = await self._inbox.claim(thread_id)
        except StoreError as error:
            log.warning("claim failed", thread_id=thread_id, error=str(error))
            self._line.join(thread_id)  # the sweep tries again
            return
        finally:
            self._claiming -= 1
        if isinstance(claimed, PutOff) and ends == self._line.ends:
            self._line.put_off(thread_id)
        elif isinstance(claimed, PutOff):  # the run for which it waits may be the one that has ended meanwhile
            self.expect(thread_id)
        elif claimed is not None:
            self._begin(claimed)
        self._fill()  # there is room again where it was not begun
        self._calm()

    def _keep(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _calm(self) -> None:
        if not (self._active or self._line or self._made or self._claiming or self._looking):
            self._quiet.set()

    # -- seeing it through --------------------------------------------------------------------------------------

    async def _see_through(self, active: Active) -> None:
        run, rested = active.run, None
        try:
            run = await self._outcome(active)
            placed = await active.delivery.finished()
            await self._settlement.settle(run, placed, forget=active.asked.has_secrets)
            rested = None if run.is_terminal else run
        except Superseded as error:
            log.warning("another process drives the run now", error=str(error))
        except StoreError as error:
            log.warning("store failed a run; the sweep will take it up again", error=str(error))
        except PlatformError as error:
            log.warning("answer not delivered", error=str(error), permanent=error.permanent)
            if error.permanent:
                await self._settlement.settle(run, Placed(), forget=active.asked.has_secrets)
        except Exception:
            log.exception("run was not seen through; the sweep will take it up again")
        finally:
            await active.delivery.stop()
            del self._active[run.id]
            self._line.end(run.thread_id)
            if not self._closing:
                await self._go_on_after(active, rested)

    async def _outcome(self, active: Active) -> Run:
        """The run as the work left it: terminal, or waiting for someone outside. The delivery has been told of it."""
        while True:
            try:
                run = await active.work
                return run if active.delivery.at_rest else await self._ended(active)
            except asyncio.CancelledError:
                if self._closing:
                    raise
                if not active.again or active.delivery.at_rest:
                    return await self._ended(active)
                active.again = False
                active.delivery.begin_again()
                active.work = self._work(active.run, active.asked, active.adapter, active.delivery, fresh=False)
            except (StoreError, Superseded):
                raise
            except Exception:
                log.exception("run broke off")
                with suppress(IllegalTransition):
                    await self._engine.fail(active.run.id)
                return await self._ended(active)

    async def _ended(self, active: Active) -> Run:
        """The work is gone, and the run is over, or to be cancelled still. If the work did not tell so, it is told now.

        Whether the question was deleted is looked up when the run is over: until then anybody may delete it.
        """
        run_id, delivery = active.run.id, active.delivery
        run = await self._database.read(lambda c: stored_runs.get(c, run_id))
        if run.status == "cancelling":  # the work was cancelled before it had begun
            delivery.begin_again()
            run = await self._advance(run, active.adapter, delivery, fresh=False, raw=False)
        if delivery.at_rest:
            return run
        asked = await self._database.read(lambda c: stored_inbox.asked(c, run_id))
        if run.status == "cancelled" and asked is not None and asked.withdrawn:
            await self._database.write(lambda tx: stored_corrections.forget_reply(tx, run_id))
            delivery.withdraw()
        delivery.show(RunEnded(run))
        return run

    async def _go_on_after(self, active: Active, rested: Run | None) -> None:
        if active.resumed:  # messages that came while it rested are known to the store only
            self._line.join(active.run.thread_id)
        self._fill()
        if rested:  # somebody may have moved the run on, or answered a question, while it came to rest here
            self._looking += 1
            try:
                run = (await self._database.read(lambda c: stored_runs.unfinished(c, active.run.id))).run
                if (run.status, run.required_calls) != (rested.status, rested.required_calls):
                    await self.resume(active.run.id)
            except StoreError as error:
                log.warning("store failed after a run; the sweep will take it up again", error=str(error))
            finally:
                self._looking -= 1
        self._calm()
