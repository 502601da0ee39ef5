"""`/threads/runs` and `/threads/{thread_id}/runs`, but for their steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from bot.api import incoming, making, objects, pages, threads
from bot.api.call import JSON, Call, Endpoint
from bot.api.errors import ApiError
from bot.api.forms import Described, NewRun, NewThreadAndRun, ToolOutputs
from bot.api.streams import streamed
from bot.assistants.types import Run
from bot.errors import BadToolOutputs, IllegalTransition
from bot.store import programs, steps


async def create(call: Call) -> JSON | Response:
    call.query("include")
    include = call.included([objects.RESULTS])
    form, thread_id = await call.body(NewRun), call.id("thread_id")
    given = form.given()
    await call.desk.database.read(lambda c: programs.thread(c, call.tenant, thread_id))
    messages = [await incoming.read(call, one) for one in given.get("additional_messages") or ()]

    async def operation(tx: AsyncConnection) -> Run:
        await programs.thread(tx, call.tenant, thread_id)
        return await making.begin(tx, call, thread_id, given, messages)

    run = await call.desk.database.write(operation)
    await incoming.shelve(call, thread_id, messages)
    return _begun(call, run, stream=bool(form.stream), include=include)


async def create_with_thread(call: Call) -> JSON | Response:
    """Where the run cannot be made there is no thread either."""
    form = await call.body(NewThreadAndRun)
    given = form.given()
    await call.desk.database.read(lambda c: programs.assistant(c, call.tenant, form.assistant_id))
    about = dict(given.get("thread") or {})
    if given.get("tool_resources") is not None:
        about["tool_resources"] = {**(about.get("tool_resources") or {}), **given["tool_resources"]}
    begun = await threads.begin(call, about)

    async def operation(tx: AsyncConnection) -> Run:
        await begun.add(tx, call)
        return await making.begin(tx, call, begun.thread.id, given, ())

    run = await call.desk.database.write(operation)
    await begun.shelve(call)
    return _begun(call, run, stream=bool(form.stream), thread=objects.thread(begun.thread))


def _begun(
    call: Call, run: Run, *, stream: bool, thread: JSON | None = None, include: Collection[str] = ()
) -> JSON | Response:
    if not stream:
        call.desk.handler.begin(run.id)
        return objects.run(run)
    begun = [("thread.created", thread)] if thread else []
    told = objects.run(run)
    begun += [("thread.run.created", told), ("thread.run.queued", told)]
    return streamed(call, run, begun, include=include)


async def retrieve(call: Call) -> JSON:
    return objects.run(await call.desk.database.read(lambda c: _one(c, call)))


async def update(call: Call) -> JSON:
    given = (await call.body(Described)).given()

    async def operation(tx: AsyncConnection) -> Run:
        found = await _one(tx, call)
        if "metadata" not in given:
            return found
        metadata = given["metadata"] or {}
        await programs.describe_run(tx, found.id, metadata)
        return replace(found, metadata=metadata)

    return objects.run(await call.desk.database.write(operation))


async def listing(call: Call) -> JSON:
    page, thread_id = call.page(), call.id("thread_id")

    async def operation(connection: AsyncConnection) -> tuple[Sequence[Run], bool]:
        await programs.thread(connection, call.tenant, thread_id)
        return await programs.list_runs(connection, thread_id, page)

    found, more = await call.desk.database.read(operation)
    return pages.listed([objects.run(one) for one in found], more)


async def cancel(call: Call) -> JSON:
    run = await call.desk.database.read(lambda c: _one(c, call))
    if not await call.desk.handler.stop(run.id):
        found = await call.desk.database.read(lambda c: _one(c, call))
        raise ApiError(f"Cannot cancel run with status '{found.status}'.")
    return objects.run(await call.desk.database.read(lambda c: _one(c, call)))


async def submit(call: Call) -> JSON | Response:
    form = await call.body(ToolOutputs)
    run = await call.desk.database.read(lambda c: _one(c, call))
    if run.status != "requires_action":
        raise ApiError(f'Runs in status "{run.status}" do not accept tool outputs.')
    before = await call.desk.database.read(lambda c: steps.of_runs(c, [run.id]))
    outputs = [(one.tool_call_id, one.output) for one in form.tool_outputs]
    try:
        run = await call.desk.engine.submit_tool_outputs(run.id, outputs)
    except IllegalTransition as error:
        raise ApiError(f'Runs in status "{error.status}" do not accept tool outputs.') from None
    except BadToolOutputs as error:
        raise ApiError(str(error), param="tool_outputs", code="invalid_value") from None
    if not form.stream:
        call.desk.handler.begin(run.id)
        return objects.run(run)
    return streamed(call, run, [("thread.run.queued", objects.run(run))], before)


async def _one(connection: AsyncConnection, call: Call) -> Run:
    thread = await programs.thread(connection, call.tenant, call.id("thread_id"))
    return await programs.run(connection, thread.id, call.id("run_id"))


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/threads/runs": {"POST": create_with_thread},
    "/threads/{thread_id}/runs": {"GET": listing, "POST": create},
    "/threads/{thread_id}/runs/{run_id}": {"GET": retrieve, "POST": update},
    "/threads/{thread_id}/runs/{run_id}/cancel": {"POST": cancel},
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": {"POST": submit},
}
