"""What was read of the files that came with messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import case, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import File, well_formed
from bot.store.schema import files, messages

MOST_DATA = 64 * 2**20
"""Bytes of images that are read for one run. A model call shows less; those of one message are always within it."""


async def add(tx: AsyncConnection, found: Mapping[str, Sequence[File]]) -> None:
    """Keep the files of some messages (by id), in their order."""
    rows = [
        {
            "message_id": message_id,
            "number": number,
            "name": well_formed(file.name),
            "mime": well_formed(file.mime),
            "size": file.size,
            "text": well_formed(file.text),
            "data": file.data,
            "note": well_formed(file.note),
        }
        for message_id, of_message in found.items()
        for number, file in enumerate(of_message)
    ]
    if rows:
        await tx.execute(insert(files), rows)


async def of_messages(connection: AsyncConnection, message_ids: Collection[str]) -> dict[str, list[File]]:
    """The files of some messages, by the message's id. Of images, the newest that have `MOST_DATA` bytes together."""
    newest_first = (files.c.message_id.desc(), files.c.number.desc())
    so_far = func.sum(func.length(files.c.data)).over(order_by=newest_first)
    data = case((so_far <= MOST_DATA, files.c.data), else_=literal(b"")).label("shown")
    kept = (files.c.message_id, files.c.number, files.c.name, files.c.mime, files.c.size, files.c.text, files.c.note)
    query = select(*kept, data).where(files.c.message_id.in_(sorted(message_ids)))
    found: dict[str, list[File]] = {}
    for row in (await connection.execute(query.order_by(files.c.message_id, files.c.number))).mappings():
        file = File(row["name"], row["mime"], row["size"], row["text"], row["shown"], row["note"])
        found.setdefault(row["message_id"], []).append(file)
    return found


async def notes(connection: AsyncConnection, run_id: str) -> Sequence[str]:
    """What the person should know of the files of a run's messages."""
    query = select(files.c.note).join(messages, messages.c.id == files.c.message_id)
    query = query.where(messages.c.answered_by == run_id, files.c.note != "").order_by(messages.c.seq, files.c.number)
    return list((await connection.execute(query)).scalars())


async def drop(tx: AsyncConnection, message_id: str) -> None:
    await tx.execute(delete(files).where(files.c.message_id == message_id))
