"""`/threads`, but for what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import incoming, objects, resources
from bot.api.call import JSON, Call, Endpoint
from bot.api.errors import ApiError
from bot.api.forms import ChangedThread, NewThread
from bot.api.incoming import Incoming
from bot.assistants.types import Thread, new_id
from bot.store import forgetting, programs


@dataclass(frozen=True, slots=True)
class Begun:
    """A thread that is to be, with its first messages."""

    thread: Thread
    messages: Sequence[Incoming]

    async def add(self, tx: AsyncConnection, call: Call) -> None:
        await programs.add_thread(tx, call.tenant, self.thread)
        await incoming.add(tx, self.thread.id, self.messages, self.thread.created_at)

    async def shelve(self, call: Call) -> None:
        await incoming.shelve(call, self.thread.id, self.messages)


async def create(call: Call) -> JSON:
    form = await call.body(NewThread)
    begun = await begin(call, form.given())
    await call.desk.database.write(lambda tx: begun.add(tx, call))
    await begun.shelve(call)
    return objects.thread(begun.thread)


async def begin(call: Call, given: Mapping[str, Any]) -> Begun:
    """A thread with the messages that are given. Raises `ApiError`, and `NotFound` for files that are not there."""
    messages = [await incoming.read(call, one) for one in given.get("messages", ())]
    kept = await resources.kept(call, given.get("tool_resources"))
    return Begun(Thread(new_id("thread"), call.desk.clock.now(), given.get("metadata") or {}, kept), messages)


async def retrieve(call: Call) -> JSON:
    id_ = call.id("thread_id")
    return objects.thread(await call.desk.database.read(lambda c: programs.thread(c, call.tenant, id_)))


async def update(call: Call) -> JSON:
    form, id_ = await call.body(ChangedThread), call.id("thread_id")
    given = form.given()
    await call.desk.database.read(lambda c: programs.thread(c, call.tenant, id_))
    fields: dict[str, Any] = {}
    if "metadata" in given:
        fields["metadata"] = given["metadata"] or {}
    if "tool_resources" in given:
        fields["tool_resources"] = await resources.kept(call, given["tool_resources"])

    async def operation(tx: AsyncConnection) -> Thread:
        changed = replace(await programs.thread(tx, call.tenant, id_), **fields)
        await programs.change_thread(tx, changed)
        return changed

    return objects.thread(await call.desk.database.write(operation))


async def delete(call: Call) -> JSON:
    """With all that was said in it. What an answer in the making needs stays: it is to be cancelled before."""
    id_ = call.id("thread_id")

    async def operation(tx: AsyncConnection) -> None:
        await programs.thread(tx, call.tenant, id_)
        if await forgetting.busy(tx, [id_]):
            raise ApiError(f"Can't delete {id_} while a run is active in it. Cancel the run, or wait for its end.")
        await forgetting.remove_threads(tx, [id_], call.desk.clock.now(), for_good=True)

    await call.desk.database.write(operation)
    return objects.deleted(id_, "thread")


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/threads": {"POST": create},
    "/threads/{thread_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
}
