"""Patience: Discord wants to be answered within three seconds, so that work is waited for briefly, and goes on then."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from bot.errors import StoreError

PATIENCE = 1.5
"""Seconds for which an answer is waited for before Discord is told that it takes longer."""

FAILED = "That did not work just now. Please try again."

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def tried(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Work that has had its time, done or not. It ends with who waits for it; what it writes is written whole."""
    task = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait({task}, timeout=PATIENCE)
    except asyncio.CancelledError:
        await given_up(task)
        raise
    return task


async def given_up(task: asyncio.Task[T]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def done(work: Coroutine[Any, Any, T]) -> T | str:
    """What work comes to; the sentence for the person where the store fails."""
    try:
        return await work
    except StoreError as error:
        log.warning("not done", error=str(error))
        return FAILED
