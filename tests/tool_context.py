"""A tool context for tests, and a bench on which the real tools run against a fake Open-Meteo."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.simulators.open_meteo import OpenMeteo, open_meteo
from tools.registry import Registry, ToolResult, load
from tools.sandbox import Sandbox
from tools.searching import Search

NOON = 1_781_524_800.0
"""2026-06-15 12:00:00 UTC, a Monday."""


@dataclass(frozen=True, slots=True)
class FakeContext:
    http: httpx2.AsyncClient
    settings: Mapping[str, str] = field(default_factory=dict)
    call_id: str = "call_1"
    moment: float = NOON
    run_id: str = "run_1"
    sandbox: Sandbox = field(default_factory=Sandbox)
    search: Search | None = None
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    """What was shown to the person: name, MIME type and content."""

    def setting(self, name: str, default: str) -> str:
        return self.settings.get(name) or default

    def now(self) -> float:
        return self.moment

    async def show(self, name: str, mime: str, content: bytes, /) -> None:
        self.files.append((name, mime, content))


@dataclass(frozen=True, slots=True)
class Bench:
    """All tools of the product, a real HTTP client and a fake Open-Meteo."""

    fake: OpenMeteo
    context: FakeContext
    registry: Registry

    async def run(self, name: str, **arguments: object) -> ToolResult:
        return await self.registry.execute(name, json.dumps(arguments), self.context, enabled=self.registry)

    async def ask(self, name: str, **arguments: object) -> Any:
        """The tool's output as JSON. Fails where the call failed."""
        result = await self.run(name, **arguments)
        assert not result.failed, result.output
        return json.loads(result.output)

    async def error(self, name: str, **arguments: object) -> str:
        """The sentence of a call that failed."""
        result = await self.run(name, **arguments)
        assert result.failed, result.output
        sentence: str = json.loads(result.output)["error"]
        return sentence


@asynccontextmanager
async def open_bench(*, timeout: float = 5.0) -> AsyncIterator[Bench]:
    """`timeout` is the HTTP client's, in seconds."""
    async with open_meteo(now=lambda: NOON) as fake, httpx2.AsyncClient(timeout=timeout, trust_env=False) as http:
        settings = {"OPEN_METEO_URL": fake.url, "OPEN_METEO_GEOCODING_URL": fake.url}
        context = FakeContext(http, settings)
        try:
            yield Bench(fake, context, load())
        finally:
            await context.sandbox.close()
