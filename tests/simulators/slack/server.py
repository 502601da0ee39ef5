"""Serves a workspace on loopback, for as long as a block lasts: the Web API, Socket Mode, response addresses, files."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from tests.simulators.slack import announce, web_api
from tests.simulators.slack.values import Refusal
from tests.simulators.slack.workspace import Workspace


@asynccontextmanager
async def slack(
    *,
    limits: bool = True,
    now: Callable[[], float] = time.time,
    validate: bool = True,
    history: bool = True,
    events: Iterable[str] = announce.EVENTS,
    mention_files: bool = False,
    port: int = 0,
) -> AsyncIterator[Workspace]:
    """A Slack with one workspace and one app. The parameters are those of `Workspace`; port 0 is any free one.

    What happens while no app is connected waits for it, as Slack's Events API comes back to an app that was away.
    Raises `AssertionError` at the end of the block where the app broke a published type (`violations`).
    """
    workspace = Workspace(
        now=now, limits=limits, validate=validate, history=history, events=events, mention_files=mention_files
    )
    runner = web.AppRunner(_app(workspace), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    try:
        await site.start()
        workspace.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield workspace
    finally:
        workspace.delivery.close()
        workspace.sockets.drop()
        if workspace.pusher:
            await workspace.pusher.close()
        await asyncio.sleep(0)
        await runner.cleanup()
    assert not workspace.violations, workspace.violations


def _app(workspace: Workspace) -> web.Application:
    async def call(request: web.Request) -> web.Response:
        return await web_api.serve(workspace, request)

    async def respond(request: web.Request) -> web.Response:
        try:
            workspace.hooks.receive(request.match_info["id"], json.loads(await request.read()))
        except Refusal as refused:
            return web.json_response(refused.body, status=refused.status)
        return web.Response(text="ok")

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes(
        [
            web.route("*", "/api/{method}", call),
            web.get("/link/", workspace.sockets.serve),
            web.post("/commands/{id}", respond),
            web.post("/upload/{ticket}", workspace.uploads.receive),
            web.get("/files-pri/{id}/{name}", workspace.uploads.download),
        ]
    )
    return app
