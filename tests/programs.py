"""Parley as programs meet it: over a loopback socket, by the real openai client, with a scripted model behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from bot.api.call import Desk
from bot.api.routes import routes
from bot.models.port import Model
from bot.tenants import DEFAULT, Tenant
from bot.web import serving
from tests.api_schemas import checked_client
from tests.parley import Parley, parley_at
from tests.scripted_model import ScriptedModel
from tools.registry import Registry

KEY = "key-of-default"


@dataclass(frozen=True, slots=True)
class KnownKeys:
    known: Mapping[str, Tenant]

    async def tenant(self, key: str) -> Tenant | None:
        return self.known.get(key)


@dataclass(slots=True)
class Programs:
    parley: Parley
    url: str
    clients: list[AsyncOpenAI] = field(default_factory=list)

    def client(self, key: str = KEY, **options: Any) -> AsyncOpenAI:
        made = checked_client(base_url=f"{self.url}/v1", api_key=key, **options)
        self.clients.append(made)
        return made


@asynccontextmanager
async def programs_at(
    path: Path,
    model: Model | ScriptedModel,
    *,
    registry: Registry | None = None,
    keys: Mapping[str, Tenant] | None = None,
    **changes: Any,
) -> AsyncIterator[Programs]:
    async with parley_at(path, model, registry=registry, api=True, **changes) as parley:
        core = parley.core
        desk = Desk(
            core.database, core.engine, core.handler, core.relay, core.library, core.clock, core.tools, core.indexing
        )
        known = KnownKeys({KEY: DEFAULT, **(keys or {})})
        async with serving(routes(desk, known), 0, health=dict, host="127.0.0.1") as port:
            made = Programs(parley, f"http://127.0.0.1:{port}")
            try:
                yield made
            finally:
                for client in made.clients:
                    await client.close()
