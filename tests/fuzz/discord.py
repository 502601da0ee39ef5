"""What the gateway dispatches to the real adapter, on discord.py and the simulated Discord."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.discord.commands import MENU
from tests.discord_parley import DiscordParley, discord_parley
from tests.fuzz.breaking import broken
from tests.fuzz.discord_payloads import KINDS, Asks, Case, Elsewhere, Message, Says, Used, cases, data
from tests.fuzz.findings import must, nothing_inside
from tests.fuzz.kept import Kept
from tests.fuzz.logs import Logged
from tests.fuzz.stillness import Stillness
from tests.fuzz.targets import Target, Verdict
from tests.fuzz.values import all_texts
from tests.fuzz.well import QUIZ, WELL, WellModel
from tests.hasty_clock import HastyClock
from tests.simulators.discord import Channel, Guild, Interaction, discord, payloads
from tests.simulators.discord import Message as Posted
from tests.simulators.discord.snowflakes import iso
from tools.quiz import display_quiz
from tools.registry import Registry

QUESTIONS = frozenset({"command", "form", "menu"})
"""The interactions by which a question can come."""


class _Discord:
    """Alice asks what is to be answered, and was given a quiz that she does not answer. Bob sends all the rest."""

    def __init__(self, parley: DiscordParley, guild: Guild, other: Guild, logged: Logged) -> None:
        self._parley, self._logged, self._world, self._guild, self._other = parley, logged, parley.world, guild, other
        self._alice, self._bob = guild.person("Alice"), guild.person("Bob")
        self._general, self._remote = guild.channel("general"), other.channel("remote")
        self._kept = Kept(parley.core.database.path)
        self._still: Stillness | None = None
        self._last: Interaction | None = None

    async def begin(self) -> None:
        world = self._world
        self._quiz = await self._alice.says(f"{world.mention} {QUIZ}", self._general)
        self._asked = await self._alice.says(f"{world.mention} Rain?", self._general)
        stranger = self._other.person("Otto")
        self._thread = await stranger.opens_thread("far away", self._remote)
        await world.until(lambda: self._codes())
        await world.until(lambda: self.texts(self._asked) == [WELL])
        await self._calm(settle=False)
        self._still = Stillness()
        self._sessions = world.gateway.identifies + world.gateway.resumes
        self._unfinished = self._kept.unfinished

    def end(self) -> None:
        self._kept.close()

    async def tries(self, example: Case) -> Verdict:
        before, messages, posts = self._kept.now(), self._kept.messages, self._public()
        private = len(self._world.interactions.made)
        await self._brought(example)
        await self._calm()
        nothing_inside(self._outgoing(), "people")
        taken, came = self._kept.messages - messages, self._public() - posts
        changed = self._kept.now() != before
        self._judge(example, taken, came, changed=changed)
        del self._world.interactions.made[private:]
        await self._lives()
        return "accepted" if changed or came > 0 else "refused"

    # -- what is brought ----------------------------------------------------------------------------------------

    async def _brought(self, example: Case) -> None:
        gateway = self._world.gateway
        match example:
            case Says():
                await self._say(example)
            case Message():
                gateway.inject(example.event, broken(self._about_message(example), example.wrong))
            case Used():
                self._last = self._use(example)
            case Asks():
                await self._ask(example)
            case Elsewhere():
                gateway.inject(example.event, broken(self._elsewhere(example), example.wrong))
        await self._read()

    async def _read(self) -> None:
        """Wait until what was dispatched has been read: an interaction that comes after it is answered."""
        typed = data(Used("complete", ""), "", {})
        made = self._world.interactions.inject(
            self._alice, KINDS["complete"], self._general, lambda whole: whole | {"data": typed}
        )
        await self._world.until(lambda: made.acknowledged)

    async def _say(self, said: Says) -> None:
        channel = self._place(said.place)
        before = len(self._ours(channel))
        asked = await self._bob.says(f"{self._world.mention} {said.text}"[:4_000], channel)
        await self._read()
        await self._calm()
        found = self.texts(asked) if said.place == "channel" else [one.text for one in self._ours(channel)[before:]]
        found += [one.text for one in self._ours(self._general) if one.reply_to is asked]
        must(len(found) == 1, "a sound message gets one answer", found)

    def _about_message(self, example: Message) -> Any:
        """The message is there, though nobody was told: an answer finds its place."""
        world, channel = self._world, self._place(example.place)
        gone = {"channel_id": channel.id} | ({"guild_id": self._guild.id} if channel.guild else {})
        if example.event == "MESSAGE_DELETE":
            return gone | {"id": self._asked.id}
        if example.event == "MESSAGE_DELETE_BULK":
            return gone | {"ids": [self._asked.id, self._quiz.id + "0"]}
        message = self._posted(channel, f"{world.mention} {example.text}")
        if example.event == "MESSAGE_UPDATE":
            message.edited_at = world.now()
        message.mentions = [world.me]
        shown = payloads.message(world, message)
        if channel.guild:
            shown |= {"guild_id": self._guild.id, "member": payloads.member(self._guild, self._bob, whole=False)}
        return shown

    def _posted(self, channel: Channel, text: str) -> Posted:
        message = Posted(channel, self._world.next_id(), self._bob, text, created=self._world.now())
        channel.entries[message.id] = message
        return message

    def _use(self, used: Used) -> Interaction:
        """The simulator knows the interaction, so that an answer to it is one; what it tells of it is broken."""
        world = self._world
        target = payloads.message(world, self._asked)
        brought = broken(data(used, used.code(self._codes()[0]), target), used.inside)

        def change(whole: dict[str, Any]) -> Any:
            pressed = {"message": target} if used.kind in ("press", "choose") else {}
            return broken(whole | pressed | {"data": brought}, used.around)

        return world.interactions.inject(self._bob, KINDS[used.kind], self._general, change)

    async def _ask(self, asks: Asks) -> None:
        opened = await self._bob.menu(MENU, self._asked)
        must(opened.modal, "the menu opens a form", opened)
        sent = asks.data(opened.modal or {})
        self._last = self._world.interactions.inject(
            self._bob, KINDS["form"], self._general, lambda whole: broken(whole | {"data": sent}, asks.around)
        )

    def _elsewhere(self, example: Elsewhere) -> Any:
        world, other = self._world, self._other
        match example.about:
            case "guild":
                return copy.deepcopy(payloads.guild(world, other, arriving=True)) | {"guild_id": other.id}
            case "channel":
                return payloads.channel(world, self._remote) | {"role_id": other.id, "channel_id": self._remote.id}
            case "thread":
                listed = {"threads": [payloads.channel(world, self._thread)], "members": [], "member_count": 1}
                return payloads.channel(world, self._thread) | listed
            case "member":
                member = payloads.member(other, self._world.me) | {"guild_id": other.id, "timestamp": iso(world.now())}
                return member | {"role": payloads.role(other.everyone), "channel_id": self._remote.id, "user_id": "1"}
        return example.value

    # -- what it comes to ---------------------------------------------------------------------------------------

    def _judge(self, example: Case, taken: int, came: int, *, changed: bool) -> None:
        must(taken <= 1 and came <= 1, "a payload brings one message and one answer at most", (taken, came))
        match example:
            case Elsewhere():
                must(not changed, "what is about no message changes nothing", example.event)
            case Message(event="MESSAGE_CREATE", wrong=()) | Asks(inside=(), around=()):
                must(taken == 1, "a sound question is taken in", (taken, came))
            case Message(event=event) if event != "MESSAGE_CREATE":
                must(not taken and came <= 0, "what is no new message brings none", (taken, came))
            case Used(kind=kind, inside=inside, around=around) if kind not in QUESTIONS:
                must(not taken and not changed, "a press that is made up changes nothing", (taken, changed))
                answered = inside or around or kind in ("ping", "zq")
                answered = answered or (self._last is not None and self._last.acknowledged)
                must(answered, "a sound interaction is answered", example)

    async def _lives(self) -> None:
        world = self._world
        asked = await self._alice.says(f"{world.mention} Rain?", self._general)
        await world.until(lambda: self.texts(asked) == [WELL], seconds=10)
        await self._calm()
        must(self.texts(asked) == [WELL], "a question that follows gets one answer")
        must(world.gateway.identifies + world.gateway.resumes == self._sessions, "the connection is kept")
        must(self._kept.unfinished == self._unfinished, "every run ends", self._kept.unfinished)
        must(self._codes(), "the quiz of somebody else stays")
        world.calls.clear()
        for session in world.gateway.sessions.values():
            session.events.clear()

    async def _calm(self, *, settle: bool = True) -> None:
        if settle and self._still is not None:
            left = await self._still.comes()
            must(not left, "all that was begun ends", left)
        await self._parley.quiet()
        self._logged.taken()

    # -- what there is ------------------------------------------------------------------------------------------

    def _place(self, place: str) -> Channel:
        if place == "direct":
            return self._world.dm(self._bob)
        return self._world.thread(self._asked) if place == "thread" else self._general

    def _ours(self, channel: Channel) -> list[Posted]:
        return [one for one in channel.messages if one.author is self._world.me]

    def texts(self, asked: Posted) -> list[str]:
        return [one.text for one in self._ours(asked.thread)] if asked.thread else []

    def _public(self) -> int:
        return sum(len(self._ours(channel)) for channel in self._world.channels.values())

    def _outgoing(self) -> Iterator[str]:
        for call in self._world.calls:
            yield from all_texts(call.body)

    def _codes(self) -> list[str]:
        """What the buttons of the quiz carry."""
        posts = self._ours(self._quiz.thread) if self._quiz.thread else []
        parts = [part for post in posts for part in post.parts]
        return [str(part["custom_id"]) for part in parts if str(part.get("custom_id")).startswith("answer")]


@asynccontextmanager
async def _stage(folder: Path, logged: Logged) -> AsyncIterator[_Discord]:
    clock = HastyClock()
    async with discord(now=clock.now, limits=False) as world:
        guild, other = world.guild("Acme"), world.guild("Other")
        path, registry = folder / "p.db", Registry([display_quiz])
        async with discord_parley(path, WellModel(), world, clock=clock, registry=registry, flood_limit=0) as parley:
            made = _Discord(parley, guild, other, logged)
            await made.begin()
            yield made
            made.end()


GATEWAY = Target("discord gateway", cases(), _stage, usual=1_300, few=25)
