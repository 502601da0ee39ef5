"""An ordeal on Discord: questions by mentions, in threads, in direct messages and by `/ask`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

from tests.ordeals.questions import ends, question
from tests.ordeals.stage import DIRECT, FOLLOW_UPS, RECENT, Shown
from tests.simulators.discord import (
    CALLBACK,
    CREATE,
    EDIT,
    FROM_MESSAGE,
    ORIGINAL,
    TYPING,
    Channel,
    Interaction,
    Message,
    World,
    discord,
)

PEOPLE, CHANNELS = 12, 5
DIRECTS = 4
"""How many people have a direct conversation with Parley."""
COMMANDS = 0.2
"""How many questions are asked by the command."""
ROUTES = (CALLBACK, CREATE, EDIT, FROM_MESSAGE, ORIGINAL, TYPING, "*")
SLOW = 1.0
"""Seconds that a slow call takes."""


class DiscordStage:
    name = "Discord"

    def __init__(self, world: World, chance: Random) -> None:
        self.world, self._chance = world, chance
        guild = world.guild("Acme")
        self._people = [guild.person(f"Person {n}") for n in range(PEOPLE)]
        self._channels = [guild.channel(f"channel-{n}") for n in range(CHANNELS)]
        self._asked: dict[int, Message | Interaction] = {}
        self._open: set[int] = set()
        self._sessions = 0
        self.faults: Sequence[Callable[[], str]] = (
            self._fails,
            self._fails,
            self._is_slow,
            self._drops,
            self._forgets,
            self._reconnects,
            self._invalidates,
            self._repeats,
        )

    @property
    def variables(self) -> Mapping[str, str]:
        return {"DISCORD_API_URL": self.world.api_url, "DISCORD_TOKEN": self.world.token}

    async def ready(self, seconds: float) -> bool:
        gateway = self.world.gateway
        try:
            await self.world.until(lambda: gateway.connected and gateway.identifies > self._sessions, seconds)
        except TimeoutError:
            return False
        self._sessions = gateway.identifies
        return True

    async def introduce(self, number: int) -> int:
        """In a channel of the server, and in direct conversations, of which Discord does not tell a new session."""
        last = number + DIRECTS
        places = [self._channels[0], *map(self.world.dm, self._people[:DIRECTS])]
        for at, place in zip(range(number, last + 1), places, strict=True):
            self._open.add(at)
            self._asked[at] = await self._people[at - number - 1].says(f"{self.world.mention} {question(at)}", place)
        return last

    async def ask(self, number: int) -> None:
        chance, world = self._chance, self.world
        person, text = chance.choice(self._people), question(number)
        mention = f"{world.mention} {text}"
        self._open.add(number)
        threads = [place for place in map(_conversation, list(self._asked.values())[-RECENT:]) if place]
        if threads and chance.random() < FOLLOW_UPS:
            place = chance.choice(threads)
            self._asked[number] = await (place.person or person).says(mention, place)
        elif chance.random() < DIRECT:
            person = chance.choice(self._people[:DIRECTS])
            self._asked[number] = await person.says(text, world.dm(person))
        elif chance.random() < COMMANDS and world.commands.everywhere:
            channel = chance.choice(self._channels)
            self._asked[number] = await person.uses("/ask", channel, waits=False, prompt=text)
        else:
            self._asked[number] = await person.says(mention, chance.choice(self._channels))

    def end(self) -> None:
        self.world.faults.clear()

    def refused(self) -> set[int]:
        return {number for number, by in self._asked.items() if isinstance(by, Interaction) and _told(by)}

    def open(self) -> list[int]:
        for number in list(self._open):
            by = self._asked[number]
            refused = isinstance(by, Interaction) and (by.error or _told(by))
            if refused or ends(number) in self._text(by):
                self._open.discard(number)
        return sorted(self._open)

    def accepted(self) -> set[int]:
        """Messages can be asked for again; commands have to be acknowledged."""
        taken = {number for number, by in self._asked.items() if isinstance(by, Message) or by.acknowledged}
        return taken - self.refused()

    def shown(self) -> Iterator[Shown]:
        for channel in self.world.channels.values():
            mine = [one for one in channel.messages if one.author is self.world.me]
            yield Shown(repr(channel), "\n".join(one.text for one in mine), _unfinished(mine))

    def seen(self, number: int) -> Iterator[str]:
        by = self._asked[number]
        places = [place for place in (by.channel, None if isinstance(by, Interaction) else by.thread) if place]
        for place in places:
            for one in place.entries.values():
                gone = " (deleted)" if one.deleted else ""
                yield f"{place!r} {one.id} of {one.author.name}{gone}: {one.versions or one.text}"
        names = [place.id for place in places] + ([by.token] if isinstance(by, Interaction) else [])
        for call in self.world.calls:
            if any(name in call.path for name in names):
                yield f"{call.at:.3f} {call.route} {call.status} {call.path} {str(call.body)[:300]}"

    @property
    def at_rest(self) -> bool:
        return not any(shown.unfinished for shown in self.shown())

    def _text(self, by: Message | Interaction) -> str:
        """All that Parley says where this was asked."""
        places = [place for place in (by.channel, None if isinstance(by, Interaction) else by.thread) if place]
        return "\n".join(one.text for place in places for one in place.messages if one.author is self.world.me)

    # --- faults

    def _fails(self) -> str:
        route, world = self._chance.choice(ROUTES), self.world
        match self._chance.randrange(4):
            case 0:
                world.fails(route, status=503)
                return "Discord: 503"
            case 1:
                world.fails(route, status=429, retry_after=0.5)
                return "Discord: 429"
            case 2:
                world.fails(route, drop=True)
                return "Discord: connection lost before a call"
            case _:
                world.fails(route, after=True)
                return "Discord: response lost"

    def _is_slow(self) -> str:
        gate = self.world.holds(self._chance.choice(ROUTES), after=self._chance.random() < 0.5)
        asyncio.get_running_loop().call_later(self._chance.uniform(0, SLOW), gate.release)
        return "Discord: slow"

    def _drops(self) -> str:
        self.world.drop()
        return "Discord: connection lost"

    def _forgets(self) -> str:
        self.world.drop(resumable=False)
        return "Discord: session lost"

    def _reconnects(self) -> str:
        self.world.reconnect()
        return "Discord: asked to connect anew"

    def _invalidates(self) -> str:
        self.world.invalidate(resumable=self._chance.random() < 0.5)
        return "Discord: session invalid"

    def _repeats(self) -> str:
        self.world.duplicate(last=self._chance.randrange(1, 8))
        return "Discord: events delivered again"


def _conversation(by: Message | Interaction) -> Channel | None:
    """Where a conversation goes on: a thread or a direct conversation."""
    if isinstance(by, Interaction):
        return None
    place = by.thread or by.channel
    return place if (place.thread or place.person) and not place.archived else None


def _told(asked: Interaction) -> bool:
    """Whether the answer to a command is a private sentence: answers of the model are for everybody."""
    return any(one.ephemeral and not one.loading for one in asked.responses)


def _unfinished(messages: Sequence[Message]) -> list[str]:
    return [f"still thinking: {one.id}" for one in messages if one.loading] + [
        f"still has a Stop button: {one.text[:80]!r}" for one in messages if "Stop" in one.buttons
    ]


@asynccontextmanager
async def discord_stage(chance: Random) -> AsyncIterator[DiscordStage]:
    async with discord() as world:
        yield DiscordStage(world, chance)
