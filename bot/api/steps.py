"""`/threads/{thread_id}/runs/{run_id}/steps`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import objects, pages, rendering
from bot.api.call import JSON, Call, Endpoint
from bot.api.rendering import Found
from bot.assistants.types import Run, RunStep
from bot.errors import NotFound
from bot.store import programs, steps


def builtin(run: Run) -> Collection[str]:
    """The built-in tools that a run was given as such."""
    return {str(tool["type"]) for tool in run.tools if tool["type"] != "function"}


async def listing(call: Call) -> JSON:
    page, include = call.page("include"), call.included([objects.RESULTS])

    async def operation(connection: AsyncConnection) -> tuple[Run, Sequence[RunStep], bool, Found]:
        run = await _run(connection, call)
        found, more = await programs.list_steps(connection, run.id, page)
        return run, found, more, await rendering.of_steps(connection, call.tenant, found)

    run, found, more, known = await call.desk.database.read(operation)
    return pages.listed([known.step(one, builtin(run), include) for one in found], more)


async def retrieve(call: Call) -> JSON:
    call.query("include")
    include, step_id = call.included([objects.RESULTS]), call.id("step_id")

    async def operation(connection: AsyncConnection) -> tuple[Run, RunStep, Found]:
        run = await _run(connection, call)
        for one in await steps.of_runs(connection, [run.id]):
            if one.id == step_id:
                return run, one, await rendering.of_steps(connection, call.tenant, [one])
        raise NotFound("run step", step_id)

    run, one, known = await call.desk.database.read(operation)
    return known.step(one, builtin(run), include)


async def _run(connection: AsyncConnection, call: Call) -> Run:
    thread = await programs.thread(connection, call.tenant, call.id("thread_id"))
    return await programs.run(connection, thread.id, call.id("run_id"))


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/threads/{thread_id}/runs/{run_id}/steps": {"GET": listing},
    "/threads/{thread_id}/runs/{run_id}/steps/{step_id}": {"GET": retrieve},
}
