"""Runs Parley until it is told to end: by the console, or by SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import structlog
from starlette.routing import BaseRoute

from bot.app import Core, running
from bot.ports import Adapter
from bot.settings import Settings
from bot.tenants import PROGRAMS
from bot.web import serving

log = structlog.get_logger(__name__)


class Talker(Adapter, Protocol):
    """An adapter with a person at its other end, who says when it is over."""

    async def talk(self) -> None: ...


class Server(Adapter, Protocol):
    """An adapter that serves whoever comes."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What is to be mounted on the HTTP server; empty where nothing comes in that way."""
        ...


def spare_collections() -> None:
    """What is there now stays: garbage collection looks at none of it any more. A full one takes 80 ms otherwise, and
    nobody is answered meanwhile.
    """
    gc.freeze()


async def talk(settings: Settings, adapter: Talker) -> None:
    """Until the person leaves or a signal comes. Raises `StoreError`, also for one that came up while talking."""
    with _asked_to_end() as end:  # from the first moment to the last: a second signal breaks nothing off
        async with running(settings, [adapter]):
            spare_collections()
            talking = asyncio.create_task(adapter.talk(), name="talk")
            ending = asyncio.create_task(end.wait(), name="signal")
            await asyncio.wait({talking, ending}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            talking.cancel()
            await asyncio.gather(talking, ending, return_exceptions=True)
            if not talking.cancelled():
                talking.result()


async def serve(settings: Settings, adapters: Sequence[Server], *, api: bool = False) -> None:
    """Until a signal comes; at most 8 seconds after it everything is over: intake, running answers, the store.

    With the `api` programs are served, too.

    Requests in flight and then running answers have `bot.web.GRACE` and `bot.handler.GRACE` of these to themselves.

    One that comes while a platform is still being connected to breaks that off. Raises `StoreError`,
    `PlatformError` where a platform refuses to be connected to, and `ParleyError` where `PORT` is taken.
    """
    with _asked_to_end() as end:
        started = asyncio.Event()
        service = asyncio.create_task(_service(settings, adapters, api, started, end), name="service")
        ending = asyncio.create_task(end.wait(), name="signal")
        try:
            await asyncio.wait({service, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            if not (end.is_set() and started.is_set()):
                service.cancel()
            await asyncio.gather(service, ending, return_exceptions=True)
        if not service.cancelled():
            service.result()


async def _service(
    settings: Settings, adapters: Sequence[Server], api: bool, started: asyncio.Event, end: asyncio.Event
) -> None:
    serves = [*(adapter.platform for adapter in adapters), *([PROGRAMS] if api else [])]
    async with running(settings, adapters, api=api) as core:
        routes = [route for adapter in adapters for route in adapter.routes]
        if api:
            routes += programs(settings, core)
        async with _mounted(settings.port, routes, serves):
            started.set()
            spare_collections()
            log.info("Parley serves", platforms=serves, model=_model(settings))
            await end.wait()
            log.info("Parley ends: running answers have a few seconds")
    log.info("Parley has ended")


def programs(settings: Settings, core: Core) -> Sequence[BaseRoute]:
    """What programs call."""
    from bot.api.call import Desk
    from bot.api.keys import Keys
    from bot.api.routes import routes

    desk = Desk(
        core.database, core.engine, core.handler, core.relay, core.library, core.clock, core.tools, core.indexing
    )
    return routes(desk, Keys(core.database, settings.api_key))


@asynccontextmanager
async def _mounted(port: int, routes: Sequence[BaseRoute], serves: Sequence[str]) -> AsyncIterator[None]:
    """The HTTP server, where there is something to call."""
    if not routes:
        yield
        return
    async with serving(routes, port, health=lambda: {"serves": serves}) as listened:
        log.info("HTTP server listens", port=listened)
        yield


def _model(settings: Settings) -> str:
    return "demo" if settings.is_demo else settings.model


@contextmanager
def _asked_to_end() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. (In the chat Ctrl-C is a key, not a signal.)"""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, end.set)
    try:
        yield end
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
