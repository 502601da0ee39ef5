"""What was used, by UTC day, channel, person and model. A run is counted once, when its reply is delivered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import ColumnElement, RowMapping, delete, func, literal, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.lifecycle import ACTIVE
from bot.assistants.types import Run, Usage
from bot.store import traces
from bot.store.database import MUCH
from bot.store.inbox import LOOKED_THROUGH
from bot.store.schema import IS_UNFINISHED, messages, run_steps, runs, spending

COUNTS = ("runs", "prompt_tokens", "cached_tokens", "completion_tokens", "cost")
PLACE = ("platform", "workspace", "day", "channel")
WAITS = "requires_action"

By = Literal["channel", "person", "model"]


@dataclass(frozen=True, slots=True)
class Share:
    """Whose spending it is: a workspace's, or that of one channel or one person in it."""

    platform: str
    workspace: str
    channel: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum over runs. `cost` is in the currency of the prices, and 0 for models without one."""

    runs: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Spent) -> Spent:
        return Spent(**{name: getattr(self, name) + getattr(other, name) for name in COUNTS})


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A run that is not in the sums yet. `usage` is what it has used so far; `rests`: it waits for somebody."""

    channel: str
    person: str
    model: str
    usage: Usage
    over: bool
    rests: bool


def day(at: float) -> str:
    """The UTC day of a time in Unix seconds, as the rows have it."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


async def add(tx: AsyncConnection, run: Run, cost: float) -> None:
    """Count a run that is over. Whoever calls this has just recorded that its reply is delivered."""
    usage = run.usage or Usage()
    values = {
        "day": literal(day(run.ended_at or run.created_at)),
        **{name: runs.c[name] for name in ("platform", "workspace", "channel", "person")},
        "model": literal(run.model),
        "runs": literal(1),
        "prompt_tokens": literal(usage.prompt_tokens),
        "cached_tokens": literal(usage.cached_tokens),
        "completion_tokens": literal(usage.completion_tokens),
        "cost": literal(cost),
    }
    counted = select(*(value.label(name) for name, value in values.items())).where(runs.c.id == run.id)
    await tx.execute(_added(upsert(spending).from_select(list(values), counted)))


async def total(connection: AsyncConnection, share: Share, since: str) -> Spent:
    """What was used from a day on."""
    row = (await connection.execute(select(*_sums()).where(*_of(share, since)))).mappings().one()
    return _spent(row)


async def by(connection: AsyncConnection, share: Share, since: str, column: By) -> Sequence[tuple[str, Spent]]:
    """What was used from a day on, for each channel, person or model, the most tokens first."""
    split = spending.c[column]
    query = select(split.label("of"), *_sums()).where(*_of(share, since)).group_by(split)
    found = [(str(row["of"]), _spent(row)) for row in (await connection.execute(query)).mappings()]
    return sorted(found, key=lambda one: (-one[1].tokens, one[0]))


async def uncounted(connection: AsyncConnection, platform: str, workspace: str) -> Sequence[Uncounted]:
    """The runs of a workspace that are not over, or not delivered."""
    query = select(runs.c.id, runs.c.channel, runs.c.person, runs.c.model, runs.c.usage, runs.c.status)
    query = query.where(IS_UNFINISHED, runs.c.platform == platform, runs.c.workspace == workspace)
    found = (await connection.execute(query)).all()
    so_far = await _so_far(connection, [row.id for row in found if row.status in ACTIVE])
    return [
        Uncounted(
            row.channel,
            row.person,
            row.model,
            so_far.get(row.id) or Usage(**(row.usage or {})),
            row.status not in ACTIVE,
            row.status == WAITS,
        )
        for row in found
    ]


async def _so_far(connection: AsyncConnection, run_ids: Collection[str]) -> dict[str, Usage]:
    """What runs have used by their recorded steps."""
    query = select(run_steps.c.run_id, run_steps.c.usage).where(run_steps.c.run_id.in_(sorted(run_ids)))
    used: dict[str, Usage] = {}
    for run_id, usage in await connection.execute(query) if run_ids else ():
        used[run_id] = used.get(run_id, Usage()) + Usage(**(usage or {}))
    return used


async def has_people(connection: AsyncConnection, before: str) -> bool:
    """It is known by whom something was used before that day."""
    query = select(spending.c.day).where(spending.c.day < before, spending.c.person != "")
    return (await connection.execute(query.limit(1))).first() is not None


async def forget_people(tx: AsyncConnection, before: str) -> None:
    """Keep of the days before that one what was used, and no longer by whom."""
    past = (spending.c.day < before, spending.c.person != "")
    kept = [*PLACE, "person", "model"]
    columns = [literal("").label(name) if name == "person" else spending.c[name] for name in kept]
    grouped = [spending.c[name] for name in kept if name != "person"]
    merged = select(*columns, *_sums()).where(*past).group_by(*grouped)
    await tx.execute(_added(upsert(spending).from_select([*kept, *COUNTS], merged)))
    await tx.execute(delete(spending).where(*past))
    await traces.mark(tx)


async def names(
    connection: AsyncConnection, platform: str, workspace: str, people: Collection[str]
) -> Mapping[str, str]:
    """What the people were called in their newest messages in a workspace, as far as that is not too long ago."""
    late = select(func.max(messages.c.seq) - LOOKED_THROUGH).scalar_subquery()
    here = messages.c.key.startswith(f"{platform}:{workspace}:", autoescape=True)
    theirs = messages.c.author_id.in_(sorted(people))
    newest = select(func.max(messages.c.seq)).where(theirs, messages.c.seq > late, here)
    named = messages.c.seq.in_(newest.group_by(messages.c.author_id))
    query = select(messages.c.author_id, messages.c.author_name).prefix_with(MUCH).where(named)
    return {str(id_): str(name) for id_, name in await connection.execute(query) if name}


def _added(put: Insert) -> Insert:
    """A row that is there already has these counts added to its own."""
    more = {name: spending.c[name] + put.excluded[name] for name in COUNTS}
    return put.on_conflict_do_update(index_elements=[*PLACE, "person", "model"], set_=more)


def _sums() -> list[ColumnElement[float]]:
    return [func.coalesce(func.sum(spending.c[name]), 0).label(name) for name in COUNTS]


def _of(share: Share, since: str) -> list[ColumnElement[bool]]:
    chosen = {"channel": share.channel, "person": share.person}
    same = [spending.c[name] == value for name, value in chosen.items() if value is not None]
    here = (spending.c.platform == share.platform, spending.c.workspace == share.workspace)
    return [*here, spending.c.day >= since, *same]


def _spent(row: RowMapping) -> Spent:
    return Spent(**{name: row[name] for name in COUNTS})
