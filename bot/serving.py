"""Runs Parley until it is told to end: by the console, or by SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bot.app import running
from bot.ports import Adapter
from bot.settings import Settings


class Talker(Adapter, Protocol):
    """An adapter with a person at its other end, who says when it is over."""

    async def talk(self) -> None: ...


async def talk(settings: Settings, adapter: Talker) -> None:
    """Until the person leaves or a signal comes. Raises `StoreError`, also for one that came up while talking."""
    with _asked_to_end() as end:  # from the first moment to the last: a second signal breaks nothing off
        async with running(settings, [adapter]):
            talking = asyncio.create_task(adapter.talk(), name="talk")
            ending = asyncio.create_task(end.wait(), name="signal")
            await asyncio.wait({talking, ending}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            talking.cancel()
            await asyncio.gather(talking, ending, return_exceptions=True)
            if not talking.cancelled():
                talking.result()


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
