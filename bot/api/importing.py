"""Brings in what was exported from the API, and tells what came of it.

All of a file is checked before anything of it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api.exported import ASSISTANT, MESSAGE, THREAD, NotImportable
from bot.api.parcel import Parcel
from bot.assistants.types import JSON, Message, Thread
from bot.figures import counted
from bot.store import importing as stored
from bot.store.database import Database
from bot.store.importing import OPERATOR, Owners
from bot.tenants import Tenant
from bot.view import printable

NOUNS = {ASSISTANT: "assistant", THREAD: "thread", MESSAGE: "message"}
NAMED = 5
"""Ids that are named of those that are left out."""


@dataclass(slots=True)
class Outcome:
    """How many objects of a kind are new, and how many were there; and what was left out."""

    new: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    strays: Counter[str] = field(default_factory=Counter)
    """Messages of threads that are neither in the file nor in the store, by the thread."""
    others: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    """Files and vector stores that tools were to work on, and that the tenant does not have."""

    def count(self, kind: str, new: int, of: int) -> None:
        self.new[kind] += new
        self.there[kind] += of - new

    def told(self) -> Iterator[str]:
        """In lines."""
        yield f"Imported: {_listed(self.new)}."
        if self.there.total():
            yield f"Left as they are here already: {_listed(self.there)}."
        if self.strays:
            named = ", ".join(list(self.strays)[:NAMED]) + (", …" if len(self.strays) > NAMED else "")
            yield (
                f"Left out: {counted(self.strays.total(), 'message')} of threads that are neither in the file nor "
                f"here ({named})."
            )
        if self.others:
            kinds = ", ".join(f"{printable(kind)} ({number:,})" for kind, number in self.others.most_common())
            yield f"Left out, since only assistants, threads and messages are imported: {kinds}."
        if self.unknown:
            yield (
                f"Left out of the tools of assistants and threads: {counted(len(self.unknown), 'file')} and vector "
                "stores that are not here. Bring them again, and name them."
            )


async def bring(database: Database, tenant: Tenant, parcel: Parcel) -> Outcome:
    """Keep what is new of a parcel; one transaction for the assistants, and one a thread.

    Raises `NotImportable`, before anything is kept, where an id is another tenant's, and `StoreError`.
    """
    known = await database.read(lambda c: _known(c, parcel))
    known.must_be_open_to(tenant, parcel)
    outcome = Outcome(others=parcel.others, there=Counter(parcel.doubled))
    resources = _Reach(database, tenant, outcome.unknown)
    assistants = [
        replace(one, tool_resources=await resources.of(one.tool_resources)) for one in parcel.assistants.values()
    ]
    new = await database.write(lambda tx: stored.add_assistants(tx, tenant, assistants))
    outcome.count(ASSISTANT, new, len(assistants))
    seen = {*parcel.assistants, *known.assistants_of(tenant)}
    said_in = parcel.said_in()
    for thread_id in {**parcel.threads, **said_in}:
        thread, said = parcel.threads.get(thread_id), said_in.get(thread_id, ())
        if thread is None and thread_id not in known.threads:
            outcome.strays[thread_id] = len(said)
            continue
        if thread is not None:
            thread = replace(thread, tool_resources=await resources.of(thread.tool_resources))
        said = [one if one.assistant_id in seen else replace(one, assistant_id=None) for one in said]
        is_new, messages = await database.write(partial(_add_thread, tenant, thread_id, thread, said))
        outcome.count(THREAD, is_new, thread is not None)
        outcome.count(MESSAGE, messages, len(said))
    return outcome


async def _add_thread(
    tenant: Tenant, thread_id: str, thread: Thread | None, said: Sequence[Message], tx: AsyncConnection
) -> tuple[bool, int]:
    return await stored.add_thread(tx, tenant, thread_id, thread, said)


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose the objects are that a parcel names, as far as they are there."""

    assistants: Owners
    threads: Owners
    messages: Owners

    def assistants_of(self, tenant: Tenant) -> Sequence[str]:
        return [id_ for id_, owner in self.assistants.items() if owner in (tenant, OPERATOR)]

    def must_be_open_to(self, tenant: Tenant, parcel: Parcel) -> None:
        """Raises `NotImportable`."""
        named = [
            *((id_, self.assistants.get(id_)) for id_ in parcel.assistants),
            *((id_, self.threads.get(id_)) for id_ in parcel.threads),
            *((id_, self.messages.get(id_)) for id_ in parcel.messages),
            *((id_, self.threads.get(message.thread_id)) for id_, message in parcel.messages.items()),
        ]
        for id_, owner in named:
            if owner not in (None, tenant) and not (owner == OPERATOR and id_ in parcel.assistants):
                raise NotImportable(parcel.places[id_], f"{id_}, or its thread, belongs to another tenant.")


async def _known(connection: AsyncConnection, parcel: Parcel) -> _Known:
    by = {message.assistant_id for message in parcel.messages.values() if message.assistant_id}
    where = {message.thread_id for message in parcel.messages.values()}
    return _Known(
        await stored.owners_of_assistants(connection, {*parcel.assistants, *by}),
        await stored.owners_of_threads(connection, {*parcel.threads, *where}),
        await stored.owners_of_messages(connection, parcel.messages.keys()),
    )


@dataclass(frozen=True, slots=True)
class _Reach:
    """What tools may work on: what the tenant has of the files and vector stores that are named."""

    database: Database
    tenant: Tenant
    unknown: set[str]

    async def of(self, given: JSON | None) -> JSON | None:
        if given is None:
            return None
        kept = await self.database.read(lambda c: stored.resources(c, self.tenant, given))
        self.unknown.update(_ids(given) - _ids(kept or {}))
        return kept


def _ids(resources: JSON) -> set[str]:
    return {id_ for of in resources.values() for ids in of.values() for id_ in ids or ()}


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(counted(kinds[kind], noun) for kind, noun in NOUNS.items() if kinds[kind]) or "nothing"
