"""What people thought of an answer: one row for each run and person, the last press counts."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Author, well_formed
from bot.store.schema import feedback


async def keep(tx: AsyncConnection, run_id: str, author: Author, value: str, now: float) -> None:
    """`value` is `good` or `bad`; the run exists."""
    said = {"author_name": well_formed(author.name), "value": value, "at": now}
    put = upsert(feedback).values(run_id=run_id, author_id=author.id, **said)
    await tx.execute(put.on_conflict_do_update(index_elements=["run_id", "author_id"], set_=said))
