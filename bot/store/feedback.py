"""What people thought of an answer: one row for each run and person, the last press counts."""

from __future__ import annotations

from sqlalchemy import literal, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Author, well_formed
from bot.store.schema import feedback, runs


async def keep(tx: AsyncConnection, run_id: str, author: Author, value: str, now: float) -> None:
    """`value` is `good` or `bad`. Nothing is kept of a run that was forgotten meanwhile."""
    said = {"author_name": well_formed(author.name), "value": value, "at": now}
    row = {"run_id": run_id, "author_id": author.id, **said}
    values = select(*(literal(of, feedback.c[name].type) for name, of in row.items()))
    put = upsert(feedback).from_select(list(row), values.where(select(runs.c.id).where(runs.c.id == run_id).exists()))
    await tx.execute(put.on_conflict_do_update(index_elements=["run_id", "author_id"], set_=said))
