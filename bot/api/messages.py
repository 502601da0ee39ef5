"""`/threads/{thread_id}/messages`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import incoming, objects, pages, rendering
from bot.api.call import JSON, Call, Endpoint
from bot.api.errors import ApiError
from bot.api.forms import Described, NewMessage
from bot.assistants.types import Message
from bot.store import files, programs, runs


async def create(call: Call) -> JSON:
    form, thread_id = await call.body(NewMessage), call.id("thread_id")
    await call.desk.database.read(lambda c: programs.thread(c, call.tenant, thread_id))
    one = await incoming.read(call, form.given())

    async def operation(tx: AsyncConnection) -> Message:
        await programs.thread(tx, call.tenant, thread_id)
        await must_be_quiet(tx, thread_id)
        (added,) = await incoming.add(tx, thread_id, [one], call.desk.clock.now())
        return added

    added = await call.desk.database.write(operation)
    await incoming.shelve(call, thread_id, [one])
    return objects.message(added)


async def must_be_quiet(tx: AsyncConnection, thread_id: str) -> None:
    """Raises `ApiError` while a run is active in the thread, or somebody's message waits for one."""
    active = await runs.active_in(tx, thread_id)
    if active is not None:
        raise ApiError(f"Can't add messages to {thread_id} while a run {active.id} is active.")
    if await programs.waits(tx, thread_id):
        raise ApiError(f"Can't add messages to {thread_id} while a run is about to begin there. Try again soon.")


async def retrieve(call: Call) -> JSON:
    return await rendering.message(
        call.desk.database, call.tenant, await call.desk.database.read(lambda c: _one(c, call))
    )


async def update(call: Call) -> JSON:
    given = (await call.body(Described)).given()

    async def operation(tx: AsyncConnection) -> Message:
        found = await _one(tx, call)
        if "metadata" not in given:
            return found
        metadata = given["metadata"] or {}
        await programs.describe_message(tx, found.id, metadata)
        return replace(found, metadata=metadata)

    return await rendering.message(call.desk.database, call.tenant, await call.desk.database.write(operation))


async def delete(call: Call) -> JSON:
    async def operation(tx: AsyncConnection) -> str:
        found = await _one(tx, call)
        await must_be_quiet(tx, found.thread_id)
        await programs.withdraw_message(tx, found.id)
        await files.drop(tx, found.id)
        return found.id

    return objects.deleted(await call.desk.database.write(operation), "thread.message")


async def listing(call: Call) -> JSON:
    page, thread_id = call.page("run_id"), call.id("thread_id")
    run_id = call.request.query_params.get("run_id")

    async def operation(connection: AsyncConnection) -> tuple[Sequence[Message], bool, rendering.Found]:
        await programs.thread(connection, call.tenant, thread_id)
        found, more = await programs.list_messages(connection, thread_id, page, run_id)
        return found, more, await rendering.of_messages(connection, call.tenant, found)

    found, more, known = await call.desk.database.read(operation)
    return pages.listed([known.message(one) for one in found], more)


async def _one(connection: AsyncConnection, call: Call) -> Message:
    thread = await programs.thread(connection, call.tenant, call.id("thread_id"))
    return await programs.message(connection, thread.id, call.id("message_id"))


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/threads/{thread_id}/messages": {"GET": listing, "POST": create},
    "/threads/{thread_id}/messages/{message_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
}
