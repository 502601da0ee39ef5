"""Model calls are tried again with patience, and with an end to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bot.models import retry
from bot.models.port import Model, ModelError, ModelEvent, ModelRequest, Remark, TextDelta, TextDiscarded, Turn
from tests.hand_clock import HandClock
from tests.model_calls import asking, connected
from tests.simulators.openai import OpenAISimulator

TURN = Turn("Cold.")


def busy(retry_after: float | None = None) -> ModelError:
    return ModelError("Busy.", retryable=True, retry_after=retry_after)


class Scripted:
    """A model that plays one list of events and errors for each attempt."""

    def __init__(self, *attempts: Sequence[ModelEvent | ModelError]) -> None:
        self.attempts = list(attempts)
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        try:
            for step in self.attempts.pop(0):
                if isinstance(step, ModelError):
                    raise step
                yield step
        finally:
            self.closed += 1

    async def check(self, model: str) -> str:
        return model

    async def close(self) -> None: ...


async def heard(model: Model, clock: HandClock) -> list[ModelEvent]:
    """Every event of a call, the clock moved on whenever somebody sleeps."""

    async def listen() -> list[ModelEvent]:
        return [event async for event in retry.stream(model, asking(), clock, jitter=lambda: 0.0)]

    async def tick() -> None:
        while True:
            clock.advance(await clock.asleep())

    listening, ticking = asyncio.create_task(listen()), asyncio.create_task(tick())
    try:
        return await listening
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])


async def test_a_call_that_succeeds_is_made_once() -> None:
    clock = HandClock()
    assert await heard(Scripted([TextDelta("Cold."), TURN]), clock) == [TextDelta("Cold."), TURN]
    assert clock.sleeps == []


async def test_waits_double_until_an_attempt_succeeds() -> None:
    clock = HandClock()
    assert await heard(Scripted([busy()], [busy()], [busy()], [TURN]), clock) == [TURN]
    assert clock.sleeps == [0.5, 1.0, 2.0]


async def test_jitter_takes_up_to_a_quarter_off() -> None:
    clock = HandClock()
    events = retry.stream(Scripted([busy()], [TURN]), asking(), clock, jitter=lambda: 1.0)
    task = asyncio.ensure_future(anext(events))
    assert await clock.asleep() == pytest.approx(0.375)
    clock.advance(0.375)
    assert await task == TURN


async def test_the_server_s_own_wait_is_kept() -> None:
    clock = HandClock()
    await heard(Scripted([busy(retry_after=7)], [busy(retry_after=0.1)], [TURN]), clock)
    assert clock.sleeps == [7, 1.0]


async def test_thirty_seconds_after_the_first_failure_it_gives_up() -> None:
    clock = HandClock(now=0.0)
    model = Scripted(*[[busy()] for _ in range(9)])
    with pytest.raises(ModelError, match="Busy"):
        await heard(model, clock)
    assert clock.sleeps == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert clock.now() == 23.5


async def test_a_wait_beyond_thirty_seconds_is_not_begun() -> None:
    clock = HandClock()
    with pytest.raises(ModelError):
        await heard(Scripted([busy(retry_after=31)]), clock)
    assert clock.sleeps == []


class Hung:
    """A model whose server says nothing until the time for reading is over."""

    def __init__(self, clock: HandClock, *events: ModelEvent) -> None:
        self.clock, self.events, self.attempts = clock, events, 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.attempts += 1
        for event in self.events if self.attempts == 2 else ():
            yield event
        await self.clock.sleep(120.0)
        raise ModelError("Slow.", retryable=self.attempts < 5)

    async def check(self, model: str) -> str:
        return model

    async def close(self) -> None: ...


@pytest.mark.parametrize(("second", "attempts"), [((), 2), ((TextDelta("Co"),), 3)])
async def test_only_an_attempt_that_said_something_ends_a_run_of_failures(
    second: Sequence[ModelEvent], attempts: int
) -> None:
    clock = HandClock()
    model = Hung(clock, *second)
    with pytest.raises(ModelError, match="Slow"):
        await heard(model, clock)
    assert model.attempts == attempts


async def test_a_failure_that_is_not_retried_leaves_its_reason_in_the_log() -> None:
    reason = ModelError("Ask an admin.", code="invalid_prompt", detail="status=400 code=bad_schema")
    with capture_logs() as logs, pytest.raises(ModelError):
        await heard(Scripted([busy()], [reason]), HandClock())
    assert logs[1:] == [
        {
            "event": "model_failed",
            "log_level": "warning",
            "attempt": 2,
            "code": "invalid_prompt",
            "detail": "status=400 code=bad_schema",
        }
    ]


async def test_what_another_attempt_cannot_mend_is_raised_at_once() -> None:
    clock = HandClock()
    with pytest.raises(ModelError):
        await heard(Scripted([ModelError("No credit.", retry_after=1)]), clock)
    assert clock.sleeps == []


async def test_text_of_a_broken_attempt_is_discarded_when_the_next_one_speaks() -> None:
    model = Scripted([TextDelta("Wa"), busy()], [busy()], [TextDelta("Cold."), TURN])
    assert await heard(model, HandClock()) == [TextDelta("Wa"), TextDiscarded(), TextDelta("Cold."), TURN]


async def test_text_is_discarded_once_for_each_attempt_that_showed_some() -> None:
    model = Scripted([TextDelta("W"), busy()], [TextDelta("X"), busy()], [TURN])
    discarded = TextDiscarded()
    assert await heard(model, HandClock()) == [TextDelta("W"), discarded, TextDelta("X"), discarded, TURN]


async def test_every_attempt_s_stream_is_closed_also_when_the_reader_leaves() -> None:
    model = Scripted([busy()], [TextDelta("Co"), TURN])
    clock = HandClock()
    async with aclosing(cast(Any, retry.stream(model, asking(), clock))) as events:
        task = asyncio.ensure_future(anext(events))
        clock.advance(await clock.asleep())
        assert await task == TextDelta("Co")
        assert model.closed == 1
    assert model.closed == 2


async def test_a_busy_server_is_asked_again_after_the_time_it_named() -> None:
    openai, clock = OpenAISimulator(), HandClock()
    openai.error(429, code="rate_limit_exceeded", headers={"Retry-After": "12"})
    openai.say("Cold and", cut="broken")
    openai.say("Cold.")
    async with connected(openai, "responses") as model:
        events = await heard(model, clock)
    assert events[:3] == [TextDelta("Cold "), TextDiscarded(), TextDelta("Cold.")]
    assert clock.sleeps == [12.0, 1.0]


async def test_a_remark_is_passed_on_once_however_often_the_model_makes_it() -> None:
    remark = Remark("a.png was not looked at.")
    model = Scripted([remark, TextDelta("Co"), busy()], [remark, busy()], [remark, TextDelta("Cold."), TURN])
    said = [remark, TextDelta("Co"), TextDiscarded(), TextDelta("Cold."), TURN]
    assert await heard(model, HandClock()) == said


@pytest.mark.parametrize(("status", "code"), [(400, None), (401, None), (403, None), (429, "insufficient_quota")])
async def test_some_answers_are_never_asked_for_again(status: int, code: str | None) -> None:
    openai = OpenAISimulator()
    openai.error(status, code=code, headers={"Retry-After": "1"})
    async with connected(openai, "chat") as model:
        with pytest.raises(ModelError):
            await heard(model, HandClock())
    assert len(openai.requests) == 1
