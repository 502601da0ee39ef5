"""The commands on budgets: what they show, what they set, who may, and what is on record of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.commands.budget import ADMINS_ONLY, NO_PRICES, NONE
from bot.ports import CommandRequest, Conversation
from bot.store.schema import audit, policies
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel

EVENING = datetime(2026, 11, 28, 19, 0, tzinfo=UTC).timestamp()
PRICES = '[models."gpt-test"]\ninput = 20000\noutput = 60000\n'  # $0.50 a call


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    async with parley_at(tmp_path / "p.db", model, clock=HandClock(EVENING), prices=path) as made:
        yield made


async def admin(parley: Parley, text: str, **where: Any) -> str:
    return await parley.alice.command(text, admin=True, **where)


async def record(parley: Parley) -> list[tuple[Any, ...]]:
    kept = (audit.c.actor_id, audit.c.action, audit.c.target, audit.c.before, audit.c.after, audit.c.allowed)
    return [tuple(row) for row in await parley.core.database.read(lambda c: c.execute(select(*kept)))]


async def test_anybody_sees_what_holds_what_is_used_and_when_it_resets(parley: Parley, model: ScriptedModel) -> None:
    assert await parley.alice.command("budget show") == NONE
    await admin(parley, "budget set person day 100k")
    await admin(parley, "budget set here month 5 money")
    await admin(parley, "budget set server day 15 tokens")
    model.say("Yes.")
    await parley.alice.say("Really?")
    await parley.quiet()
    today = "It resets at 00:00 UTC, in 5 hours."
    rest = [
        "This channel, a month: $5.00, $0.50 used. It resets on 1 December.",
        f"The whole workspace, a day: 15 tokens, used up. {today}",
    ]
    mine = f"Each person, a day: 100k tokens, 15 tokens used by you. {today}"
    bobs = f"Each person, a day: 100k tokens, 0 tokens used by you. {today}"
    assert (await parley.alice.command("budget")).splitlines() == [mine, *rest]
    assert (await parley.alice.command("budget show", by=BOB)).splitlines() == [bobs, *rest]
    assert (await parley.alice.command("budget show", channel="C2")).splitlines() == [mine, rest[1]]


@pytest.mark.parametrize("text", ["person day 5k", "here month off", "server day nonsense"])
async def test_a_budget_by_others_is_refused_and_recorded(parley: Parley, text: str) -> None:
    assert await parley.alice.command(f"budget set {text}", by=BOB) == ADMINS_ONLY
    who, period, *_ = text.split()
    target = f"{({'here': 'channel', 'server': 'workspace'}).get(who, who)} {period}"
    assert await record(parley) == [("U2", "budget set", target, None, None, False)]
    assert await parley.alice.command("budget show") == NONE


async def test_the_record_tells_what_a_budget_was_before_and_after(parley: Parley) -> None:
    for text in ("person day 100k", "person day 2.5M tokens", "person day $5", "person day off", "person day off"):
        await admin(parley, f"budget set {text}")
    assert [row[3:] for row in await record(parley)] == [
        ("not set", "100,000 tokens", True),
        ("100,000 tokens", "2,500,000 tokens", True),
        ("2,500,000 tokens", "$5.00", True),
        ("$5.00", "not set", True),
        ("not set", "not set", True),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("person day 100000", "The daily budget for each person is 100,000 tokens from the next question on."),
        ("here month 1.5m", "The monthly budget for this channel is 1,500,000 tokens from the next question on."),
        (
            "channel day 100,000 TOKENS",
            "The daily budget for this channel is 100,000 tokens from the next question on.",
        ),
        ("workspace day 1 token", "The daily budget for the whole workspace is 1 token from the next question on."),
        ("server day off", "There was no daily budget for the whole workspace."),
    ],
)
async def test_an_amount_of_tokens_is_said_in_many_ways(parley: Parley, text: str, said: str) -> None:
    assert await admin(parley, f"budget set {text}") == said


@pytest.mark.parametrize("amount", ["5 money", "5 USD", "$5", "$5.00", "$5 money", "5.0 usd"])
async def test_an_amount_of_money_is_said_in_many_ways(parley: Parley, amount: str) -> None:
    assert await admin(parley, f"budget set here day {amount}") == (
        "The daily budget for this channel is $5.00 from the next question on. A model without a price does not count."
    )


@pytest.mark.parametrize("amount", ["€5", "5 EUR"])
async def test_money_of_another_kind_is_refused(parley: Parley, amount: str) -> None:
    assert await admin(parley, f"budget set here day {amount}") == (
        "The prices here are in USD. Say it in that, or in tokens."
    )


@pytest.mark.parametrize("amount", ["5 money", "$5", "5 usd"])
async def test_without_prices_there_is_no_budget_in_money(tmp_path: Path, amount: str) -> None:
    async with parley_at(tmp_path / "p.db", ScriptedModel()) as parley:
        assert await admin(parley, f"budget set here day {amount}") == NO_PRICES


@pytest.mark.parametrize(
    "text",
    [
        "budget set",
        "budget set person day",
        "budget set person week 5",
        "budget set everybody day 5",
        "budget set person day -5",
        "budget set person day 5 apples",
        "budget set person day 0.5 tokens",
        "budget set person day 1.0005k",
        "budget set person day 1e9",
        "budget set person day 5 tokens please",
        "budget set person day ٥",
        "budget set person day off tokens",
        "budget of me",
    ],
)
async def test_words_that_make_no_sense_are_answered_with_the_forms_and_change_nothing(
    parley: Parley, text: str
) -> None:
    assert (await admin(parley, text)).startswith("Say “budget show” or “budget set person|here|workspace day|month")
    assert await record(parley) == []
    assert await parley.alice.command("budget show") == NONE


async def test_a_budget_that_is_set_already_is_told_so(parley: Parley) -> None:
    await admin(parley, "budget set here day 5k")
    assert await admin(parley, "budget set here day 5000") == (
        "The daily budget for this channel was 5,000 tokens already."
    )
    assert await admin(parley, "budget set here day off") == "There is no daily budget for this channel any more."


async def test_here_is_nothing_where_there_is_no_channel(parley: Parley) -> None:
    assert await admin(parley, "budget set here day 5k", channel="", thread="") == (
        "There is no channel here. Say “workspace”."
    )


async def test_a_budget_is_said_in_the_words_of_the_platform(parley: Parley) -> None:
    request = CommandRequest(Conversation("room", "T1", "C1", ""), ALICE, "budget set server day 5k", True, "server")
    assert (await parley.core.command(request)).text.startswith("The daily budget for the whole server is 5,000")


async def test_of_twenty_budgets_set_at_once_none_is_lost(parley: Parley) -> None:
    await asyncio.gather(*(admin(parley, f"budget set person day {number}k") for number in range(1, 21)))
    kept = await record(parley)
    afters = [row[4] for row in kept]
    assert [row[3] for row in kept] == ["not set", *afters[:-1]]
    assert len(set(afters)) == 20
    (value,) = (await parley.core.database.read(lambda c: c.execute(select(policies.c.value)))).scalars()
    assert f"{value['tokens']:,} tokens" == afters[-1]
