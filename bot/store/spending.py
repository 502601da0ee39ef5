"""What was used, by UTC day, channel, person and model. A run is counted once, when its reply is delivered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, delete, func, literal, select
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


def _added(put: Insert) -> Insert:
    """A row that is there already has these counts added to its own."""
    more = {name: spending.c[name] + put.excluded[name] for name in COUNTS}
    return put.on_conflict_do_update(index_elements=[*PLACE, "person", "model"], set_=more)


WHOSE = ("platform", "workspace", "channel", "person")
"""What a run's row tells of its spending."""

_GIVEN = ("day", "model", *COUNTS)
_COUNTED = select(
    *(runs.c[name] for name in WHOSE),
    *(bindparam(f"new_{name}", type_=spending.c[name].type) for name in _GIVEN),
).where(runs.c.id == bindparam("of_run"))
_ADD = _added(upsert(spending).from_select([*WHOSE, *_GIVEN], _COUNTED))


async def add(tx: AsyncConnection, run: Run, cost: float) -> None:
    """Count a run that is over. Whoever calls this has just recorded that its reply is delivered."""
    usage = run.usage or Usage()
    given = {
        "new_day": day(run.ended_at or run.created_at),
        "new_model": run.model,
        "new_runs": 1,
        "new_prompt_tokens": usage.prompt_tokens,
        "new_cached_tokens": usage.cached_tokens,
        "new_completion_tokens": usage.completion_tokens,
        "new_cost": cost,
    }
    await tx.execute(_ADD, {**given, "of_run": run.id})


async def total(connection: AsyncConnection, share: Share, since: str) -> Spent:
    """What was used from a day on."""
    of = _of(share, since)
    row = (await connection.execute(_total(*of), of)).mappings().one()
    return _spent(row)


@cache
def _total(*of: str) -> Select[*tuple[Any, ...]]:
    """Built once for the workspace's, for a channel's and for a person's."""
    return select(*_sums()).where(*(_SAME[name] for name in of))


async def by(connection: AsyncConnection, share: Share, since: str, column: By) -> Sequence[tuple[str, Spent]]:
    """What was used from a day on, for each channel, person or model, the most tokens first."""
    split = spending.c[column]
    of = _of(share, since)
    query = select(split.label("of"), *_sums()).where(*(_SAME[name] for name in of)).group_by(split)
    found = [(str(row["of"]), _spent(row)) for row in (await connection.execute(query, of)).mappings()]
    return sorted(found, key=lambda one: (-one[1].tokens, one[0]))


_UNCOUNTED = select(runs.c.id, runs.c.channel, runs.c.person, runs.c.model, runs.c.usage, runs.c.status).where(
    IS_UNFINISHED, runs.c.platform == bindparam("platform"), runs.c.workspace == bindparam("workspace")
)
_USED = select(run_steps.c.run_id, run_steps.c.usage).where(
    run_steps.c.run_id.in_(bindparam("run_ids", expanding=True))
)


async def uncounted(connection: AsyncConnection, platform: str, workspace: str) -> Sequence[Uncounted]:
    """The runs of a workspace that are not over, or not delivered."""
    found = (await connection.execute(_UNCOUNTED, {"platform": platform, "workspace": workspace})).all()
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
    used: dict[str, Usage] = {}
    for run_id, usage in await connection.execute(_USED, {"run_ids": sorted(run_ids)}) if run_ids else ():
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


def _sums() -> list[ColumnElement[float]]:
    return [func.coalesce(func.sum(spending.c[name]), 0).label(name) for name in COUNTS]


_SAME: Mapping[str, ColumnElement[bool]] = {
    **{name: spending.c[name] == bindparam(name) for name in ("platform", "workspace", "channel", "person")},
    "since": spending.c.day >= bindparam("since"),
}
"""What each parameter of `_of` stands for."""


def _of(share: Share, since: str) -> dict[str, str]:
    here = {"platform": share.platform, "workspace": share.workspace, "since": since}
    chosen = {"channel": share.channel, "person": share.person}
    return here | {name: value for name, value in chosen.items() if value is not None}


def _spent(row: RowMapping) -> Spent:
    return Spent(**{name: row[name] for name in COUNTS})
