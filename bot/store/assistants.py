"""Assistants. The one named `default` follows the operator's settings."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Assistant, new_id
from bot.store.schema import assistants

DEFAULT = "default"
SETTINGS = ("temperature", "top_p", "response_format", "tool_resources")


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
    await tx.execute(put.on_conflict_do_nothing(index_elements=["name"]))
    await tx.execute(
        update(assistants).where(assistants.c.name == DEFAULT).values(model=model, instructions=instructions)
    )
    return to_assistant((await tx.execute(select(assistants).where(assistants.c.name == DEFAULT))).mappings().one())


def to_assistant(row: RowMapping) -> Assistant:
    return Assistant(
        id=row["id"],
        created_at=row["created_at"],
        model=row["model"],
        name=row["name"],
        description=row["description"],
        instructions=row["instructions"],
        tools=row["tools"],
        metadata=row["metadata"],
        **row["settings"],
    )
