"""What programs see of threads, messages, runs and assistants: those of their tenant, and nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import JSON, Assistant, Message, Run, RunStep, Thread
from bot.errors import NotFound
from bot.store import steps
from bot.store.assistants import DEFAULT, THE_OPERATORS, described, to_assistant
from bot.store.paging import Listing, Page
from bot.store.runs import to_run
from bot.store.schema import (
    WAITING,
    assistants,
    bindings,
    documents,
    messages,
    passages,
    run_steps,
    runs,
    shown_files,
    threads,
    vector_store_files,
)
from bot.store.threads import KEPT, ThreadLine, newest_first, to_message
from bot.tenants import PROGRAMS, Tenant

# -- threads ----------------------------------------------------------------------------------------------------------


async def add_thread(tx: AsyncConnection, tenant: Tenant, thread: Thread) -> None:
    await tx.execute(
        insert(threads).values(
            id=thread.id,
            created_at=thread.created_at,
            metadata=dict(thread.metadata),
            tool_resources=thread.tool_resources,
            platform=tenant.platform,
            workspace=tenant.workspace,
        )
    )


async def thread(connection: AsyncConnection, tenant: Tenant, thread_id: str) -> Thread:
    """Raises `NotFound`."""
    its = (threads.c.platform == tenant.platform, threads.c.workspace == tenant.workspace)
    row = (await connection.execute(select(threads).where(threads.c.id == thread_id, *its))).mappings().one_or_none()
    if row is None:
        raise NotFound("thread", thread_id)
    return Thread(row["id"], row["created_at"], row["metadata"], row["tool_resources"])


async def change_thread(tx: AsyncConnection, changed: Thread) -> None:
    values = {"metadata": dict(changed.metadata), "tool_resources": changed.tool_resources}
    await tx.execute(update(threads).where(threads.c.id == changed.id).values(**values))


def _free(tenant: Tenant) -> tuple[ColumnElement[bool], ...]:
    """A tenant's threads in which programs said something, and that are no conversation of people's."""
    its = (threads.c.platform == tenant.platform, threads.c.workspace == tenant.workspace)
    bound = select(bindings.c.thread_id).where(bindings.c.thread_id == threads.c.id).exists()
    brought = select(messages.c.seq).where(messages.c.thread_id == threads.c.id, messages.c.key.is_not(None)).exists()
    shown = select(runs.c.id).where(runs.c.thread_id == threads.c.id, runs.c.platform != PROGRAMS).exists()
    said = select(messages.c.seq).where(messages.c.thread_id == threads.c.id, KEPT).exists()
    return *its, said, ~bound, ~brought, ~shown


async def free_threads(connection: AsyncConnection, tenant: Tenant, limit: int) -> Sequence[ThreadLine]:
    """The newest of them, the newest first."""
    return await newest_first(connection, limit, None, *_free(tenant))


async def is_free(connection: AsyncConnection, tenant: Tenant, thread_id: str) -> bool:
    found = await connection.execute(select(threads.c.id).where(threads.c.id == thread_id, *_free(tenant)))
    return found.first() is not None


# -- messages ---------------------------------------------------------------------------------------------------------

_MESSAGES = Listing("message", messages.c.id, (messages.c.created_at, messages.c.seq))


def _messages(thread_id: str) -> Select[Any]:
    return select(messages).where(messages.c.thread_id == thread_id, KEPT)


async def list_messages(
    connection: AsyncConnection, thread_id: str, page: Page, run_id: str | None = None
) -> tuple[Sequence[Message], bool]:
    """Those of a thread, or what one run said there. Raises `NotFound` for what the page begins at."""
    query = _messages(thread_id)
    if run_id is not None:
        query = query.where(messages.c.run_id == run_id)
    rows, more = await _MESSAGES.page(connection, query, page)
    return [to_message(row) for row in rows], more


async def message(connection: AsyncConnection, thread_id: str, message_id: str) -> Message:
    """Raises `NotFound`."""
    query = _messages(thread_id).where(messages.c.id == message_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("message", message_id)
    return to_message(row)


async def describe_message(tx: AsyncConnection, message_id: str, metadata: JSON) -> None:
    await tx.execute(update(messages).where(messages.c.id == message_id).values(metadata=dict(metadata)))


async def withdraw_message(tx: AsyncConnection, message_id: str) -> None:
    """Nobody reads it any more; its row stays, since steps and runs refer to it."""
    gone = update(messages).where(messages.c.id == message_id)
    nothing: dict[str, Any] = {"text": "", "raw_text": None, "content": None, "attachments": [], "metadata": {}}
    await tx.execute(gone.values(position=None, waiting=False, **nothing))


async def waits(connection: AsyncConnection, thread_id: str) -> bool:
    """Somebody's message waits in the thread for its run."""
    query = select(messages.c.id).where(messages.c.thread_id == thread_id, WAITING).limit(1)
    return (await connection.execute(query)).first() is not None


# -- runs and their steps ---------------------------------------------------------------------------------------------

_RUNS = Listing("run", runs.c.id, (runs.c.created_at, runs.c.id))
_STEPS = Listing("run step", run_steps.c.id, (run_steps.c.created_at, run_steps.c.seq))


async def list_runs(connection: AsyncConnection, thread_id: str, page: Page) -> tuple[Sequence[Run], bool]:
    """Raises `NotFound` for what the page begins at."""
    rows, more = await _RUNS.page(connection, select(runs).where(runs.c.thread_id == thread_id), page)
    return [to_run(row) for row in rows], more


async def run(connection: AsyncConnection, thread_id: str, run_id: str) -> Run:
    """Raises `NotFound`."""
    query = select(runs).where(runs.c.id == run_id, runs.c.thread_id == thread_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return to_run(row)


async def describe_run(tx: AsyncConnection, run_id: str, metadata: JSON) -> None:
    await tx.execute(update(runs).where(runs.c.id == run_id).values(metadata=dict(metadata)))


async def list_steps(connection: AsyncConnection, run_id: str, page: Page) -> tuple[Sequence[RunStep], bool]:
    """Raises `NotFound` for what the page begins at."""
    query = select(run_steps.c.id, run_steps.c.created_at, run_steps.c.seq).where(run_steps.c.run_id == run_id)
    rows, more = await _STEPS.page(connection, query, page)
    whole = {step.id: step for step in await steps.of_runs(connection, [run_id])} if rows else {}
    return [whole[row["id"]] for row in rows], more


# -- assistants -------------------------------------------------------------------------------------------------------

_ASSISTANTS = Listing("assistant", assistants.c.id, (assistants.c.created_at, assistants.c.id))


def _own(tenant: Tenant) -> ColumnElement[bool]:
    its = (assistants.c.platform == tenant.platform, assistants.c.workspace == tenant.workspace)
    return and_(*its, assistants.c.name.is_not(None))


async def add_assistant(tx: AsyncConnection, tenant: Tenant, made: Assistant) -> None:
    whose = {"platform": tenant.platform, "workspace": tenant.workspace}
    await tx.execute(insert(assistants).values(id=made.id, created_at=made.created_at, **whose, **described(made)))


async def list_assistants(connection: AsyncConnection, tenant: Tenant, page: Page) -> tuple[Sequence[Assistant], bool]:
    """Raises `NotFound` for what the page begins at."""
    rows, more = await _ASSISTANTS.page(connection, select(assistants).where(_own(tenant)), page)
    return [to_assistant(row) for row in rows], more


async def assistant(connection: AsyncConnection, tenant: Tenant, assistant_id: str, *, own: bool = False) -> Assistant:
    """One of the tenant's, or unless it is to be its `own` the operator's default. Raises `NotFound`."""
    seen = _own(tenant) if own else or_(_own(tenant), and_(THE_OPERATORS, assistants.c.name == DEFAULT))
    row: RowMapping | None = (
        (await connection.execute(select(assistants).where(assistants.c.id == assistant_id, seen)))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound("assistant", assistant_id)
    return to_assistant(row)


# -- sources and files of answers -------------------------------------------------------------------------------------


async def sources(connection: AsyncConnection, tenant: Tenant, numbers: Sequence[int]) -> dict[int, str]:
    """The ids of the files of some passages, by the passages' numbers; those that a program uploaded by its own."""
    its = (documents.c.platform == tenant.platform, documents.c.workspace == tenant.workspace)
    query = (
        select(passages.c.seq, func.coalesce(vector_store_files.c.file_id, documents.c.id))
        .join(documents, documents.c.id == passages.c.document_id)
        .outerjoin(vector_store_files, vector_store_files.c.document_id == documents.c.id)
        .where(passages.c.seq.in_(sorted(set(numbers))), *its)
    )
    return {int(number): str(file_id) for number, file_id in await connection.execute(query)}


async def made(connection: AsyncConnection, run_ids: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """The ids of the files that tools made in some runs, by the run and the call."""
    query = select(shown_files.c.run_id, shown_files.c.call_id, shown_files.c.id)
    query = query.where(shown_files.c.run_id.in_(sorted(set(run_ids)))).order_by(
        shown_files.c.call_id, shown_files.c.number
    )
    found: dict[tuple[str, str], list[str]] = {}
    for run_id, call_id, file_id in await connection.execute(query):
        found.setdefault((run_id, call_id), []).append(file_id)
    return found


async def last_messages(connection: AsyncConnection, run_ids: Sequence[str]) -> dict[str, str]:
    """The newest message of each of some runs, by the run."""
    query = select(messages.c.run_id, messages.c.id).where(messages.c.run_id.in_(sorted(set(run_ids))), KEPT)
    return {str(run_id): str(id_) for run_id, id_ in await connection.execute(query.order_by(messages.c.seq))}
