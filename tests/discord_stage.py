"""One question on the simulated Discord, asked in any way, and `Answers` which a restart makes anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.answers import Answers
from adapters.discord.board import Board
from adapters.discord.calls import Calls, DiscordError
from adapters.discord.commands import COMMANDS
from adapters.discord.hearing import DIRECT, Me
from adapters.discord.limits import unlimited
from adapters.pace import Pace
from bot.ports import Conversation, Placed
from bot.view import View
from tests.hasty_clock import HastyClock
from tests.simulators.discord import Channel, Guild, Interaction, Message, Person, World
from tests.simulators.discord import discord as simulated

WAYS = ("mention", "follow-up", "direct message", "reply", "command", "private command")


@dataclass
class Slip:
    """A `bot.ports.Reply` that keeps what is recorded."""

    conversation: Conversation
    route: Mapping[str, Any]
    run_id: str = "run_1"
    recorded: Placed = field(default_factory=lambda: Placed(undecided=True))

    @property
    def routes(self) -> Sequence[Mapping[str, Any]]:
        return [self.route]

    async def record(self, placed: Placed) -> None:
        self.recorded = Placed(json.loads(json.dumps(placed.state)), undecided=True)


@dataclass
class Stage:
    world: World
    clock: HastyClock
    guild: Guild
    alice: Person
    general: Channel
    calls: Calls
    slip: Slip
    places: Sequence[Channel] = ()
    """Where Parley's messages may be, beside the thread of the question."""
    question: Message | None = None
    command: Interaction | None = None
    answers: Answers = field(init=False)
    placed: Placed = field(default_factory=Placed)

    def __post_init__(self) -> None:
        self.restart()
        self.placed = Placed()

    @property
    def shown(self) -> list[Message]:
        """Parley's messages in answer that are there, oldest first, also one that says it is thinking."""
        thread = [self.question.thread] if self.question and self.question.thread else []
        found = [one for place in (*thread, *self.places) for one in place.messages if one.author is self.world.me]
        private = [one for one in self.command.responses if one.ephemeral] if self.command else []
        return [one for one in (*private, *found) if not one.deleted]

    @property
    def is_noticed(self) -> bool:
        """What was deleted so far has been noticed: what is whole and was deleted is missed by nobody."""
        return len(self.shown) == len(Board.read(self.placed.state).segments)

    def restart(self) -> None:
        """A new process knows what was recorded, and no more."""
        me = Me(self.world.app_id, self.world.me.id)
        self.answers = Answers(self.calls, me, self.clock, Acknowledging(self.calls, me.application))
        self.placed = self.slip.recorded

    async def show(self, view: View) -> None:
        """As `bot.delivery` does: what failed is done again after a look."""
        for _ in range(12):
            try:
                self.placed = await self.answers.render(self.slip, view, self.placed)
            except DiscordError as error:
                if error.permanent:
                    raise
                self.placed = Placed(self.placed.state, undecided=True)
            else:
                return
        raise AssertionError(f"not shown\n{self.world.dump()}")

    async def killed_in(self, route: str, view: View, *, after: bool) -> None:
        """The process is killed in such a call, where showing the view takes one, and begins anew."""
        gate = self.world.holds(route, after=after)
        showing, there = asyncio.create_task(self.show(view)), asyncio.create_task(gate.reached())
        await asyncio.wait({showing, there}, return_when=asyncio.FIRST_COMPLETED)
        for task in (showing, there):
            task.cancel()
        await asyncio.gather(showing, there, return_exceptions=True)
        gate.release()
        self.restart()


@asynccontextmanager
async def stage(way: str) -> AsyncIterator[Stage]:
    clock = HastyClock()
    async with simulated(now=clock.now, limits=False) as world:
        guild = world.guild("Acme")
        alice, general, calls = guild.person("Alice"), guild.channel("general"), Calls(Pace(clock, unlimited), clock)
        await calls.login(world.token, world.api_url)
        made = Stage(world, clock, guild, alice, general, calls, Slip(Conversation("discord", "", "", ""), {}))
        await (_by_command(made, way) if "command" in way else _by_message(made, way))
        yield made
        await calls.close()


async def _by_message(made: Stage, way: str) -> None:
    server, channel = made.guild.id, made.general
    match way:
        case "direct message":
            channel = made.world.dm(made.alice)
        case "follow-up":
            channel = await made.alice.opens_thread("rain", made.general)
        case "reply":
            before = made.world.somebody("Parley's own earlier self")
            answer = await before.says("Hello.", made.world.dm(before))
    asked = await made.alice.says("rain?", channel)
    route: dict[str, Any] = {"at": channel.id, "message": asked.id, "user": made.alice.id}
    where = Conversation("discord", server, channel.id, asked.id)
    match way:
        case "mention":
            route |= {"open": True, "said": "rain?"}
        case "direct message":
            where = Conversation("discord", DIRECT, channel.id, "")
        case "follow-up":
            where = Conversation("discord", server, made.general.id, channel.id)
        case "reply":
            route["reply"] = answer.id
    made.slip, made.question, made.places = Slip(where, route), asked, [channel]


async def _by_command(made: Stage, way: str) -> None:
    made.world.commands.overwrite("", [dict(command) for command in COMMANDS])
    private = way.startswith("private")
    used = await made.alice.uses("/ask", made.general, waits=False, prompt="rain?", private=private)
    acknowledging = Acknowledging(made.calls, made.world.app_id)
    await acknowledging.defer(used.id, used.token, private=private)
    assert used.thinking
    route: dict[str, Any] = {"at": made.general.id, "command": used.id, "user": made.alice.id, "secret": used.token}
    where = Conversation("discord", made.guild.id, made.general.id, f"ask-{used.id}")
    made.slip = Slip(where, {**route, "private": True} if private else route)
    made.command, made.places = used, [made.general, made.world.dm(made.alice)]
