"""Budgets: what admins let a person, a channel or a workspace use in a day or a month, and whether a run may begin.

Nobody knows before what a run comes to. Each unfinished one counts for what it has used so far and for `RESERVED`
tokens more, and where these no longer fit, one run at a time begins, until the budget is used up: it is overspent by
one run at the most, unless several at once use more than `RESERVED` beyond what was known of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Usage
from bot.figures import time_left, tokens
from bot.ports import Conversation
from bot.prices import Prices
from bot.store import spending
from bot.store.policies import Policy
from bot.store.spending import Share, Spent, Uncounted

RESERVED = 50_000
"""Tokens that an unfinished run counts for beside those it has used; in money, at the price of its model's output."""

Holder = Literal["person", "channel", "workspace"]
Period = Literal["day", "month"]
Unit = Literal["tokens", "money"]

HOLDERS: tuple[Holder, ...] = ("person", "channel", "workspace")
PERIODS: dict[str, Period] = {"day": "day", "month": "month"}
"""By what people call them."""
WHOSE = {"person": "Your", "channel": "This channel's", "workspace": "Everybody's"}
SPAN = {"day": "today", "month": "this month"}

RESTS = "The budget here is nearly used up, and another answer waits for somebody first. Then I read your message."


@dataclass(frozen=True, slots=True)
class Budget:
    of: Holder
    period: Period
    limit: float
    unit: Unit

    def share(self, where: Conversation, person: str) -> Share:
        channel = where.channel if self.of == "channel" else None
        return Share(where.platform, where.workspace, channel, person if self.of == "person" else None)

    def used(self, spent: Spent) -> float:
        return spent.tokens if self.unit == "tokens" else spent.cost

    def counts(self, run: Uncounted, share: Share) -> bool:
        return share.channel in (None, run.channel) and share.person in (None, run.person)


@dataclass(frozen=True, slots=True)
class Over:
    """The budget is used up; `sentence` is for the one who asked."""

    sentence: str


@dataclass(frozen=True, slots=True)
class PutOff:
    """What is left does for one run, which is on its way. `note`: what the author should know at once, if anything."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Budgets:
    prices: Prices

    async def verdict(
        self, tx: AsyncConnection, budgets: Sequence[Budget], where: Conversation, person: str, model: str, now: float
    ) -> Over | PutOff | None:
        """Why a run of `person` may not begin now, where that is so. To be asked in the transaction that begins it."""
        uncounted = await spending.uncounted(tx, where.platform, where.workspace)
        used_up: list[Budget] = []
        full = rests = False
        for budget in budgets:
            share = budget.share(where, person)
            others = [run for run in uncounted if budget.counts(run, share)]
            active = [run for run in others if not run.over]
            spent = budget.used(await spending.total(tx, share, first_day(budget.period, now)))
            spent += sum(self._in(budget.unit, run.model, run.usage) for run in others)
            reserved = sum(self._reserved(budget.unit, name) for name in (model, *(run.model for run in active)))
            if spent >= budget.limit:
                used_up.append(budget)
            elif active and spent + reserved > budget.limit:
                full, rests = True, rests or any(run.rests for run in active)
        if used_up:
            return Over(used_up_sentence(max(used_up, key=lambda one: reset(one.period, now)), now))
        return PutOff(RESTS if rests else "") if full else None

    def _in(self, unit: Unit, model: str, usage: Usage) -> float:
        if unit == "tokens":
            return usage.prompt_tokens + usage.completion_tokens
        return self.prices.cost(model, usage) or 0.0

    def _reserved(self, unit: Unit, model: str) -> float:
        return self._in(unit, model, Usage(completion_tokens=RESERVED))


def name(of: Holder, period: Period) -> str:
    """Of the policy."""
    return f"budget:{of}:{period}"


def holding(held: Mapping[str, Policy]) -> Sequence[Budget]:
    """The budgets among the policies that hold somewhere."""
    found: list[Budget] = []
    for of in HOLDERS:
        for period in PERIODS.values():
            policy = held.get(name(of, period))
            if policy is not None:
                found.append(read(of, period, policy.value))
    return found


def read(of: Holder, period: Period, value: Mapping[str, float]) -> Budget:
    ((unit, limit),) = value.items()
    return Budget(of, period, limit, cast(Unit, unit))


def amount(value: float, unit: Unit, prices: Prices) -> str:
    """`100k tokens` or `$5.00`."""
    return tokens(round(value)) if unit == "tokens" else prices.said(value)


def first_day(period: Period, now: float) -> str:
    """The first UTC day of the period that lasts now."""
    today = spending.day(now)
    return today if period == "day" else f"{today[:-2]}01"


def reset(period: Period, now: float) -> datetime:
    """When the period that lasts now is over."""
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return midnight + timedelta(days=1)
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def reset_sentence(period: Period, now: float) -> str:
    at = reset(period, now)
    if period == "day":
        return f"It resets at 00:00 UTC, {time_left(at.timestamp() - now)}."
    return f"It resets on {at.day} {at:%B}."


def used_up_sentence(budget: Budget, now: float) -> str:
    whose = f"{WHOSE[budget.of]} budget for {SPAN[budget.period]} is used up, so I did not work on this."
    return f"{whose} {reset_sentence(budget.period, now)} Please ask me again then."
