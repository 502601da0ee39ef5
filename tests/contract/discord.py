"""The contract on Discord: a question in #general of the simulated server, and the thread that is opened from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.discord.commands import BOOLEAN, COMMANDS, INTEGER, NUMBER
from adapters.discord.used import ORDER, SUBCOMMAND, WHOLE
from bot.assistants.types import Author
from tests.contract.stage import Platform, Shown, Who
from tests.discord_parley import DiscordParley, discord_parley
from tests.scripted_model import ScriptedModel
from tests.simulators.discord import Call, Channel, Interaction, Message, Person, World, announce, discord

SMALL = "-# "
"""How the lines begin that tell what goes on."""

HEARING = "discord.py: on_"
"""How the tasks are called in which discord.py hands on what it received."""


@dataclass(slots=True)
class DiscordStage:
    world: World
    path: Path
    model: ScriptedModel
    people: dict[str, Person]
    general: Channel
    said: list[Message] = field(default_factory=list)
    used: list[Interaction] = field(default_factory=list)
    running: DiscordParley | None = None

    @asynccontextmanager
    async def parley(self, **changes: Any) -> AsyncIterator[None]:
        async with discord_parley(self.path, self.model, self.world, **changes) as self.running:
            yield

    # -- what people do

    async def asks(self, text: str, *, who: Who = "Alice") -> None:
        """A mention in the channel has a thread opened; whoever goes on there needs none."""
        if self.said:
            await self.until(lambda: self._thread)
        place, text = (self._thread, text) if self._thread else (self.general, f"{self.world.mention} {text}")
        self.said.append(await self.people[who].says(text, place))

    async def edits(self, text: str) -> None:
        called = f"{self.world.mention} " if self.said[-1].channel is self.general else ""
        await self.people["Alice"].edits(self.said[-1], f"{called}{text}")

    async def deletes(self) -> None:
        await self.people["Alice"].deletes(self.said[-1])

    async def stops(self) -> None:
        """The button under the answer."""
        self.used.append(await self.people["Alice"].presses(self._ours()[-1], "Stop"))

    async def commands(self, text: str, *, who: Who = "Ann") -> str:
        name, options = spelled(text)
        used = await self.people[who].uses(f"/{name}", self.general, **options)
        self.used.append(used)
        await self.until(lambda: used.text)
        return used.text

    def author(self, who: Who) -> Author:
        return Author(self.people[who].id, who)

    def reference(self, who: Who) -> str:
        return f"discord:{self.people[who].id}"

    # -- what Discord does

    async def delivers_again(self) -> None:
        for message in self.said:
            announce.said(self.world, message)
        await self._heard()

    async def _heard(self) -> None:
        """Nothing tells that a message was taken in. A command that comes after it does, once nobody is at work."""
        self.used.append(await self.people["Ann"].uses("/tools list", self.general))
        await self.until(lambda: not any(task.get_name().startswith(HEARING) for task in asyncio.all_tasks()))

    def on_taken(self, look: Callable[[], None]) -> None:
        """The first thing that Parley does in a channel tells that it has taken what was said there."""
        noted = self.world.noted

        def told(call: Call) -> None:
            if " /channels/" in call.route and not call.route.startswith("GET"):
                look()
            noted(call)

        self.world.noted = told  # type: ignore[method-assign]

    # -- what is seen

    @property
    def shown(self) -> Shown:
        texts = tuple("\n".join(_lines(message, small=False)).strip() for message in self._ours())
        return Shown(tuple(text for text in texts if text), tuple(self._statuses()))

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return [(file.name, file.content) for message in self._ours() for file in message.files]

    @property
    def whispers(self) -> Sequence[str]:
        known = [response for used in self.used for response in used.responses]
        return [one.text for one in self.world.ephemerals if one not in known]

    @property
    def sent(self) -> str:
        return json.dumps([call.body for call in self.world.calls], ensure_ascii=False, default=str)

    @property
    def alarms(self) -> Sequence[str]:
        return [ping for message in self._ours() for ping in message.pinged]

    async def until(self, condition: Callable[[], object]) -> None:
        await self.world.until(condition)

    async def quiet(self) -> None:
        assert self.running
        await self._heard()
        await self.running.quiet()

    @property
    def _thread(self) -> Channel | None:
        return self.said[0].thread if self.said else None

    def _ours(self) -> list[Message]:
        there = [*self.general.messages, *(self._thread.messages if self._thread else ())]
        return [message for message in there if message.author is self.world.me]

    def _statuses(self) -> Iterator[str]:
        """What is typed in a channel goes by itself; it is looked at where people talk."""
        yield from ["typing"] * (self._thread or self.general).typing
        for message in self._ours():
            yield from _lines(message, small=True)
            yield from (label for label in message.buttons if label == "Stop")


def spelled(line: str) -> tuple[str, dict[str, Any]]:
    """The slash command, and its options, that say the same as a line of text. Raises `LookupError` where none does."""
    name, *words = line.split(" ")
    command = next(one for one in COMMANDS if one["name"] == name)
    if command["options"] and command["options"][0]["type"] == SUBCOMMAND:
        command = next(one for one in command["options"] if one["name"] == words[0])
        name = f"{name} {words.pop(0)}"
    given: dict[str, Any] = {}
    for option in sorted(command["options"], key=lambda one: ORDER.index(one["name"])):
        choices = [choice["value"] for choice in option.get("choices", ())]
        counts = option["type"] in (NUMBER, INTEGER)
        if not words or (choices and words[0] not in choices) or (counts and not words[0].isdigit()):
            continue
        if option["name"] in WHOLE:
            given[option["name"]], words = " ".join(words), []
        elif option["type"] == BOOLEAN:
            given |= {words.pop(0): True} if words[0] == option["name"] else {}
        else:
            word = words.pop(0)
            given[option["name"]] = int(word) if counts else word
    if words:
        raise LookupError(f"{words} cannot be said with /{name}")
    return name, given


def _lines(message: Message, *, small: bool) -> list[str]:
    return [line for line in message.text.split("\n") if line.startswith(SMALL) is small]


@asynccontextmanager
async def stage(path: Path, model: ScriptedModel) -> AsyncIterator[DiscordStage]:
    async with discord(limits=False) as world:
        guild = world.guild("Acme")
        people = {"Alice": guild.person("Alice"), "Bob": guild.person("Bob"), "Ann": guild.person("Ann", admin=True)}
        yield DiscordStage(world, path, model, people, guild.channel("general"))


DISCORD = Platform("discord", frozenset({"live", "takes back", "looks up", "redelivers", "corrects", "people"}), stage)
