"""The files that tools have made for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import ShownFile, ToolCall, well_formed
from bot.store.database import MUCH
from bot.store.schema import shown_files

_ADD = insert(shown_files).prefix_with(MUCH)


async def add(tx: AsyncConnection, run_id: str, call: ToolCall) -> None:
    """Keep what a call has made, together with its output."""
    rows = [
        {
            "run_id": run_id,
            "call_id": call.id,
            "number": number,
            "id": file.id,
            "name": well_formed(file.name),
            "mime": well_formed(file.mime),
            "content": file.content,
        }
        for number, file in enumerate(call.shown)
    ]
    if rows:
        await tx.execute(_ADD, rows)


_OF_RUN = (
    select(shown_files)
    .prefix_with(MUCH)
    .where(shown_files.c.run_id == bindparam("run_id"))
    .order_by(shown_files.c.call_id, shown_files.c.number)
)


async def of_run(connection: AsyncConnection, run_id: str) -> Mapping[str, Sequence[ShownFile]]:
    """What the calls of a run have made, by the call's id."""
    found: dict[str, list[ShownFile]] = {}
    for row in (await connection.execute(_OF_RUN, {"run_id": run_id})).mappings():
        file = ShownFile(row["id"], row["name"], row["mime"], row["content"])
        found.setdefault(row["call_id"], []).append(file)
    return found
