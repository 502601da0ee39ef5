"""The whole of Parley on the room, with a scripted model and tools of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import Core, running
from bot.clock import Clock
from bot.models.port import Model
from bot.ownership import RENEWAL
from bot.settings import Settings
from tests.files import ready
from tests.hand_clock import HandClock
from tests.room import Room, RoomAdapter
from tests.scripted_model import ScriptedModel
from tools.registry import Registry, ToolError, tool


@tool
async def forecast(place: str) -> str:
    """The weather."""
    if place == "Nowhere":
        raise ToolError("There is no such place.")
    return f"Snow in {place}."


@tool
async def tide(place: str) -> str:
    """The tide."""
    return f"High in {place}."


def settings_for(path: Path, **changes: Any) -> Settings:
    return Settings.model_construct(**{"database_url": f"sqlite:///{ready(path)}", "model": "gpt-test", **changes})


@dataclass(slots=True)
class Parley:
    core: Core
    room: Room
    alice: RoomAdapter
    clock: HandClock

    async def quiet(self) -> None:
        await self.core.quiet()

    async def next_sweep(self) -> None:
        """Ten seconds go by, and what is due by then is done."""
        await self.clock.asleep()
        self.clock.advance(RENEWAL)
        await self.clock.asleep()
        await self.core.sweep.housekeeping.done()


@asynccontextmanager
async def parley_at(
    path: Path,
    model: Model | ScriptedModel,
    *,
    room: Room | None = None,
    clock: HandClock | None = None,
    registry: Registry | None = None,
    api: bool = False,
    **changes: Any,
) -> AsyncIterator[Parley]:
    room, hand = room or Room(), clock or HandClock()
    adapter = RoomAdapter(room)
    used: Clock = hand
    registry = registry or Registry([forecast, tide])
    settings = settings_for(path, **changes)
    async with running(settings, [adapter], api=api, model=model, registry=registry, clock=used) as core:
        yield Parley(core, room, adapter, hand)
