"""Some endpoints of the API on a real socket, with a key for each tenant, and clients of the openai SDK for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai

from bot.api.call import Desk
from bot.api.routes import routes
from bot.searching import Searching
from bot.store.database import Database
from bot.tenants import Tenant
from bot.web import serving
from tests.api_schemas import Checking, checked_client
from tests.hand_clock import HandClock
from tests.parley import Parley, parley_at
from tests.programs import KnownKeys
from tests.scripted_model import ScriptedModel

TENANTS = {"key-ours": Tenant("api", "ours"), "key-theirs": Tenant("api", "theirs"), "key-team": Tenant("slack", "T1")}
SMALL = 2_000_000
HOTELS = b"Hotels: up to 120 euro a night, breakfast is paid on top."
TRAINS = b"Trains are first class, also on the way to hotels."


@dataclass(slots=True)
class ApiRoom:
    parley: Parley
    desk: Desk
    url: str
    ours: openai.AsyncOpenAI
    theirs: openai.AsyncOpenAI
    team: openai.AsyncOpenAI
    http: httpx2.AsyncClient
    """With our key."""

    @property
    def database(self) -> Database:
        return self.desk.database

    @property
    def clock(self) -> HandClock:
        return self.parley.clock

    @property
    def searching(self) -> Searching:
        return Searching(self.desk.database, self.desk.library)


@asynccontextmanager
async def api_room(path: Path) -> AsyncIterator[ApiRoom]:
    async with AsyncExitStack() as stack:
        parley = await stack.enter_async_context(parley_at(path, ScriptedModel(), api=True))
        core = parley.core
        desk = Desk(
            core.database, core.engine, core.handler, core.relay, core.library, core.clock, core.tools, core.indexing
        )
        port = await stack.enter_async_context(
            serving(routes(desk, KnownKeys(TENANTS)), 0, health=dict, host="127.0.0.1")
        )
        url = f"http://127.0.0.1:{port}/v1"
        ours, theirs, team = (checked_client(api_key=key, base_url=url) for key in TENANTS)
        for client in (ours, theirs, team):
            stack.push_async_callback(client.close)
        headers = {"authorization": "Bearer key-ours"}
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, headers=headers, transport=Checking()))
        yield ApiRoom(parley, desk, url, ours, theirs, team, http)


async def brought(client: openai.AsyncOpenAI, name: str = "hotels.txt", text: bytes = HOTELS) -> str:
    """A file of a tenant's."""
    return (await client.files.create(file=(name, text), purpose="assistants")).id


async def store(room: ApiRoom, *file_ids: str, client: openai.AsyncOpenAI | None = None, **fields: Any) -> str:
    """A store in which all is read that can be."""
    made = await (client or room.ours).vector_stores.create(file_ids=file_ids, **fields)
    await room.desk.indexing.quiet()
    return made.id


async def found(client: openai.AsyncOpenAI, store_id: str, query: str = "hotels", **fields: Any) -> list[str]:
    """The ids of the files whose passages are found, the best first."""
    return [one.file_id for one in (await client.vector_stores.search(store_id, query=query, **fields)).data]
