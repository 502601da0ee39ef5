"""Budgets, as people see them and admins set them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import budgets
from bot.budgets import PERIODS, Budget, Holder, Period
from bot.clock import Clock
from bot.commands import scopes
from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.figures import counted
from bot.ports import CommandRequest
from bot.prices import SIGNS, Prices
from bot.store import policies, spending
from bot.store.database import Database
from bot.store.policies import Scope

ADMINS_ONLY = "Only admins can set budgets here. Ask one of them."
NONE = "No budget is set here."
NO_PRICES = "I do not know what models cost here, since PRICES is not set. Set a budget in tokens."
UNPRICED = " A model without a price does not count."
FORMS = (
    "Say “budget show” or “budget set person|here|{workspace} day|month AMOUNT”; the amount is like “100k tokens”, "
    "“5 money” or “off”."
)
WORDS: dict[str, Holder] = {
    "person": "person",
    "here": "channel",
    "channel": "channel",
    "workspace": "workspace",
    "server": "workspace",
}
SPANS = {"day": "a day", "month": "a month"}
OFTEN = {"day": "daily", "month": "monthly"}
SIZES = {"": 1, "k": 1_000, "m": 1_000_000}
AMOUNT = re.compile(
    r"(?P<sign>[$€£¥]?)(?P<figure>[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?P<part>\.[0-9]{1,6})?(?P<size>[km]?)"
)

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BudgetCommands:
    database: Database
    rights: Rights
    prices: Prices
    clock: Clock
    people_help: Sequence[str] = ("budget show — how much may be used here, and how much is",)
    admin_help: Sequence[str] = (
        "budget set person|here|{workspace} day|month AMOUNT — how much each person, this channel or the whole "
        "{workspace} may use: “100k tokens”, “5 money” or “off”",
    )

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"budget": self._budget}

    async def _budget(self, request: CommandRequest, rest: str) -> str:
        words = rest.lower().split() or ["show"]
        match words:
            case ["show"]:
                return await self._show(request)
            case ["set", who, period, *amount] if who in WORDS and period in PERIODS and 1 <= len(amount) <= 2:
                return await self._set(request, WORDS[who], PERIODS[period], amount)
        return scopes.said(request, FORMS)

    # -- what holds -------------------------------------------------------------------------------------------------

    async def _show(self, request: CommandRequest) -> str:
        where, now = request.conversation, self.clock.now()

        async def look(connection: AsyncConnection) -> list[str]:
            held = budgets.holding(await policies.holding(connection, where))
            lines = []
            for budget in held:
                share = budget.share(where, request.author.id)
                spent = await spending.total(connection, share, budgets.first_day(budget.period, now))
                lines.append(self._line(request, budget, budget.used(spent), now))
            return lines

        return "\n".join(await self.database.read(look)) or NONE

    def _line(self, request: CommandRequest, budget: Budget, used: float, now: float) -> str:
        who = _whom(request, budget.of)
        limit = budgets.amount(budget.limit, budget.unit, self.prices)
        far = "used up" if used >= budget.limit else f"{budgets.amount(used, budget.unit, self.prices)} used"
        mine = " by you" if budget.of == "person" and used < budget.limit else ""
        resets = budgets.reset_sentence(budget.period, now)
        return f"{who[0].upper()}{who[1:]}, {SPANS[budget.period]}: {limit}, {far}{mine}. {resets}"

    # -- setting it -------------------------------------------------------------------------------------------------

    async def _set(self, request: CommandRequest, of: Holder, period: Period, amount: Sequence[str]) -> str:
        target = f"{of} {period}"
        if not self.rights.is_admin(request):
            await self.rights.refuse(request, "budget set", target)
            return ADMINS_ONLY
        scope: Scope = "channel" if of == "channel" else "workspace"
        if of != "person" and (problem := scopes.impossible(request, scope)):
            return problem
        value = self._value(amount)
        if isinstance(value, str):
            return scopes.said(request, value)

        async def operation(tx: AsyncConnection) -> Value | None:
            before = await policies.put(tx, request.conversation, scope, budgets.name(of, period), value)
            await self.rights.record(tx, request, "budget set", target, self._word(before), self._word(value))
            return before

        return self._told(request, of, period, await self.database.write(operation), value)

    def _value(self, amount: Sequence[str]) -> Value | str | None:
        """What to keep; None for no budget, and a sentence where it cannot be made out."""
        if list(amount) == ["off"]:
            return None
        found = AMOUNT.fullmatch(amount[0])
        if found is None:
            return FORMS
        sign, word = found["sign"], amount[1] if len(amount) == 2 else ""
        size = float(found["figure"].replace(",", "") + (found["part"] or "")) * SIZES[found["size"]]
        money = {"money", self.prices.currency.lower()}
        if word in money or (sign and not word):
            if not self.prices:
                return NO_PRICES
            return {"money": size} if sign in ("", SIGNS.get(self.prices.currency)) else self._currency()
        if not sign and word in ("", "tokens", "token"):
            tokens = round(size, 3)
            return {"tokens": int(tokens)} if tokens == int(tokens) else FORMS
        return self._currency() if re.fullmatch("[a-z]{3}", word) and self.prices else FORMS

    def _currency(self) -> str:
        return f"The prices here are in {self.prices.currency}. Say it in that, or in tokens."

    def _told(
        self, request: CommandRequest, of: Holder, period: Period, before: Value | None, value: Value | None
    ) -> str:
        budget = f"{OFTEN[period]} budget for {_whom(request, of)}"
        if before == value:
            return f"The {budget} was {self._word(value)} already." if value else f"There was no {budget}."
        if value is None:
            return f"There is no {budget} any more."
        remark = UNPRICED if "money" in value else ""
        return f"The {budget} is {self._word(value)} from the next question on.{remark}"

    def _word(self, value: Value | None) -> str:
        """What people and the record are told of a policy: the whole figure."""
        if value is None:
            return "not set"
        return counted(value["tokens"], "token") if "tokens" in value else self.prices.said(value["money"])


def _whom(request: CommandRequest, of: Holder) -> str:
    return "each person" if of == "person" else scopes.whole(request, of)
