"""What is stored of a conversation or of a person, read out to be handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, and_, case, cast, func, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import File, Message, Run, RunStep
from bot.store import runs as stored_runs
from bot.store import steps as stored_steps
from bot.store import threads
from bot.store.database import MUCH, parts
from bot.store.schema import audit, documents, feedback, files, messages, passages, runs, spending, tool_calls

MOST_MESSAGES, MOST_TEXT = 5_000, 6 * 2**20
"""The newest messages that are handed over, and the bytes of text that go with them: Discord takes files of 10 MiB, see
https://docs.discord.com/developers/reference#uploading-files"""


@dataclass(frozen=True, slots=True)
class Searched:
    """A file of a message as search has it: its passages by place and text, or None where they are too long."""

    name: str
    mime: str
    size: int
    passages: Sequence[tuple[str, str]] | None


@dataclass(frozen=True, slots=True)
class Export:
    messages: Sequence[Message] = ()
    """Oldest first."""
    answered_by: Mapping[str, str] = field(default_factory=dict)
    """By a message's id, the run that answers it."""
    searched: Mapping[str, Sequence[Searched]] = field(default_factory=dict)
    """By a message's id, its files that can be searched."""
    runs: Sequence[Run] = ()
    """Oldest first."""
    steps: Sequence[RunStep] = ()
    feedback: Sequence[Mapping[str, Any]] = ()
    usage: Sequence[Mapping[str, Any]] = ()
    record: Sequence[Mapping[str, Any]] = ()
    """What the person changed, or was refused."""
    cut: bool = False
    """There is more than is handed over."""


async def conversation(connection: AsyncConnection, thread_id: str) -> Export:
    """All that is stored of a thread."""
    found = await _export(connection, messages.c.thread_id == thread_id)
    judged: list[Mapping[str, Any]] = []
    for some in parts([run.id for run in found.runs]):
        judged += await _rows(connection, select(feedback).where(feedback.c.run_id.in_(some)))
    return replace(found, feedback=sorted(judged, key=lambda row: float(row["at"])))


async def person(connection: AsyncConnection, platform: str, person_id: str) -> Export:
    """A person's own messages on a platform and the answers to them; nothing that other people said."""
    asked = messages.alias("asked")
    there = asked.c.key.startswith(f"{platform}:", autoescape=True)
    said = select(asked.c.seq).where(asked.c.thread_id == messages.c.thread_id, there).exists()
    answered = select(asked.c.answered_by).where(asked.c.author_id == person_id, there)
    found = await _export(
        connection, or_(and_(messages.c.author_id == person_id, said), messages.c.run_id.in_(answered))
    )
    judged = select(feedback).join(runs, runs.c.id == feedback.c.run_id)
    judged = judged.where(feedback.c.author_id == person_id, runs.c.platform == platform).order_by(feedback.c.at)
    used = select(spending).where(spending.c.platform == platform, spending.c.person == person_id)
    changed = select(audit).where(audit.c.platform == platform, audit.c.actor_id == person_id).order_by(audit.c.seq)
    return replace(
        found,
        feedback=await _rows(connection, judged),
        usage=await _rows(connection, used.order_by(spending.c.day)),
        record=await _rows(connection, changed),
    )


async def _export(connection: AsyncConnection, which: ColumnElement[bool]) -> Export:
    chosen, room, cut = await _newest(connection, which)
    rows: list[RowMapping] = []
    for some in parts(chosen):
        found = await connection.execute(select(messages).prefix_with(MUCH).where(messages.c.id.in_(some)))
        rows += found.mappings().all()
    rows.sort(key=lambda row: (row["position"] is None, row["position"] or 0, row["seq"]))
    attached = await _files(connection, [row["id"] for row in rows if row["attachments"]])
    read = [replace(threads.to_message(row), files=tuple(attached.get(row["id"], ()))) for row in rows]
    searched = await _searched(connection, [row["id"] for row in rows if row["attachments"]], room)
    answered_by = {row["id"]: row["answered_by"] for row in rows if row["answered_by"]}
    run_ids = sorted({*answered_by.values(), *(row["run_id"] for row in rows if row["run_id"])})
    ran: list[Run] = []
    steps: list[RunStep] = []
    for some in parts(run_ids):
        of_runs = await connection.execute(select(runs).prefix_with(MUCH).where(runs.c.id.in_(some)))
        ran += [stored_runs.to_run(row) for row in of_runs.mappings()]
        steps += await stored_steps.of_runs(connection, some)
    ran.sort(key=lambda run: (run.created_at, run.id))
    return Export(read, answered_by, searched, ran, steps, cut=cut)


async def _newest(connection: AsyncConnection, which: ColumnElement[bool]) -> tuple[Sequence[str], int, bool]:
    """The ids of the newest messages that are to be handed over, the bytes of text that are left for more, and whether
    there are more messages. What a person deleted is not among them."""
    of_files = select(func.coalesce(func.sum(_size(files.c.text)), 0)).where(files.c.message_id == messages.c.id)
    said = _size(tool_calls.c.arguments) + _size(func.coalesce(tool_calls.c.output, ""))
    of_calls = select(func.coalesce(func.sum(said), 0)).where(tool_calls.c.run_id == messages.c.run_id)
    size = _size(messages.c.text) + of_files.scalar_subquery() + of_calls.scalar_subquery()
    query = select(messages.c.id, size).prefix_with(MUCH)
    query = query.where(which, threads.KEPT).order_by(messages.c.seq.desc()).limit(MOST_MESSAGES + 1)
    room, chosen = MOST_TEXT, list[str]()
    for message_id, size in (await connection.execute(query)).all():
        room -= size
        if len(chosen) == MOST_MESSAGES or (room < 0 and chosen):
            return chosen, 0, True
        chosen.append(message_id)
    return chosen, room, False


async def _files(connection: AsyncConnection, message_ids: Sequence[str]) -> dict[str, list[File]]:
    """The files of messages without the bytes of images."""
    note = case((func.length(files.c.data) == 0, files.c.note), else_="")  # see `bot.store.files.of_messages`
    found: dict[str, list[File]] = {}
    for some in parts(message_ids):
        query = select(files.c.message_id, files.c.name, files.c.mime, files.c.size, files.c.text, note)
        query = query.where(files.c.message_id.in_(some)).order_by(files.c.message_id, files.c.number)
        for message_id, name, mime, size, text, told in (await connection.execute(query.prefix_with(MUCH))).all():
            found.setdefault(message_id, []).append(File(name, mime, size, text, note=told))
    return found


async def _searched(connection: AsyncConnection, message_ids: Sequence[str], room: int) -> dict[str, list[Searched]]:
    """The files of messages that can be searched, with the passages of those that fit into so many bytes."""
    found: dict[str, list[Searched]] = {}
    size = select(func.coalesce(func.sum(_size(passages.c.text) + _size(passages.c.place)), 0))
    told = (documents.c.message_id, documents.c.id, documents.c.name, documents.c.mime, documents.c.size)
    query = select(*told, size.where(passages.c.document_id == documents.c.id).scalar_subquery()).prefix_with(MUCH)
    pieces = select(passages.c.place, passages.c.text).prefix_with(MUCH).order_by(passages.c.number)
    for some in parts(message_ids):
        ready = query.where(documents.c.message_id.in_(some), documents.c.status == "ready").order_by(documents.c.id)
        for message_id, id_, name, mime, bytes_, length in (await connection.execute(ready)).all():
            held: Sequence[tuple[str, str]] | None = None
            if length <= room:
                room -= length
                rows = await connection.execute(pieces.where(passages.c.document_id == id_))
                held = [(place, text) for place, text in rows]
            found.setdefault(message_id, []).append(Searched(name, mime, bytes_, held))
    return found


async def _rows(connection: AsyncConnection, query: Select[Any]) -> list[Mapping[str, Any]]:
    return [dict(row) for row in (await connection.execute(query.prefix_with(MUCH))).mappings()]


def _size(column: ColumnElement[str]) -> ColumnElement[int]:
    return func.length(cast(column, LargeBinary))
