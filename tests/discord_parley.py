"""The whole of Parley on Discord: the real adapter with the real library, on the simulator, with a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.discord import DiscordAdapter, DiscordSettings
from bot.app import Core, running
from bot.clock import Clock, SystemClock
from bot.models.port import Model, UserText
from tests.hand_clock import HandClock
from tests.parley import forecast, settings_for, tide
from tests.scripted_model import Gate, ScriptedModel
from tests.simulators.discord import Channel, File, Guild, Message, Person, World, discord
from tools.registry import Registry


@dataclass(slots=True)
class DiscordParley:
    core: Core
    adapter: DiscordAdapter
    world: World

    async def quiet(self) -> None:
        await self.core.quiet()


@asynccontextmanager
async def discord_parley(
    path: Path,
    model: Model | ScriptedModel,
    world: World,
    *,
    clock: Clock | None = None,
    registry: Registry | None = None,
    follow_threads: bool = True,
    servers: Iterable[str] = (),
    **changes: Any,
) -> AsyncIterator[DiscordParley]:
    """Connected to the world, with its commands synchronised and what was missed read."""
    used = clock or SystemClock()
    settings = DiscordSettings(
        token=world.token, servers=list(servers), api_url=world.api_url, follow_threads=follow_threads
    )
    adapter = DiscordAdapter(settings, used)
    tools = registry or Registry([forecast, tide])
    async with running(settings_for(path, **changes), [adapter], model=model, registry=tools, clock=used) as core:
        await world.connected()
        await world.until(lambda: world.commands.everywhere)
        yield DiscordParley(core, adapter, world)


@dataclass(slots=True)
class Talk:
    """Alice and Bob in #general of a server that Parley is in, and a model that says what the test wrote down."""

    world: World
    model: ScriptedModel
    clock: HandClock | None
    path: Path
    guild: Guild
    alice: Person
    bob: Person
    general: Channel

    def parley(self, **changes: Any) -> AbstractAsyncContextManager[DiscordParley]:
        return discord_parley(self.path, self.model, self.world, clock=self.clock, **changes)

    async def asks(
        self,
        text: str = "rain?",
        *,
        who: Person | None = None,
        where: Channel | None = None,
        files: Iterable[File] = (),
        reply_to: Message | None = None,
    ) -> Message:
        """Somebody, Alice by default, mentions Parley."""
        text = f"{self.world.mention} {text}".strip()
        return await (who or self.alice).says(text, where or self.general, files=files, reply_to=reply_to)

    def ours(self, place: Channel | Message) -> list[Message]:
        """Parley's messages in a place, or in the thread of a question; oldest first."""
        if isinstance(place, Message):
            if place.thread is None:
                return []
            place = place.thread
        return [one for one in place.messages if one.author is self.world.me]

    async def shows(self, place: Channel | Message, *texts: str) -> list[Message]:
        """Wait until these are Parley's messages there, and no others."""
        await self.world.until(lambda: [one.text for one in self.ours(place)] == [*texts])
        return self.ours(place)

    async def held(self, gate: Gate) -> None:
        """Wait until the model has been asked, and waits."""
        async with asyncio.timeout(20):
            await gate.reached.wait()

    def spoken(self, number: int = -1) -> list[str]:
        """The people's messages in a request, as the model gets them: a line for the speaker, then the text."""
        return [item.spoken for item in self.model.requests[number].items if isinstance(item, UserText)]


@asynccontextmanager
async def talk_at(path: Path, *, clock: HandClock | None = None, **options: Any) -> AsyncIterator[Talk]:
    """`options` are those of the simulated Discord. The model must have been asked for all that it had to say."""
    model = ScriptedModel()
    if clock is not None:
        options["now"] = clock.now
    async with discord(**options) as world:
        guild = world.guild("Acme")
        alice, bob, general = guild.person("Alice"), guild.person("Bob"), guild.channel("general")
        yield Talk(world, model, clock, path, guild, alice, bob, general)
    model.assert_done()
