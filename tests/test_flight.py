"""Identical requests in flight are shared, and only while they are in flight."""

from __future__ import annotations

import asyncio

import pytest

from tools.flight import Flight


class Request:
    """A request that ends when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            return await asyncio.shield(self.answer)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@pytest.fixture
async def request_() -> Request:
    return Request()


async def settle() -> None:
    """Lets every task that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_ask_the_same_share_one_request(request_: Request) -> None:
    flight: Flight[str] = Flight()
    waiters = [asyncio.create_task(flight.join("berlin", request_)) for _ in range(3)]
    await settle()
    request_.answer.set_result("sunny")
    assert await asyncio.gather(*waiters) == ["sunny"] * 3
    assert request_.begun == 1


async def test_different_keys_share_nothing(request_: Request) -> None:
    flight: Flight[str] = Flight()
    request_.answer.set_result("sunny")
    await asyncio.gather(flight.join("berlin", request_), flight.join("paris", request_))
    assert request_.begun == 2


async def test_an_answer_is_not_kept(request_: Request) -> None:
    flight: Flight[str] = Flight()
    request_.answer.set_result("sunny")
    await flight.join("berlin", request_)
    await flight.join("berlin", request_)
    assert (request_.begun, len(flight)) == (2, 0)


async def test_an_error_reaches_everyone_who_waits_and_is_not_kept(request_: Request) -> None:
    flight: Flight[str] = Flight()
    waiters = [asyncio.create_task(flight.join("berlin", request_)) for _ in range(2)]
    await settle()
    request_.answer.set_exception(ValueError("storm"))
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert [str(error) for error in errors] == ["storm", "storm"]
    with pytest.raises(ValueError, match="storm"):
        await flight.join("berlin", request_)
    assert request_.begun == 2


async def test_a_waiter_that_leaves_does_not_cancel_the_request_of_the_others(request_: Request) -> None:
    flight: Flight[str] = Flight()
    leaver, stayer = (asyncio.create_task(flight.join("berlin", request_)) for _ in range(2))
    await settle()
    leaver.cancel()
    await settle()
    request_.answer.set_result("sunny")
    assert await stayer == "sunny"
    assert leaver.cancelled()
    assert request_.cancelled == 0


async def test_the_last_waiter_to_leave_cancels_the_request(request_: Request) -> None:
    flight: Flight[str] = Flight()
    waiters = [asyncio.create_task(flight.join("berlin", request_)) for _ in range(2)]
    await settle()
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    assert (request_.cancelled, len(flight)) == (1, 0)


async def test_who_asks_while_a_request_is_being_cancelled_begins_another() -> None:
    flight: Flight[str] = Flight()
    slow, quick = Request(), Request()
    stopping = asyncio.Event()

    async def slow_to_stop() -> str:
        try:
            return await slow()
        except asyncio.CancelledError:
            await stopping.wait()
            raise

    first = asyncio.create_task(flight.join("berlin", slow_to_stop))
    await settle()
    first.cancel()
    await settle()
    quick.answer.set_result("sunny")
    assert await flight.join("berlin", quick) == "sunny"
    stopping.set()
    with pytest.raises(asyncio.CancelledError):
        await first
