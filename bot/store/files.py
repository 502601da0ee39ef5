"""What was read of the files that came with messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, bindparam, case, delete, func, insert, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import File, well_formed
from bot.models.images import most_shown
from bot.store.database import MUCH
from bot.store.schema import files, messages


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
            "url": file.url,
        }
        for message_id, of_message in found.items()
        for number, file in enumerate(of_message)
    ]
    if rows:
        await tx.execute(insert(files).prefix_with(MUCH), rows)


# What stands behind the data in its row is found by walking through all of it: an image has no note to look for.
_NOTE = case((func.length(files.c.data) == 0, files.c.note), else_="").label("note")
_KEPT = (files.c.message_id, files.c.number, files.c.name, files.c.mime, files.c.size, files.c.text, _NOTE, files.c.url)
_OF_MESSAGES = (
    select(*_KEPT, func.length(files.c.data).label("bytes"))
    .prefix_with(MUCH)
    .where(files.c.message_id.in_(bindparam("message_ids", expanding=True)))
)


async def of_messages(connection: AsyncConnection, message_ids: Sequence[str]) -> dict[str, list[File]]:
    """The files of some messages (oldest first), by the message's id.

    Images have their data as far as one request could show them, the newest first; older ones come without.
    """
    order = {message_id: at for at, message_id in enumerate(message_ids)}
    rows = (await connection.execute(_OF_MESSAGES, {"message_ids": sorted(message_ids)})).mappings().all()
    rows = sorted(rows, key=lambda row: (order[row["message_id"]], row["number"]))
    data = await _data(connection, rows)
    found: dict[str, list[File]] = {}
    for row in rows:
        image = data.get((row["message_id"], row["number"]), b"")
        file = File(row["name"], row["mime"], row["size"], row["text"], image, row["note"], row["url"])
        found.setdefault(row["message_id"], []).append(file)
    return found


async def _data(connection: AsyncConnection, rows: Sequence[RowMapping]) -> dict[tuple[str, int], bytes]:
    """The images among these files (oldest first) that a request could show, by message and number."""
    newest_first = [row for row in reversed(rows) if row["bytes"]]
    shown = newest_first[: most_shown(row["bytes"] for row in newest_first)]
    if not shown:
        return {}
    these = [and_(files.c.message_id == row["message_id"], files.c.number == row["number"]) for row in shown]
    query = select(files.c.message_id, files.c.number, files.c.data).prefix_with(MUCH).where(or_(*these))
    return {(message_id, number): data for message_id, number, data in await connection.execute(query)}


_NOTES = (
    select(files.c.note)
    .prefix_with(MUCH)
    .join(messages, messages.c.id == files.c.message_id)
    .where(messages.c.answered_by == bindparam("run_id"), files.c.note != "")
    .order_by(messages.c.seq, files.c.number)
)


async def notes(connection: AsyncConnection, run_id: str) -> Sequence[str]:
    """What the person should know of the files of a run's messages."""
    return list((await connection.execute(_NOTES, {"run_id": run_id})).scalars())


async def drop(tx: AsyncConnection, message_id: str) -> None:
    await tx.execute(delete(files).prefix_with(MUCH).where(files.c.message_id == message_id))
