"""Serves a world on loopback, for as long as a block lasts: REST, the gateway, files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from tests.simulators.discord import payloads, rest
from tests.simulators.discord.world import World


@asynccontextmanager
async def discord(
    *,
    limits: bool = True,
    now: Callable[[], float] = time.time,
    validate: bool = True,
    history: bool = True,
    shards: int = 1,
    port: int = 0,
) -> AsyncIterator[World]:
    """A Discord with one app. The parameters are those of `World`; port 0 is any free one.

    Raises `AssertionError` at the end of the block where the app broke a published type (`violations`).
    """
    world = World(now=now, limits=limits, validate=validate, history=history, shards=shards)
    runner = web.AppRunner(_app(world), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    try:
        await site.start()
        world.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield world
    finally:
        world.drop()
        await asyncio.sleep(0)
        await runner.cleanup()
    assert not world.violations, world.violations


def _app(world: World) -> web.Application:
    async def call(request: web.Request) -> web.Response:
        return await rest.serve(world, request)

    async def download(request: web.Request) -> web.Response:
        """A file, while its address is good: https://docs.discord.com/developers/reference#signed-attachment-cdn-urls."""
        file = world.files.get(request.match_info["id"])
        until = request.query.get("ex", "0")
        signed = file and request.query.get("hm") == payloads.signature(file.id, until)
        if file is None or not signed or int(until, 16) <= world.now():
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.content, content_type=file.mimetype)

    app = web.Application(client_max_size=128 * 1024 * 1024)
    app.add_routes(
        [
            web.route("*", "/api/v10/{path:.*}", call),
            web.get("/attachments/{channel}/{id}/{name}", download),
            web.get("/", world.gateway.serve),
        ]
    )
    return app
