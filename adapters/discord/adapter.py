"""The Discord adapter: puts its parts together, and is what the core sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import discord
import structlog
from starlette.routing import BaseRoute

from adapters.asides import Asides
from adapters.discord import limits as discord_limits
from adapters.discord.acknowledging import Acknowledging
from adapters.discord.answers import Answers
from adapters.discord.calls import Calls
from adapters.discord.commands import synchronise
from adapters.discord.ears import Ears
from adapters.discord.files import Files
from adapters.discord.gateway import Gateway
from adapters.discord.greeting import Greeting
from adapters.discord.hearer import Hearer
from adapters.discord.hearing import PLATFORM, Me
from adapters.discord.interactions import Interactions
from adapters.discord.missed import Missed
from adapters.discord.names import Names
from adapters.discord.preparing import Preparing
from adapters.discord.telling import Telling
from adapters.pace import Clock, Limit, Pace
from bot.assistants.types import JSON
from bot.ports import InboundMessage, Intake, Placed, Prepared, Reply
from bot.view import View

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DiscordSettings:
    token: str = field(repr=False)
    servers: Sequence[str] = ()
    """Ids of servers to which commands are told at once, and to no others."""
    api_url: str = "https://discord.com/api/v10"
    follow_threads: bool = True


@dataclass(frozen=True, slots=True)
class _Parts:
    """What there is once Discord has said who Parley is."""

    answers: Answers
    preparing: Preparing
    files: Files
    telling: Telling
    gateway: Gateway


class DiscordAdapter:
    def __init__(
        self,
        settings: DiscordSettings,
        clock: Clock,
        *,
        limits: Callable[[str], Limit | None] = discord_limits.limit,
    ) -> None:
        """`limits` are those of Discord, unless something is measured."""
        self.platform = PLATFORM
        self.routes: Sequence[BaseRoute] = ()
        self._settings = settings
        self._clock = clock
        self._limits = limits
        self._calls: Calls | None = None
        self._parts: _Parts | None = None
        self._asides = Asides()
        self._up = asyncio.Event()

    async def start(self, intake: Intake) -> None:
        """Raises `DiscordError` where Discord refuses the token, or is not to be reached."""
        given, clock = self._settings, self._clock
        calls = self._calls = Calls(Pace(clock, self._limits), clock)
        await calls.login(given.token, given.api_url)
        me = Me(str(calls.client.application_id), str(calls.client.user.id) if calls.client.user else "")
        names, telling = Names(calls, clock), Telling(calls, clock)
        acknowledging = Acknowledging(calls, me.application)
        self._parts = _Parts(
            Answers(calls, me, clock, acknowledging),
            Preparing(calls, me, names),
            Files(calls, given.api_url),
            telling,
            Gateway(calls, given.token, clock),
        )
        self._up.set()
        ears = Ears(intake, me, names, telling, clock, follow_threads=given.follow_threads)
        interactions, greeting = Interactions(intake, names, acknowledging), Greeting(calls, me, intake)
        hearing = Hearer(ears, interactions, Missed(calls, intake, clock), names, greeting)
        hearing.first = lambda client: self._synchronise(calls, me, client)
        content = reads_content(calls.client)
        if not content:
            log.warning("the message content intent is off: in servers Parley hears mentions and commands only")
        self._parts.gateway.open(hearing, content=content)
        log.info("serving Discord", bot=str(calls.client.user))

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        return await (await self._started()).preparing.prepare(message, first=first)

    async def download(self, attachment: JSON, limit: int) -> bytes:
        return await (await self._started()).files.download(attachment, limit)

    async def ready(self, reply: Reply, placed: Placed) -> None:
        await (await self._started()).answers.ready(reply, placed)

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        return await (await self._started()).answers.render(reply, view, placed)

    async def stop_intake(self) -> None:
        """What is being taken in has a moment; what comes later is read at the next start."""
        if self._parts is not None:
            await self._parts.gateway.close()

    async def close(self) -> None:
        await self._asides.drop()
        if self._parts is not None:
            await self._parts.telling.close()
            await self._parts.files.close()
        if self._calls is not None:
            await self._calls.close()

    async def _started(self) -> _Parts:
        """What an earlier process left is taken up before Discord has said who Parley is."""
        await self._up.wait()
        assert self._parts is not None
        return self._parts

    def _synchronise(self, calls: Calls, me: Me, client: discord.Client) -> None:
        joined = [str(guild.id) for guild in client.guilds][:100]
        work = synchronise(calls, me.application, self._settings.servers, joined)
        self._asides.begin(work, "synchronise commands")


def reads_content(client: discord.Client) -> bool:
    """Whether the application was granted what people write.

    https://docs.discord.com/developers/resources/application#application-object-application-flags
    """
    flags = client.application_flags
    return flags.gateway_message_content or flags.gateway_message_content_limited
