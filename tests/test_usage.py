"""Usage: what each run used is counted once, and told by person, channel and model, by day and month."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.assistants.types import Author
from bot.commands.usage import ADMINS_ONLY, FORMS
from bot.ports import CommandRequest, Conversation, InboundMessage, Placed
from bot.store.schema import audit, runs, spending
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB, Room
from tests.scripted_model import ScriptedModel
from tests.test_crash import Life, live, stored

NOVEMBER_30 = datetime(2026, 11, 30, 22, 0, tzinfo=UTC).timestamp()
ELSEWHERE = Conversation("room", "T2", "C1", "1")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "p.db", model, clock=HandClock(NOVEMBER_30)) as made:
        yield made


async def ask(parley: Parley, model: ScriptedModel, by: Author = ALICE, channel: str = "C1", **more: Any) -> None:
    """A question with one model call: 10 tokens in, 5 out."""
    model.say("Yes.")
    await parley.alice.say("Really?", by=by, channel=channel, thread=f"{by.id}", **more)
    await parley.quiet()


async def rows(parley: Parley) -> list[tuple[Any, ...]]:
    kept = (spending.c.day, spending.c.channel, spending.c.person, spending.c.runs, spending.c.completion_tokens)
    query = select(*kept).order_by(spending.c.day, spending.c.channel, spending.c.person)
    return [tuple(row) for row in await parley.core.database.read(lambda c: c.execute(query))]


async def refusals(parley: Parley) -> list[tuple[Any, ...]]:
    query = select(audit.c.actor_id, audit.c.action, audit.c.target, audit.c.allowed)
    return [tuple(row) for row in await parley.core.database.read(lambda c: c.execute(query))]


# -- what is told --------------------------------------------------------------------------------------------------


async def test_each_person_sees_what_they_used_themselves(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model)
    await ask(parley, model, BOB)
    await ask(parley, model, BOB, "C2")
    mine = "15 tokens (10 in, 5 out)"
    assert await parley.alice.command("usage") == (
        f"You, this month: 1 run, {mine}\nBy model:\n  gpt-test: 1 run, {mine}"
    )
    assert (await parley.alice.command("usage me day", by=BOB)).startswith("You, today: 2 runs, 30 tokens (20 in, 10")
    assert await parley.alice.command("usage", by=Author("U3", "Cleo")) == "You, this month: nothing yet"


async def test_a_run_of_several_model_calls_is_one_run_with_all_their_tokens(
    parley: Parley, model: ScriptedModel
) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    await ask(parley, model)
    assert (await parley.alice.command("usage")).startswith("You, this month: 1 run, 30 tokens (20 in, 10 out)")


async def test_a_channel_is_told_to_all_by_model_and_to_admins_by_person_too(
    parley: Parley, model: ScriptedModel
) -> None:
    await ask(parley, model)
    await ask(parley, model, BOB)
    await ask(parley, model, BOB)
    await ask(parley, model, channel="C2")
    head = "This channel, this month: 3 runs, 45 tokens (30 in, 15 out)\n"
    by_model = "By model:\n  gpt-test: 3 runs, 45 tokens (30 in, 15 out)"
    by_person = (
        "By person:\n  Bob (U2): 2 runs, 30 tokens (20 in, 10 out)\n  Alice (U1): 1 run, 15 tokens (10 in, 5 out)\n"
    )
    assert await parley.alice.command("usage here") == head + by_model
    assert await parley.alice.command("usage here", admin=True) == head + by_person + by_model


async def test_all_of_a_workspace_is_told_to_admins_only(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model)
    await ask(parley, model, channel="C2")
    assert await parley.alice.command("usage all") == ADMINS_ONLY
    assert await refusals(parley) == [("U1", "usage", "all", False)]
    lines = (await parley.alice.command("usage all day", admin=True)).splitlines()
    one = "1 run, 15 tokens (10 in, 5 out)"
    two = "2 runs, 30 tokens (20 in, 10 out)"
    assert lines == [
        f"The whole workspace, today: {two}",
        *("By channel:", f"  C1: {one}", f"  C2: {one}"),
        *("By person:", f"  Alice (U1): {two}"),
        *("By model:", f"  gpt-test: {two}"),
    ]


async def test_another_workspace_sees_nothing_of_it(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model)
    for text in ("usage", "usage here", "usage all"):
        answer = await parley.core.command(CommandRequest(ELSEWHERE, ALICE, text, platform_admin=True))
        assert answer.text.endswith(": nothing yet")
    model.say("Yes.")
    await parley.core.accept(InboundMessage(ELSEWHERE, ALICE, "Really?", "1"))
    await parley.quiet()
    assert (await parley.alice.command("usage")).startswith("You, this month: 1 run,")


async def test_a_person_goes_by_the_newest_name(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model, Author("U1", "Alicia"))
    await ask(parley, model, Author("U1", "Ali\nBy channel:\u202e"))
    assert "\n  Ali By channel:� (U1): 2 runs" in await parley.alice.command("usage here", admin=True)


async def test_of_many_people_the_last_are_added_up(parley: Parley, model: ScriptedModel) -> None:
    for number in range(13):
        await ask(parley, model, Author(f"U{number:02}", f"Person {number}"))
    lines = (await parley.alice.command("usage here", admin=True)).splitlines()
    assert lines[2] == "  Person 0 (U00): 1 run, 15 tokens (10 in, 5 out)"
    assert lines[11:14] == [
        "  Person 9 (U09): 1 run, 15 tokens (10 in, 5 out)",
        "  3 more: 3 runs, 45 tokens (30 in, 15 out)",
        "By model:",
    ]


async def test_cost_is_told_where_models_have_prices(tmp_path: Path, model: ScriptedModel) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('currency = "EUR"\n[models.gpt]\ninput = 20000\noutput = 60000\n')
    async with parley_at(tmp_path / "p.db", model, prices=path) as parley:
        await ask(parley, model)
        await ask(parley, model)
        assert (await parley.alice.command("usage")).splitlines()[0].endswith("(20 in, 10 out), €1.00")


@pytest.mark.parametrize("text", ["usage yesterday", "usage day me", "usage me you", "usage here month now"])
async def test_words_that_make_no_sense_are_answered_with_the_forms(parley: Parley, text: str) -> None:
    assert await parley.alice.command(text) == FORMS


async def test_an_overview_tells_a_person_what_they_used(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model)
    request = CommandRequest(Conversation("room", "T1", "", ""), ALICE, "")
    one = "1 run, 15 tokens (10 in, 5 out)"
    assert (await parley.core.overview(request)).usage == f"Today: {one}\nThis month: {one}"


# -- days and months -----------------------------------------------------------------------------------------------


async def test_days_and_months_begin_at_midnight_utc(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model)
    parley.clock.advance(2 * 3_600 - 1)
    await ask(parley, model)
    assert (await parley.alice.command("usage day")).startswith("You, today: 2 runs,")
    parley.clock.advance(1)
    assert await parley.alice.command("usage day") == "You, today: nothing yet"
    assert await parley.alice.command("usage month") == "You, this month: nothing yet"
    await ask(parley, model)
    assert (await parley.alice.command("usage")).startswith("You, this month: 1 run,")
    assert [row[0] for row in await rows(parley)] == ["2026-11-30", "2026-12-01"]


async def test_a_run_counts_on_the_day_on_which_it_ends(parley: Parley, model: ScriptedModel) -> None:
    parley.clock.advance(2 * 3_600 - 1)
    gate = model.hold("Yes.")
    await parley.alice.say("Really?")
    await gate.reached.wait()
    parley.clock.advance(2)
    gate.open()
    await parley.quiet()
    assert await rows(parley) == [("2026-12-01", "C1", "U1", 1, 5)]


async def test_of_a_month_that_is_over_it_is_no_longer_known_who_used_what(
    tmp_path: Path, model: ScriptedModel
) -> None:
    clock = HandClock(NOVEMBER_30)
    async with parley_at(tmp_path / "p.db", model, clock=clock) as parley:
        for by in (ALICE, BOB, BOB):
            await ask(parley, model, by)
        await ask(parley, model, channel="C2")
    clock.advance(3 * 3_600)
    async with parley_at(tmp_path / "p.db", model, clock=clock) as parley:
        await parley.core.sweep.housekeeping.look()  # ten seconds later
        await parley.core.sweep.housekeeping.done()
        await ask(parley, model, key="december")
        assert await rows(parley) == [
            ("2026-11-30", "C1", "", 3, 15),
            ("2026-11-30", "C2", "", 1, 5),
            ("2026-12-01", "C1", "U1", 1, 5),
        ]


# -- once ----------------------------------------------------------------------------------------------------------


async def test_people_who_ask_at_once_lose_nothing_in_the_sums(parley: Parley, model: ScriptedModel) -> None:
    for _ in range(12):
        model.say("Yes.")
    people = [Author(f"U{number % 3}", "Someone") for number in range(12)]
    await asyncio.gather(*(parley.alice.say("Really?", by=by, thread=str(number)) for number, by in enumerate(people)))
    await parley.quiet()
    assert await rows(parley) == [("2026-11-30", "C1", f"U{number}", 4, 20) for number in range(3)]


async def test_a_delivery_that_is_recorded_twice_counts_once(parley: Parley, model: ScriptedModel) -> None:
    await ask(parley, model)
    run = await parley.core.engine.journal.run(parley.room.posts[1].run_id)
    await parley.core.handler._settlement.settle(run, Placed(), forget=False)
    assert await rows(parley) == [("2026-11-30", "C1", "U1", 1, 5)]


@pytest.mark.parametrize("point", range(9, 15))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_death_between_the_end_and_the_delivery_a_run_is_counted_once(
    tmp_path: Path, point: int, when: Any
) -> None:
    path, room = tmp_path / "p.db", Room()
    await live(path, room, Life(point, when), [])
    await live(path, room, Life(), [])
    counted, used = await stored(path, select(spending.c.runs, spending.c.completion_tokens), select(runs.c.usage))
    assert sum(row[0] for row in counted) == len(used)
    assert sum(row[1] for row in counted) == sum(usage["completion_tokens"] for (usage,) in used)
