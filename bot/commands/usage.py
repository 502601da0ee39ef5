"""Usage: what was used today or this month, of oneself, of a channel, of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.budgets import PERIODS, SPAN, first_day
from bot.clock import Clock
from bot.commands import scopes
from bot.commands.catalogue import Command
from bot.commands.rights import Rights
from bot.figures import counted, short, tokens
from bot.ports import CommandRequest
from bot.prices import Prices
from bot.store import spending
from bot.store.database import Database
from bot.store.spending import By, Share, Spent
from bot.view import one_line

ADMINS_ONLY = "Only admins can see what all others used. Say “usage me” or “usage here”."
NO_CHANNEL = "There is no channel here. Say “usage me”."
FORMS = "Say “usage”, and with it “me”, “here” or “all” and “day” or “month”: “usage here day”."
MOST = 10
"""Lines of a list; those below are added up."""
LONGEST_NAME = 64

Whose = Literal["me", "here", "all"]
WHOSE: dict[str, Whose] = {"me": "me", "here": "here", "all": "all"}


@dataclass(frozen=True, slots=True)
class UsageCommand:
    database: Database
    rights: Rights
    prices: Prices
    clock: Clock
    people_help: Sequence[str] = (
        "usage [me|here] [day|month] — what was used, of you (the default) or in this channel",
    )
    admin_help: Sequence[str] = ("usage all [day|month] — by channel, person and model",)

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"usage": self._usage}

    async def lines_of(self, request: CommandRequest) -> str:
        """What a person has used, today and this month. Raises `StoreError`."""
        share, now = self._share(request, "me"), self.clock.now()

        async def look(connection: AsyncConnection) -> list[str]:
            since = {period: first_day(period, now) for period in PERIODS.values()}
            sums = {period: await spending.total(connection, share, day) for period, day in since.items()}
            return [f"{SPAN[period].capitalize()}: {self._said(spent)}" for period, spent in sums.items()]

        return "\n".join(await self.database.read(look))

    async def _usage(self, request: CommandRequest, rest: str) -> str:
        words = rest.lower().split()
        whose = WHOSE[words.pop(0)] if words and words[0] in WHOSE else "me"
        period = PERIODS[words.pop(0)] if words and words[0] in PERIODS else "month"
        if words:
            return FORMS
        if whose == "all" and not self.rights.is_admin(request):
            await self.rights.refuse(request, "usage", "all")
            return ADMINS_ONLY
        if whose == "here" and not request.conversation.channel:
            return NO_CHANNEL
        lists = self._lists(request, whose)
        share, since = self._share(request, whose), first_day(period, self.clock.now())
        lines = await self.database.read(lambda c: self._lines(c, share, since, lists))
        return f"{_title(request, whose)}, {SPAN[period]}: {lines[0]}" + "".join(f"\n{line}" for line in lines[1:])

    def _lists(self, request: CommandRequest, whose: Whose) -> Sequence[By]:
        """By what the sum is split up, for this person's eyes."""
        if whose == "all":
            return ("channel", "person", "model")
        return ("person", "model") if whose == "here" and self.rights.is_admin(request) else ("model",)

    async def _lines(self, connection: AsyncConnection, share: Share, since: str, lists: Sequence[By]) -> list[str]:
        lines = [self._said(await spending.total(connection, share, since))]
        for by in lists:
            rows = await spending.by(connection, share, since, by)
            named: Mapping[str, str] = {}
            if by == "person":
                people = [of for of, _ in rows[:MOST]]
                named = await spending.names(connection, share.platform, share.workspace, people)
            lines += [f"By {by}:", *(f"  {line}" for line in self._list(rows, named))] if rows else []
        return lines

    def _list(self, rows: Sequence[tuple[str, Spent]], named: Mapping[str, str]) -> Iterator[str]:
        for of, spent in rows[:MOST]:
            name, id_ = one_line(named.get(of, ""))[:LONGEST_NAME], one_line(of)[:LONGEST_NAME]
            yield f"{f'{name} ({id_})' if name else id_ or 'nobody any more'}: {self._said(spent)}"
        if more := [spent for _, spent in rows[MOST:]]:
            yield f"{len(more)} more: {self._said(sum(more, Spent()))}"

    def _said(self, spent: Spent) -> str:
        """`3 runs, 12.3k tokens (12k in, 300 out), $0.42`."""
        parts = f"({short(spent.prompt_tokens)} in, {short(spent.completion_tokens)} out)"
        cost = f", {self.prices.said(spent.cost)}" if self.prices and spent.cost else ""
        return f"{counted(spent.runs, 'run')}, {tokens(spent.tokens)} {parts}{cost}" if spent.runs else "nothing yet"

    def _share(self, request: CommandRequest, whose: Whose) -> Share:
        where, me = request.conversation, request.author.id
        channel = where.channel if whose == "here" else None
        return Share(where.platform, where.workspace, channel, me if whose == "me" else None)


def _title(request: CommandRequest, whose: Whose) -> str:
    match whose:
        case "me":
            return "You"
        case "here":
            return "This channel"
        case "all":
            return f"The {scopes.whole(request, 'workspace').removeprefix('the ')}"
