"""What admins have set in chat, for a channel or a whole workspace. The nearest holds; a thread counts as its channel.

| name | value |
|---|---|
| `tool:NAME` | `{"enabled": true}` |
| `approval:NAME` | `{"by": "asker" or "admins" or "either" or "nobody"}`: whose approval a call of the tool needs |
| `assistant` | `{"id": "asst_…"}` |
| `budget:person:day`, `budget:channel:month`, `budget:workspace:day`, … | `{"tokens": 100000}` or `{"money": 5.0}` |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import String, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Conversation
from bot.store.schema import policies

Scope = Literal["workspace", "channel"]


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    value: Mapping[str, Any]
    scope: Scope


_ABOUT = (
    policies.c.platform == bindparam("about_platform"),
    policies.c.workspace == bindparam("about_workspace"),
    policies.c.channel.in_(("", bindparam("about_channel", type_=String))),
)
"""They are for the conversation that `about` gives the parameters of."""

_HOLDING = select(policies.c.name, policies.c.value, policies.c.channel).where(*_ABOUT)


async def holding(connection: AsyncConnection, where: Conversation) -> dict[str, Policy]:
    """What holds in a conversation, by name."""
    return _nearest(await connection.execute(_HOLDING, about(where)))


_ONE = func.json_array(policies.c.name, func.json(policies.c.value), policies.c.channel)
BESIDE = select(func.json_group_array(_ONE, type_=String)).where(*_ABOUT).scalar_subquery()
"""What holds in the conversation of `about`, for a statement to bring along; `brought` reads it."""


def about(where: Conversation) -> dict[str, str]:
    """The parameters of a statement that brings `BESIDE` along."""
    return {
        "about_platform": where.platform,
        "about_workspace": where.workspace,
        "about_channel": where.channel,
    }


def brought(value: str) -> dict[str, Policy]:
    return _nearest(json.loads(value))


async def put(
    tx: AsyncConnection, where: Conversation, scope: Scope, name: str, value: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Set a policy, or take it away (None); returns what it was in that scope (None: not set)."""
    key = {
        "platform": where.platform,
        "workspace": where.workspace,
        "channel": where.channel if scope == "channel" else "",
        "name": name,
    }
    same = [policies.c[column] == wanted for column, wanted in key.items()]
    before: Mapping[str, Any] | None = (await tx.execute(select(policies.c.value).where(*same))).scalar_one_or_none()
    if value is None:
        await tx.execute(delete(policies).where(*same))
    else:
        kept = upsert(policies).values(**key, value=dict(value))
        await tx.execute(kept.on_conflict_do_update(index_elements=list(key), set_={"value": dict(value)}))
    return before


def enabled(held: Mapping[str, Policy], tool: str) -> bool:
    """Without a switch a tool is on."""
    policy = held.get(f"tool:{tool}")
    return policy is None or bool(policy.value["enabled"])


def approver(held: Mapping[str, Policy], tool: str, by_code: bool, default: str) -> str:
    """Whose approval each call of a tool needs: `asker`, `admins` or `either`; nobody's where it is empty.

    Without a policy it is that of `default`, if the code itself wants one (`by_code`).
    """
    policy = held.get(f"approval:{tool}")
    by = str(policy.value["by"]) if policy is not None else default if by_code else "nobody"
    return "" if by == "nobody" else by


def _nearest(rows: Iterable[Any]) -> dict[str, Policy]:
    found: dict[str, Policy] = {}
    # The workspace's has the empty channel and comes first; the channel's then takes its place.
    for name, value, channel in sorted(rows, key=lambda row: str(row[2])):
        found[name] = Policy(name, value, "channel" if channel else "workspace")
    return found
