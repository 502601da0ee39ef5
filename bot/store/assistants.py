"""Assistants: the operator's, named `default`, which follows the settings, and those that each workspace has made.

Nobody reads or writes those of another workspace: what names one, by name or by id, names a workspace with it.
One that was deleted has no name any more; its row stays, since runs and messages refer to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Assistant, function_name, new_id
from bot.errors import StoreError
from bot.ports import Conversation
from bot.store import traces
from bot.store.policies import Policy
from bot.store.schema import assistants, policies

CHOSEN = "parley_tools"
"""The key of an assistant's metadata which says that its `tools` are all it has; without it, it has all there are."""

DEFAULT = "default"
SETTINGS = ("temperature", "top_p", "response_format", "tool_resources")
THE_OPERATORS = assistants.c.platform == ""

_ITS_OWN = and_(assistants.c.platform == bindparam("of_platform"), assistants.c.workspace == bindparam("of_workspace"))
_SEEN = select(assistants).where(
    assistants.c.name.is_not(None), or_(_ITS_OWN, and_(THE_OPERATORS, assistants.c.name == DEFAULT))
)
"""Those that can be named in a workspace."""
_SEEN_ONE = _SEEN.where(assistants.c.id == bindparam("with_id"))
_SEEN_ALL = _SEEN.order_by(assistants.c.platform, assistants.c.name)
_THE_DEFAULT = select(assistants).where(assistants.c.name == DEFAULT, THE_OPERATORS)


async def keep_default(tx: AsyncConnection, *, model: str, instructions: str, now: float) -> Assistant:
    """The default assistant with this model and these instructions; it keeps its id."""
    put = upsert(assistants).values(
        id=new_id("asst"),
        created_at=now,
        name=DEFAULT,
        model=model,
        instructions=instructions,
        tools=[],
        settings={},
        metadata={},
    )
    await tx.execute(put.on_conflict_do_nothing(index_elements=["platform", "workspace", "name"]))
    same = (assistants.c.name == DEFAULT, THE_OPERATORS)
    await tx.execute(update(assistants).where(*same).values(model=model, instructions=instructions))
    return await default(tx)


async def default(connection: AsyncConnection) -> Assistant:
    """The operator's. Raises `StoreError` where Parley has never been started on this database."""
    row = (await connection.execute(_THE_DEFAULT)).mappings().one_or_none()
    if row is None:
        raise StoreError("There is no assistant yet. Start Parley once.")
    return to_assistant(row)


async def chosen(connection: AsyncConnection, where: Conversation, held: Mapping[str, Policy]) -> Assistant | None:
    """The assistant that a policy names; None where none does, or it is gone, or another workspace's."""
    policy = held.get("assistant")
    if policy is None:
        return None
    found = await connection.execute(_SEEN_ONE, {**_of(where), "with_id": policy.value["id"]})
    row = found.mappings().one_or_none()
    return None if row is None else to_assistant(row)


async def answering(connection: AsyncConnection, where: Conversation, held: Mapping[str, Policy]) -> Assistant:
    """The one that the next question there is answered by."""
    return await chosen(connection, where, held) or await default(connection)


async def seen_in(connection: AsyncConnection, where: Conversation) -> Sequence[Assistant]:
    """The operator's, and then the workspace's own by their names."""
    return [to_assistant(row) for row in (await connection.execute(_SEEN_ALL, _of(where))).mappings()]


async def copy(tx: AsyncConnection, where: Conversation, model: Assistant, name: str, now: float) -> Assistant:
    """Make an assistant of the workspace that is as `model` is."""
    made = replace(model, id=new_id("asst"), created_at=now, name=name)
    values = {"platform": where.platform, "workspace": where.workspace, **described(made)}
    await tx.execute(insert(assistants).values(id=made.id, created_at=now, **values))
    return made


async def change(tx: AsyncConnection, assistant: Assistant) -> None:
    """Write an assistant with what was set of it."""
    await tx.execute(update(assistants).where(assistants.c.id == assistant.id).values(**described(assistant)))


async def remove(tx: AsyncConnection, where: Conversation, assistant: Assistant) -> Sequence[str]:
    """Take all that says what the assistant was away, and its policies; returns the channels that they were for, empty
    for the whole workspace."""
    nothing: dict[str, Any] = {
        "title": None,
        "description": None,
        "instructions": None,
        "tools": [],
        "settings": {},
        "metadata": {},
    }
    await tx.execute(update(assistants).where(assistants.c.id == assistant.id).values(name=None, **nothing))
    await traces.mark(tx)
    gone = delete(policies).where(
        policies.c.platform == where.platform,
        policies.c.workspace == where.workspace,
        policies.c.name == "assistant",
        policies.c.value["id"].as_string() == assistant.id,
    )
    return [str(channel) for channel in (await tx.execute(gone.returning(policies.c.channel))).scalars()]


def chosen_tools(assistant: Assistant) -> Collection[str] | None:
    """The names of an assistant's tools; None where it has all there are."""
    return {function_name(tool) for tool in assistant.tools} if assistant.metadata.get(CHOSEN) else None


def has(assistant: Assistant, tool: str) -> bool:
    names = chosen_tools(assistant)
    return names is None or tool in names


def with_tools(assistant: Assistant, names: Collection[str] | None) -> Assistant:
    """The assistant with these tools and no others; None for all there are."""
    metadata = {key: value for key, value in assistant.metadata.items() if key != CHOSEN}
    if names is None:
        return replace(assistant, tools=[], metadata=metadata)
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return replace(assistant, tools=tools, metadata={**metadata, CHOSEN: "chosen"})


def to_assistant(row: RowMapping) -> Assistant:
    return Assistant(
        id=row["id"],
        created_at=row["created_at"],
        model=row["model"],
        name=row["name"],
        title=row["title"],
        description=row["description"],
        instructions=row["instructions"],
        tools=row["tools"],
        metadata=row["metadata"],
        **row["settings"],
    )


def _of(where: Conversation) -> dict[str, str]:
    return {"of_platform": where.platform, "of_workspace": where.workspace}


def described(assistant: Assistant) -> dict[str, Any]:
    """What its row holds of it, but for its id, its time and its owner."""
    settings = {name: getattr(assistant, name) for name in SETTINGS}
    return {
        "name": assistant.name,
        "title": assistant.title,
        "description": assistant.description,
        "model": assistant.model,
        "instructions": assistant.instructions,
        "tools": list(assistant.tools),
        "settings": {name: value for name, value in settings.items() if value is not None},
        "metadata": dict(assistant.metadata),
    }


def of_program(assistant: Assistant) -> bool:
    """A program made it: its tools are what it says."""
    return assistant.name == assistant.id


def named_tools(assistant: Assistant) -> Sequence[str]:
    """The names of Parley's own tools that a program wants to be run here, as the metadata has them: `a, b`."""
    return [name for name in re.split(r"[\s,]+", str(assistant.metadata.get(CHOSEN) or "")) if name]
