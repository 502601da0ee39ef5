"""The pace of calls: rates are kept, who matters goes first, and nobody who left keeps anything."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.pace import FEW_KEYS, Limit, Pace, Rank
from tests.hand_clock import HandClock

LIMITS = {"update": Limit(2, 60.0), "post": Limit(3, 60.0), "read": Limit(1, 10.0)}
POST_IN_CHANNEL = Limit(1, 1.0)


def limits(key: str) -> Limit | None:
    method, _, channel = key.partition(" ")
    return POST_IN_CHANNEL if channel else LIMITS.get(method)


class Queue:
    """Callers of a pace under a clock moved by hand. `went` tells who went, in order."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.pace = Pace(self.clock, limits)
        self.went: list[str] = []
        self.times: dict[str, list[float]] = defaultdict(list)
        self.tasks: list[asyncio.Task[None]] = []

    async def comes(self, who: str, *keys: str, rank: Rank = Rank.STATE) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(self._call(who, keys, rank)))
        await turns_of_the_loop()
        return self.tasks[-1]

    async def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await turns_of_the_loop()

    async def all_gone(self) -> None:
        for _ in range(3000):
            if all(task.done() for task in self.tasks):
                return
            await self.later(0.5)
        raise AssertionError("somebody still waits")

    def too_fast(self) -> list[str]:
        """The keys under which more calls went than their limit allows in some window."""
        return [key for key, times in self.times.items() if not kept(LIMITS.get(key, POST_IN_CHANNEL), times)]

    async def _call(self, who: str, keys: Sequence[str], rank: Rank) -> None:
        await self.pace.turn(keys, rank)
        self.went.append(who)
        for key in keys:
            self.times[key].append(self.clock.now())


def kept(limit: Limit, times: Sequence[float]) -> bool:
    return all(b - a > limit.seconds - 1e-5 for a, b in zip(times, times[limit.calls :], strict=False))


async def turns_of_the_loop() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    made = Queue()
    yield made
    await made.pace.close()
    await asyncio.gather(*made.tasks, return_exceptions=True)


async def test_calls_go_at_once_while_there_is_room_and_then_wait_for_it(queue: Queue) -> None:
    for who in ("ann", "bob", "cy"):
        await queue.comes(who, "update")
    assert queue.went == ["ann", "bob"]
    await queue.later(59.9)
    assert queue.went == ["ann", "bob"]
    await queue.later(0.1)
    assert queue.went == ["ann", "bob", "cy"]


async def test_a_final_overtakes_states_that_wait(queue: Queue) -> None:
    for who, rank in (("a", Rank.FINAL), ("title", Rank.SPARE), ("state", Rank.STATE), ("final", Rank.FINAL)):
        await queue.comes(who, "read", rank=rank)
    for _ in range(3):
        await queue.later(10)
    assert queue.went == ["a", "final", "state", "title"]


async def test_a_final_that_comes_just_when_there_is_room_overtakes_too(queue: Queue) -> None:
    await queue.comes("first", "read")
    await queue.comes("state", "read")
    queue.clock.advance(10)  # nobody has been told yet
    await queue.pace.turn(["read"], Rank.FINAL)
    assert queue.went == ["first"]


async def test_a_newcomer_does_not_overtake_a_final_that_has_not_been_told_yet(queue: Queue) -> None:
    await queue.comes("first", "read")
    await queue.comes("final", "read", rank=Rank.FINAL)
    newcomer = asyncio.create_task(queue.pace.turn(["read"], Rank.STATE))
    queue.clock.advance(10)  # the newcomer hears of it before the timer
    await turns_of_the_loop()
    assert (queue.went, newcomer.done()) == (["first", "final"], False)
    newcomer.cancel()


async def test_within_a_rank_who_came_first_goes_first(queue: Queue) -> None:
    for who in "abcd":
        await queue.comes(who, "read")
    for _ in range(3):
        await queue.later(10)
    assert queue.went == ["a", "b", "c", "d"]


async def test_a_busy_channel_holds_no_other_channel_up(queue: Queue) -> None:
    await queue.comes("one", "post", "post C1")
    await queue.comes("two", "post", "post C1", rank=Rank.FINAL)
    await queue.comes("other", "post", "post C2")
    assert queue.went == ["one", "other"]
    await queue.later(1)
    assert queue.went == ["one", "other", "two"]


async def test_a_turn_needs_room_under_all_its_keys_at_once(queue: Queue) -> None:
    for channel in ("C1", "C2", "C3", "C4"):
        await queue.comes(channel, "post", f"post {channel}")
    assert queue.went == ["C1", "C2", "C3"]
    assert queue.pace.delay(["post C4"]) == 0
    assert queue.pace.delay(["post", "post C4"]) == 60


async def test_who_is_cancelled_while_waiting_takes_no_room(queue: Queue) -> None:
    for who in "abc":
        task = await queue.comes(who, "read")
        if who == "b":
            task.cancel()
    await queue.later(10)
    assert queue.went == ["a", "c"]


async def test_who_is_cancelled_just_as_the_turn_comes_gives_it_to_the_next(queue: Queue) -> None:
    tasks = [await queue.comes(who, "read") for who in "abc"]
    queue.clock.advance(10)
    assert queue.pace.take(["read"]) is None  # which lets b go, who has not heard of it yet
    tasks[1].cancel()
    await turns_of_the_loop()
    assert queue.went == ["a", "c"]
    assert queue.pace.delay(["read"]) == 10


async def test_a_turn_given_back_is_the_next_ones(queue: Queue) -> None:
    turn = await queue.pace.turn(["post", "post C1"], Rank.STATE)
    await queue.comes("final", "post", "post C1", rank=Rank.FINAL)
    assert queue.went == []
    queue.pace.give_back(turn)
    await turns_of_the_loop()
    assert queue.went == ["final"]
    assert queue.pace.spare("post") == 2


async def test_an_older_turn_given_back_leaves_the_newer_one_counted(queue: Queue) -> None:
    older = await queue.pace.turn(["update"], Rank.STATE)
    await queue.later(10)
    await queue.pace.turn(["update"], Rank.STATE)
    queue.pace.give_back(older)
    await queue.pace.turn(["update"], Rank.STATE)
    assert queue.pace.delay(["update"]) == 60


async def test_a_pause_that_the_platform_asks_for_is_kept(queue: Queue) -> None:
    queue.pace.hold("update", 30)
    queue.pace.hold("update", 5)
    await queue.comes("ann", "update")
    await queue.later(29)
    assert (queue.went, queue.pace.spare("update")) == ([], 0)
    await queue.later(1)
    assert (queue.went, queue.pace.spare("update")) == (["ann"], 1)


async def test_a_pause_holds_for_a_key_without_a_limit_and_for_those_who_wait_already(queue: Queue) -> None:
    queue.pace.hold("free", 10)
    await queue.comes("ann", "free")
    queue.pace.hold("free", 20)
    await queue.later(10)
    assert queue.went == []
    await queue.later(10)
    assert queue.went == ["ann"]
    assert queue.pace.spare("free") == inf


async def test_taking_without_waiting_is_never_ahead_of_who_waits(queue: Queue) -> None:
    assert queue.pace.take(["read"])
    await queue.comes("ann", "read", rank=Rank.SPARE)
    queue.clock.advance(10)
    assert queue.pace.take(["read"]) is None
    await turns_of_the_loop()
    assert queue.went == ["ann"]


async def test_one_timer_waits_for_the_next_moment_and_ends_with_the_last_who_waits(queue: Queue) -> None:
    for key in ("update", "update", "read"):
        await queue.comes(key, key)
    late, soon = await queue.comes("late", "update"), await queue.comes("soon", "read")
    assert await queue.clock.asleep() == 10
    soon.cancel()
    late.cancel()
    await turns_of_the_loop()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pace"] == []
    assert queue.clock.sleeps == [60, 10]


async def test_channels_that_fell_silent_are_forgotten(queue: Queue) -> None:
    for n in range(20 * FEW_KEYS):
        queue.clock.advance(1)
        assert queue.pace.take([f"post C{n}"])
    assert len(queue.pace._windows) <= FEW_KEYS


async def test_channels_that_still_count_are_not_forgotten(queue: Queue) -> None:
    await queue.comes("ann", "read")
    for n in range(20 * FEW_KEYS):
        assert queue.pace.take([f"post C{n}"])
    assert queue.pace.delay(["read"]) == 10


async def test_a_clock_that_is_set_back_shuts_nothing_for_longer(queue: Queue) -> None:
    await queue.comes("a", "read")
    queue.clock.advance(-3600)
    assert queue.pace.delay(["read"]) == 10
    await queue.comes("b", "read")
    await queue.later(10)
    assert queue.went == ["a", "b"]


async def test_closing_cancels_who_still_waits(queue: Queue) -> None:
    await queue.comes("a", "read")
    waiting = await queue.comes("b", "read")
    await queue.pace.close()
    await turns_of_the_loop()
    assert waiting.cancelled()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pace"] == []


KEYS = st.sampled_from([("update",), ("read",), ("post", "post C1"), ("post", "post C2")])
CALLS = st.tuples(st.floats(0, 5), KEYS, st.sampled_from(Rank), st.sampled_from(["stay", "stay", "leave", "pause"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(CALLS, max_size=40))
def test_rates_hold_and_everyone_goes_whoever_comes_and_leaves(
    calls: list[tuple[float, tuple[str, ...], Rank, str]],
) -> None:
    asyncio.run(_crowd(calls))


async def _crowd(calls: list[tuple[float, tuple[str, ...], Rank, str]]) -> None:
    queue = Queue()
    for number, (pause, keys, rank, what) in enumerate(calls):
        task = await queue.comes(f"{number:02} of {keys} {rank}", *keys, rank=rank)
        if what == "leave":
            task.cancel()
        elif what == "pause":
            queue.pace.hold(keys[-1], pause)
        await queue.later(pause)
    await queue.all_gone()
    assert queue.too_fast() == []
    for line in {who[3:] for who in queue.went}:
        in_line = [who for who in queue.went if who[3:] == line]
        assert in_line == sorted(in_line)
