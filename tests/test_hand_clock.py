"""The hand-moved clock keeps the promises of `bot.clock.Clock`."""

from __future__ import annotations

import asyncio

import pytest

from bot.clock import Clock
from tests.hand_clock import HandClock


async def test_a_sleeper_wakes_once_its_time_has_come() -> None:
    clock = HandClock(now=100.0)
    woken: list[float] = []

    async def nap(clock: Clock) -> None:
        await clock.sleep(5)
        woken.append(clock.now())

    task = asyncio.create_task(nap(clock))
    assert await clock.asleep() == 5
    clock.advance(4)
    assert (await clock.asleep(), woken) == (1, [])
    clock.advance(1)
    await task
    assert (woken, clock.sleeps) == ([105.0], [5])


async def test_asleep_waits_for_as_many_sleepers_as_asked() -> None:
    clock = HandClock()
    async with asyncio.TaskGroup() as group:
        group.create_task(clock.sleep(9))
        group.create_task(clock.sleep(3))
        assert await clock.asleep(2) == 3
        clock.advance(9)


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = HandClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.asleep()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(clock.asleep(), 0)


async def test_a_block_is_cancelled_when_the_clock_passes_its_moment() -> None:
    clock = HandClock(now=100.0)

    async def wait() -> None:
        async with clock.until(110.0):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    clock.advance(9)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1)
    with pytest.raises(TimeoutError):
        await task


async def test_a_moment_already_past_cancels_at_the_first_wait() -> None:
    clock = HandClock(now=100.0)
    with pytest.raises(TimeoutError):
        async with clock.until(99.0):
            await asyncio.Event().wait()


async def test_a_block_that_ends_in_time_is_left_alone() -> None:
    clock = HandClock(now=100.0)
    async with clock.until(110.0):
        clock.advance(9)
    clock.advance(9)
    await asyncio.sleep(0)
    assert clock.now() == 118.0
