"""The simulated Discord: who is there, what was said, and what a test can ask and make happen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable

from tests.simulators.discord import announce, posting, rest, transcript
from tests.simulators.discord.commands import Commands
from tests.simulators.discord.faults import Faults
from tests.simulators.discord.gateway import Gateway
from tests.simulators.discord.guild import Guild
from tests.simulators.discord.interactions import Interactions
from tests.simulators.discord.limits import Limits
from tests.simulators.discord.messages import DM, Channel, File, Message
from tests.simulators.discord.people import Person
from tests.simulators.discord.permissions import Permission
from tests.simulators.discord.sessions import Intent
from tests.simulators.discord.snowflakes import Snowflakes
from tests.simulators.discord.values import JSON, Call, Refusal

DUMPED_CALLS = 25
OUTSIDE_SECONDS = 0.05
FLAGS = {Intent.GUILD_PRESENCES: 1 << 13, Intent.GUILD_MEMBERS: 1 << 15, Intent.MESSAGE_CONTENT: 1 << 19}
"""Of small apps: https://docs.discord.com/developers/resources/application#application-object-application-flags"""


class World:
    """A Discord with one app in it. `now` is the clock of ids, limits, deadlines and archives, in seconds; the client
    and `until` go by real time. `shards`: how many /gateway/bot asks for. `history=False` keeps no calls and versions,
    for long runs.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        limits: bool = True,
        validate: bool = True,
        history: bool = True,
        shards: int = 1,
    ) -> None:
        self.now, self.validate, self.history, self.shards = now, validate, history, shards
        self.base = ""
        self.token = "bot-token.for.parley"
        self.next_id = Snowflakes(now).next
        self.people: dict[str, Person] = {}
        self.guilds: list[Guild] = []
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.nonces: dict[str, Message] = {}
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.granted = Intent.MESSAGE_CONTENT
        self.app_settings: JSON = {}  # fields of the application that are other than usual
        self.me = self.somebody("Parley", bot=True)
        self.developer = self.somebody("Dora")
        self.app_id = self.me.id
        self.mention = self.me.mention
        self.limits, self.faults = Limits(now, on=limits), Faults(rest.known)
        self.commands, self.interactions, self.gateway = Commands(self), Interactions(self), Gateway(self)
        self.fails, self.holds = self.faults.fails, self.faults.holds
        self.drop, self.reconnect, self.invalidate = self.gateway.drop, self.gateway.reconnect, self.gateway.invalidate
        self.duplicate, self.close = self.gateway.duplicate, self.gateway.close
        self._waiters: set[asyncio.Event] = set()

    # --- what the app is started with

    @property
    def api_url(self) -> str:
        return f"{self.base}/api/v10"

    @property
    def gateway_url(self) -> str:
        return f"{self.base.replace('http', 'ws', 1)}/"

    def grants(self, *, message_content: bool = True, members: bool = False, presences: bool = False) -> None:
        """Which privileged intents the app has, as set on Discord's page for developers."""
        wanted = {
            Intent.MESSAGE_CONTENT: message_content,
            Intent.GUILD_MEMBERS: members,
            Intent.GUILD_PRESENCES: presences,
        }
        self.granted = Intent(0)
        for intent, granted in wanted.items():
            self.granted |= intent if granted else Intent(0)

    # --- who and what is there

    def guild(self, name: str, *, joined: bool = True) -> Guild:
        """A new guild with the app in it. A connected app hears of it, as soon as it has `joined`: see `joins`."""
        made = Guild(self, self.next_id(), name)
        if joined:
            self.joins(made)
        return made

    def joins(self, guild: Guild) -> None:
        """Somebody adds the app to a guild."""
        self.guilds.append(guild)
        announce.guild_made(self, guild)

    def dm(self, person: Person) -> Channel:
        """The direct conversation of a person with the bot."""
        for channel in self.channels.values():
            if channel.person is person:
                return channel
        channel = Channel(self, self.next_id(), person.name, DM, person=person)
        self.channels[channel.id] = channel
        return channel

    def somebody(self, name: str, *, bot: bool = False, webhook: bool = False) -> Person:
        """Somebody who is in no guild yet, or a webhook."""
        person = Person(self, self.next_id(), name, bot=bot, webhook=webhook)
        self.people[person.id] = person
        return person

    def file(self, name: str, content: bytes, mimetype: str = "text/plain") -> File:
        file = File(self.next_id(), name, content, mimetype)
        self.files[file.id] = file
        return file

    def archives(self, thread: Channel) -> None:
        """A thread closes because nothing happens in it; the app hears of it."""
        posting.close(self, thread)

    def unfurls(self, message: Message, embed: JSON) -> None:
        """A link in somebody's message gets its preview: an update that is no edit."""
        message.embeds.append(embed)
        announce.changed(self, message)

    # --- what people see

    def threads(self, channel: Channel) -> list[Channel]:
        """The threads of a channel, oldest first, archived ones too."""
        return [one for one in self.channels.values() if one.parent is channel]

    def thread(self, message: Message) -> Channel:
        """The thread of a message. Raises `LookupError` where there is none."""
        if message.thread is None:
            raise LookupError(f"no thread of {message.text!r}")
        return message.thread

    @property
    def ephemerals(self) -> list[Message]:
        """What only one person sees (`only_for`), oldest first."""
        private = [one for asked in self.interactions.made for one in asked.responses if one.ephemeral]
        return [one for one in private if not one.deleted]

    # --- what the app did

    def count(self, route: str) -> int:
        if route not in rest.ROUTES:
            raise LookupError(f"no route {route}")
        return self.counts[route]

    @property
    def limited(self) -> int:
        """How many calls were answered with 429 because of a rate limit."""
        return self.limits.limited

    @property
    def acks(self) -> list[float]:
        """Seconds until each interaction's first answer."""
        made = self.interactions.made
        return [asked.acknowledged_after for asked in made if asked.acknowledged_after is not None]

    async def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait until a condition holds, looking again at each change of the world, and now and then for what the
        world cannot see. Raises `TimeoutError` with the transcript.
        """
        changed = asyncio.Event()
        self._waiters.add(changed)
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), OUTSIDE_SECONDS)
                    changed.clear()
        except TimeoutError:
            raise TimeoutError(f"not in {seconds} s\n{self.dump()}") from None
        finally:
            self._waiters.discard(changed)

    async def connected(self, times: int = 1) -> None:
        """Wait until a connection is up, and `times` sessions were begun or resumed in all."""
        gateway = self.gateway
        await self.until(lambda: gateway.connected and gateway.identifies + gateway.resumes >= times)

    def dump(self) -> str:
        """All channels, threads and interactions and the last calls, for a person to read."""
        return transcript.dump(self, DUMPED_CALLS)

    # --- for the parts of the simulator

    @property
    def app_flags(self) -> int:
        return sum(flag for intent, flag in FLAGS.items() if intent & self.granted)

    @property
    def reads_content(self) -> bool:
        """Whether REST shows the app what people wrote."""
        return bool(self.granted & Intent.MESSAGE_CONTENT)

    def sees(self, channel: Channel) -> bool:
        """Whether the bot sees a channel; private threads only as a member or moderator."""
        if channel.guild is None:
            return True
        held = channel.guild.permissions(self.me, channel)
        inside = not channel.private or self.me.id in channel.members or bool(held & Permission.MANAGE_THREADS)
        return bool(held & Permission.VIEW_CHANNEL) and inside

    def guild_of(self, id_: str) -> Guild:
        """Raises `Refusal`."""
        for guild in self.guilds:
            if guild.id == id_:
                return guild
        raise Refusal(10004)

    def forget(self, thread: Channel) -> None:
        del self.channels[thread.id]
        if thread.guild:
            thread.guild.threads.remove(thread)
        announce.thread_deleted(self, thread)

    def noted(self, call: Call) -> None:
        self.counts[call.route] += 1
        if self.history:
            self.calls.append(call)
        self.changed()

    def changed(self) -> None:
        for waiter in self._waiters:
            waiter.set()
