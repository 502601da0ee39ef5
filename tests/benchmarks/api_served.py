"""The served side of the API's benchmark, as a process: Parley, or a bare stream of the bytes that it is given.

It answers with the port that it listens on, then to each line with what it has used so far, and for Parley with how
its runs stand in the store.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Route

from bot import log
from bot.app import Core, running
from bot.serving import programs, spare_collections
from bot.store.schema import runs
from bot.web import serving
from tests.benchmarks.api_model import Fifty
from tests.benchmarks.child import used
from tests.parley import settings_for
from tools.registry import Registry

KEY = "key-of-the-benchmark"


def bare(pieces: Sequence[str]) -> Sequence[BaseRoute]:
    """The least that streams these bytes: each event is a piece, and nothing is looked up or stored."""

    async def events() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    async def answer(request: Request) -> StreamingResponse:
        await request.body()
        return StreamingResponse(events(), media_type="text/event-stream")

    return [Route("/v1/threads/runs", answer, methods=["POST"])]


async def _outcomes(core: Core | None) -> dict[str, int]:
    """How many runs have which status."""
    if core is None:
        return {}

    async def operation(connection: AsyncConnection) -> dict[str, int]:
        found = await connection.execute(select(runs.c.status, func.count()).group_by(runs.c.status))
        return {str(status): int(count) for status, count in found}

    return Counter(await core.database.read(operation))


async def main(pieces: Sequence[str], room: int, profile: str) -> None:
    log.configure("warning", "json")
    async with AsyncExitStack() as stack:
        core = None
        routes = bare(pieces)
        if not pieces:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            settings = settings_for(Path(folder) / "parley.db", api_key=KEY, max_concurrent_runs=room)
            core = await stack.enter_async_context(
                running(settings, [], api=True, model=Fifty(), registry=Registry([]))
            )
            routes = programs(settings, core)
        port = await stack.enter_async_context(serving(routes, 0, health=dict, host="127.0.0.1", grace=0.1))
        spare_collections()
        _say({"port": port})
        profiled = cProfile.Profile()
        if profile:
            profiled.enable()
        while await asyncio.to_thread(sys.stdin.readline):
            _say({"used": used(), "runs": await _outcomes(core)})
        if profile:
            profiled.disable()
            profiled.dump_stats(profile)


def _say(told: object) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    asyncio.run(main(order["pieces"], order["room"], order["profile"]))
