"""The simulated workspace: who is there, what was said, and what a test can ask and make happen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable

from tests.simulators.slack import announce, transcript
from tests.simulators.slack.delivery import Delivery
from tests.simulators.slack.faults import Faults
from tests.simulators.slack.http_delivery import HttpDelivery
from tests.simulators.slack.interactions import Hooks, Response, Triggers
from tests.simulators.slack.limits import Limits
from tests.simulators.slack.people import Person
from tests.simulators.slack.posts import Channel, File, Kind, Post
from tests.simulators.slack.sessions import Threads
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.tokens import Tokens
from tests.simulators.slack.uploads import Uploads
from tests.simulators.slack.values import JSON, Call, Ephemeral, Session, Status
from tests.simulators.slack.views import OpenView

DUMPED_CALLS = 25
OUTSIDE_SECONDS = 0.05


class Workspace:
    """One workspace with one app in it. Where channels and threads are asked for, an id or the object will do.

    `events`: what the app subscribed to. `now` is the clock of timestamps, limits, triggers and streams, in seconds;
    retries and `until` go by real time. `history=False` keeps no arguments, versions and statuses, for long runs.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        limits: bool = True,
        validate: bool = True,
        history: bool = True,
        events: Iterable[str] = announce.EVENTS,
        mention_files: bool = False,
    ) -> None:
        self.team_id, self.app_id, self.bot_user, self.bot_id = "T1", "A1", "UBOT", "B1"
        self.mention = f"<@{self.bot_user}>"
        self.now, self.validate, self.history = now, validate, history
        self.events, self.mention_files = set(events), mention_files
        self.base = ""
        self.url = "https://acme.slack.com/"
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.ephemerals: list[Ephemeral] = []
        self.ephemeral_posts: list[Post] = []
        self.responses: list[Response] = []
        self.views: list[OpenView] = []
        self.homes: dict[str, OpenView] = {}
        self.tokens, self.faults = Tokens(), Faults()
        self.limits = Limits(now, on=limits)
        self.threads = Threads(now)
        self.triggers, self.hooks, self.uploads = Triggers(self), Hooks(self), Uploads(self)
        self.delivery = Delivery(self.changed, lambda: self.next_id("envelope-"), history=history)
        self.sockets = SocketMode(self.delivery, self.app_id)
        self.pusher: HttpDelivery | None = None
        self.fails, self.holds, self.offers = self.faults.fails, self.faults.holds, self.faults.offers
        self.revoke, self.grants = self.tokens.revoke, self.tokens.grants
        self.lose_acks, self.drop, self.disconnect = self.delivery.lose_acks, self.sockets.drop, self.sockets.disconnect
        self.counts: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._last_ts = 0
        self._waiters: set[asyncio.Event] = set()

    # --- what the app is started with

    @property
    def api_url(self) -> str:
        return f"{self.base}/api/"

    @property
    def bot_token(self) -> str:
        return self.tokens.bot

    @property
    def app_token(self) -> str:
        return self.tokens.app

    @property
    def config_token(self) -> str:
        return self.tokens.config

    @property
    def signing_secret(self) -> str:
        return self.tokens.signing_secret

    # --- who and what is there

    def person(
        self,
        name: str,
        *,
        admin: bool = False,
        owner: bool = False,
        guest: bool = False,
        team: str | None = None,
        bot: bool = False,
    ) -> Person:
        """Somebody new; `team` is the id of another organisation, `bot` makes it another app's bot user."""
        id_ = self.next_id("U")
        roles = {"admin": admin, "owner": owner, "guest": guest, "bot": bot}
        self.people[id_] = Person(self, id_, name, team or self.team_id, foreign=team is not None, **roles)
        for channel in self.channels.values():
            if channel.everybody and team is None:
                channel.members.append(id_)
        return self.people[id_]

    def channel(
        self, name: str, *, private: bool = False, members: Iterable[Person] | None = None, bot: bool = True
    ) -> Channel:
        """A new channel with everybody in it, or with these members; and with the bot, unless `bot` is false."""
        inside = self.people.values() if members is None else members
        channel = self._open("C", name, "group" if private else "channel", inside, bot=bot)
        channel.everybody = members is None and not private
        return channel

    def dm(self, person: Person) -> Channel:
        """The direct conversation of a person with the bot."""
        for channel in self.channels.values():
            if channel.kind == "im" and person.id in channel.members:
                return channel
        return self._open("D", person.name, "im", [person], bot=True)

    def group_dm(self, *people: Person) -> Channel:
        """A direct conversation of several people and the bot."""
        return self._open("G", "mpdm", "mpim", people, bot=True)

    def file(self, name: str, content: bytes, mimetype: str = "text/plain") -> File:
        return self.uploads.keep(name, content, mimetype)

    async def bot_joins(self, channel: Channel, by: Person | None = None) -> None:
        """Somebody invites the bot, which is told (`member_joined_channel`)."""
        channel.members.append(self.bot_user)
        announce.joined(self, channel, self.bot_user, by.id if by else "")

    # --- what people see

    def posts(self, channel: Channel | str) -> list[Post]:
        """All visible messages of a channel, those in threads too, oldest first."""
        return [post for post in self.conversation(channel).posts.values() if not post.deleted]

    def thread(self, channel: Channel | str, ts: str | Post) -> list[Post]:
        """The visible messages of a thread with its root, oldest first."""
        return self.conversation(channel).thread(_root(ts))

    def status(self, channel: Channel | str, ts: str | Post) -> str:
        """What assistant.threads.setStatus shows in a thread now; empty where it was cleared or ran out."""
        return self.threads.status(_id(channel), _root(ts))

    @property
    def statuses(self) -> list[Status]:
        """Every status that was set or cleared by the app, oldest first."""
        return self.threads.statuses

    def session(self, channel: Channel | str, ts: str | Post) -> Session | None:
        """The agent session of a thread, if the app made one."""
        return self.threads.sessions.get((_id(channel), _root(ts)))

    def home(self, person: Person) -> JSON | None:
        """The Home tab as the app published it last for this person."""
        view = self.homes.get(person.id)
        return view.view if view else None

    # --- what the app did

    def count(self, method: str) -> int:
        return self.counts[method]

    @property
    def limited(self) -> int:
        """How many calls were answered with 429 because of a rate limit."""
        return self.limits.limited

    @property
    def acks(self) -> list[float]:
        """Seconds between the delivery of each envelope and its acknowledgement."""
        return self.delivery.acks

    @property
    def unacknowledged(self) -> list[JSON]:
        """The payloads of events that were not acknowledged, oldest first."""
        return self.delivery.unacknowledged

    async def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait until a condition holds, looking again at each change of the workspace, and now and then for what the
        workspace cannot see. Raises `TimeoutError` with the transcript.
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

    def dump(self) -> str:
        """All threads, statuses and the last calls, for a person to read."""
        return transcript.dump(self, DUMPED_CALLS)

    # --- how the app is reached

    @property
    def patience(self) -> float:
        """Seconds until an event that was not acknowledged goes out again."""
        return self.delivery.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self.delivery.patience = seconds

    async def connected(self, times: int = 1) -> None:
        """Wait until a socket of the app is up, and `times` have been opened in all."""
        await self.until(lambda: self.sockets.connected and self.sockets.connections >= times)

    async def redeliver(self, last: int | None = None) -> None:
        """Deliver every event again, or the `last` ones, acknowledged or not."""
        self.delivery.repeat(last)

    def deliver_to(self, url: str, *, skew: float = 0.0, secret: str | None = None) -> HttpDelivery:
        """Deliver to this address from now on, signed, instead of over Socket Mode."""
        self.pusher = HttpDelivery(self.delivery, url, secret or self.signing_secret, skew)
        self.delivery.pusher = self.pusher
        return self.pusher

    def expire_streams(self) -> None:
        """Every open stream is as after five minutes."""
        for channel in self.channels.values():
            for post in channel.posts.values():
                if post.stream and post.streaming:
                    post.stream.ended = "expired"
        self.changed()

    # --- for the parts of the simulator

    def next_id(self, prefix: str) -> str:
        self._ids[prefix] += 1
        return f"{prefix}{self._ids[prefix]:07d}"

    def next_ts(self) -> str:
        """A message timestamp, later than all before it."""
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def changed(self) -> None:
        for waiter in self._waiters:
            waiter.set()

    def conversation(self, channel: Channel | str) -> Channel:
        return channel if isinstance(channel, Channel) else self.channels[channel]

    def noted(self, post: Post) -> None:
        """A post is new or looks different."""
        if self.history:
            post.versions.append(post.text)
        self.changed()

    def _open(self, prefix: str, name: str, kind: Kind, people: Iterable[Person], *, bot: bool) -> Channel:
        inside = list(people)
        members = [person.id for person in inside] + ([self.bot_user] if bot else [])
        channel = Channel(self.next_id(prefix), name, kind, members, shared=any(person.foreign for person in inside))
        self.channels[channel.id] = channel
        return channel


def _id(channel: Channel | str) -> str:
    return channel.id if isinstance(channel, Channel) else channel


def _root(ts: str | Post) -> str:
    return ts.root if isinstance(ts, Post) else ts
