"""A side of the benchmark in a Discord server: half of the questions by `/ask`, the others by a mention or, in a thread
that came of one, without.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf

from tests.benchmarks.buckets import Buckets
from tests.benchmarks.conversation import Script
from tests.benchmarks.measured import Round, Talk
from tests.benchmarks.side import CHANNELS, PATIENCE, PEOPLE, Child, child
from tests.simulators.discord import EDIT, ORIGINAL, TYPING, Call, Channel, Interaction, Message, World, discord

ASKS, FOLLOW_UPS = 2, 4
"""Each so manieth question is asked by the command, or goes on with an earlier conversation."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, by a message or a command."""

    number: int
    by: Message | Interaction

    @property
    def at(self) -> float:
        return self.by.created if isinstance(self.by, Message) else self.by.at

    @property
    def where(self) -> str:
        """What the calls about its answer have in their path: a thread, which has its question's id, or a token."""
        if isinstance(self.by, Interaction):
            return self.by.token
        return self.by.channel.id if self.by.channel.thread else self.by.id

    @property
    def answers(self) -> list[Message]:
        if isinstance(self.by, Interaction):
            return self.by.responses
        place = self.by.channel if self.by.channel.thread else self.by.thread
        if place is None:
            return [one for one in self.by.channel.messages if one.reply_to is self.by]
        ours = [one for one in place.messages if one.author is place.world.me]
        return [one for one in ours if int(one.id) > int(self.by.id)]

    @property
    def problem(self) -> str:
        """What is wrong with where it was answered."""
        if len(self.answers) != 1:
            return f"question {self.number} has {len(self.answers)} answers"
        if isinstance(self.by, Message) and not self.answers[0].channel.thread:
            return f"question {self.number} was answered in the channel, outside of a thread"
        return ""


@dataclass(slots=True)
class DiscordSide:
    child: Child
    world: World
    script: Script
    rounds: list[Round] = field(default_factory=list)
    threads: list[Channel] = field(default_factory=list)
    """Those in which a question was answered, and nobody asked a second one."""

    async def talk(self, conversations: int) -> Round:
        world, before = self.world, await self.child.told()
        calls, counts, events = len(world.calls), world.counts.copy(), self._events()
        asked = [await self._ask(at) for at in range(conversations)]
        missing = list(asked)

        def answered() -> bool:
            missing[:] = [one for one in missing if not self._is_whole(one)]
            return not missing

        with suppress(TimeoutError):  # what is missing then is found below
            await world.until(answered, PATIENCE)
        after = await self.child.told()
        self.threads += [one.by.thread for one in asked if isinstance(one.by, Message) and one.by.thread]
        acks = [one.by.acknowledged_after for one in asked if isinstance(one.by, Interaction)]
        return Round(
            talks=_talks(self.script, asked, world.calls[calls:]),
            acks=[ack for ack in acks if ack is not None],
            unacknowledged=acks.count(None),
            events=self._events() - events,
            calls=_short(world.counts - counts),
            used=after - before,
        )

    async def _ask(self, at: int) -> Asked:
        guild = self.world.guilds[0]
        people = [one for one in self.world.people.values() if one.name.startswith("Person")]
        person, channel = people[at % PEOPLE], guild.channels[at % CHANNELS]
        number, question = self.script.question()
        if at % ASKS:
            return Asked(number, await person.uses("/ask", channel, waits=False, prompt=question))
        if at % FOLLOW_UPS == 0 and self.threads:
            return Asked(number, await person.says(question, self.threads.pop(0)))
        return Asked(number, await person.says(f"{self.world.mention} {question}", channel))

    def _is_whole(self, one: Asked) -> bool:
        return self.script.answers.get(one.number) in [answer.text for answer in one.answers]

    def _events(self) -> int:
        """How many came so far."""
        return sum(session.sequence for session in self.world.gateway.sessions.values())


@asynccontextmanager
async def discord_side(
    module: str, script: Script, variables: Mapping[str, str], *, limits: bool = False
) -> AsyncIterator[DiscordSide]:
    """The app `module` in a server that counts calls where there are `limits`."""
    async with discord(limits=limits, validate=False) as world:
        if limits:
            world.limits = Buckets(world.now)
        guild = world.guild("Acme")
        for number in range(PEOPLE):
            guild.person(f"Person {number}")
        for number in range(CHANNELS):
            guild.channel(f"channel-{number}")
        discord_variables = {
            "DISCORD_API_URL": world.api_url,
            "DISCORD_GATEWAY_URL": world.gateway_url,
            "DISCORD_TOKEN": world.token,
            "LIMITS": "on" if limits else "off",
        }
        async with child(module, {**variables, **discord_variables}) as process:
            await world.connected()
            await world.until(lambda: world.commands.everywhere)
            yield DiscordSide(process, world, script)


def _talks(script: Script, asked: Sequence[Asked], calls: Iterable[Call]) -> list[Talk]:
    """Read back what people saw, by the place of the answer."""
    seen: dict[str, float] = {}
    over: dict[str, float] = {}
    edits: Counter[str] = Counter()
    for call in calls:
        if call.status < 300:
            where = _where(call.path)
            seen.setdefault(where, call.at)
            over[where] = call.at if call.route != TYPING else over.get(where, inf)
            edits[where] += call.route in (EDIT, ORIGINAL)
    return [
        Talk(
            seen.get(one.where, inf) - one.at,
            over.get(one.where, inf) - one.at,
            _problem(one, script.answers.get(one.number)),
            edits[one.where],
        )
        for one in asked
    ]


def _problem(one: Asked, expected: str | None) -> str:
    if one.problem:
        return one.problem
    (answer,) = one.answers
    if answer.text != expected or "Stop" in answer.buttons:
        return f"question {one.number} was answered with {answer.text!r} instead of {expected!r}"
    return ""


def _where(path: str) -> str:
    """The thread that a call's path is about, or its token."""
    kind, *ids = path.strip("/").split("/")
    if kind in ("interactions", "webhooks"):
        return ids[1]
    return ids[2] if ids[-1] == "threads" else ids[0]


def _short(counts: Counter[str]) -> Counter[str]:
    """Routes without the names of their ids, so that they fit into a table."""
    return Counter({re.sub(r"\{\w+\}", "…", route): count for route, count in counts.items()})
