"""An ordeal on Slack: questions by mentions, in threads and in direct messages."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

from tests.ordeals.questions import asked_in, ends, question
from tests.ordeals.stage import DIRECT, FOLLOW_UPS, RECENT, Shown
from tests.simulators.slack import Channel, Post, Workspace, slack

PEOPLE, CHANNELS = 12, 5
METHODS = (
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "chat.postMessage",
    "chat.update",
    "agents.sessions.setStatus",
    "conversations.replies",
    "users.info",
    "*",
)
SLOW = 1.0
"""Seconds that a slow call takes."""


class SlackStage:
    name = "Slack"

    def __init__(self, workspace: Workspace, chance: Random) -> None:
        self.workspace, self._chance = workspace, chance
        self._people = [workspace.person(f"Person {n}") for n in range(PEOPLE)]
        self._channels = [workspace.channel(f"channel-{n}") for n in range(CHANNELS)]
        self._asked: dict[int, Post] = {}
        self._open: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.faults: Sequence[Callable[[], str]] = (
            self._fails,
            self._fails,
            self._is_slow,
            self._loses_ack,
            self._drops,
            self._refreshes,
            self._repeats,
            self._expires,
        )

    @property
    def variables(self) -> Mapping[str, str]:
        workspace = self.workspace
        return {
            "SLACK_API_URL": workspace.api_url,
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_APP_TOKEN": workspace.app_token,
        }

    async def ready(self, seconds: float) -> bool:
        try:
            await self.workspace.until(lambda: self.workspace.sockets.connected, seconds)
        except TimeoutError:
            return False
        return True

    async def introduce(self, number: int) -> int:
        await self.ask(number)
        return number

    async def ask(self, number: int) -> None:
        chance, workspace = self._chance, self.workspace
        person, text = chance.choice(self._people), question(number)
        self._open.add(number)
        past = list(self._asked.values())[-RECENT:]
        if past and chance.random() < FOLLOW_UPS:
            earlier = chance.choice(past)
            if earlier.channel.kind == "im":
                person = next(one for one in self._people if one.id in earlier.channel.members)
            said = await person.says(f"{workspace.mention} {text}", earlier.channel, thread=earlier)
        elif chance.random() < DIRECT:
            said = await person.says(text, workspace.dm(person))
        else:
            said = await person.says(f"{workspace.mention} {text}", chance.choice(self._channels))
        self._asked[number] = said

    def end(self) -> None:
        self.workspace.faults.clear()

    def refused(self) -> set[int]:
        """Slack is to bring it again: nobody is told."""
        return set()

    def open(self) -> list[int]:
        for number in list(self._open):
            if ends(number) in self._text(self._asked[number]):
                self._open.discard(number)
        return sorted(self._open)

    def accepted(self) -> set[int]:
        """Those whose every event is acknowledged."""
        texts = [str(event.get("event", {}).get("text", "")) for event in self.workspace.unacknowledged]
        return set(self._asked) - {number for text in texts for number in asked_in(text)}

    def shown(self) -> Iterator[Shown]:
        for channel in self.workspace.channels.values():
            threads: dict[str, list[Post]] = defaultdict(list)
            for post in self.workspace.posts(channel):
                if post.bot:
                    threads[post.root].append(post)
            for root, posts in threads.items():
                yield Shown(f"{channel.name} {root}", "\n".join(post.text for post in posts), self._unfinished(posts))
        for (channel_id, root), session in self.workspace.threads.sessions.items():
            if session.status != "active":
                yield Shown(f"{channel_id} {root}", "", [f"is {session.status}"])

    def seen(self, number: int) -> Iterator[str]:
        asked = self._asked[number]
        posts = [post for post in asked.channel.posts.values() if post.root == asked.root]
        for post in posts:
            gone = " (deleted)" if post.deleted else ""
            yield f"{post.ts} of {post.user}{gone}, {post.stream_state or 'no stream'}: {post.versions}"
        names = {asked.root, *(post.ts for post in posts)}
        for call in self.workspace.calls:
            if names & {str(call.arguments.get(name)) for name in ("ts", "thread_ts")}:
                yield f"{call.at:.3f} {call.method} {call.error or 'ok'} {str(call.arguments)[:300]}"

    @property
    def at_rest(self) -> bool:
        return not self.workspace.unacknowledged and not any(shown.unfinished for shown in self.shown())

    def _text(self, asked: Post) -> str:
        return "\n".join(post.text for post in self.workspace.thread(asked.channel, asked) if post.bot)

    def _unfinished(self, posts: Sequence[Post]) -> list[str]:
        streaming = [f"still streams: {post.text[:80]!r}" for post in posts if post.streaming]
        working = [f"shows {card} as {state}" for post in posts for card, state in post.tasks if state == "in_progress"]
        return streaming + working

    def _channel(self) -> Channel:
        return self._chance.choice(self._channels)

    # --- faults

    def _fails(self) -> str:
        method, workspace = self._chance.choice(METHODS), self.workspace
        match self._chance.randrange(5):
            case 0:
                workspace.fails(method, status=503)
                return "Slack: 503"
            case 1:
                workspace.fails(method)
                return "Slack: 429"
            case 2:
                workspace.fails(method, drop=True)
                return "Slack: connection lost before a call"
            case 3:
                workspace.fails(method, status=500, times=2)
                return "Slack: 500 twice"
            case _:
                workspace.fails(method, after=True)
                return "Slack: response lost"

    def _is_slow(self) -> str:
        gate = self.workspace.holds(self._chance.choice(METHODS), after=self._chance.random() < 0.5)
        asyncio.get_running_loop().call_later(self._chance.uniform(0, SLOW), gate.release)
        return "Slack: slow"

    def _loses_ack(self) -> str:
        self.workspace.lose_acks(1)
        return "Slack: acknowledgement lost"

    def _drops(self) -> str:
        self.workspace.drop()
        return "Slack: socket lost"

    def _refreshes(self) -> str:
        task = asyncio.create_task(self.workspace.disconnect(), name="slack refreshes")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return "Slack: socket refreshed"

    def _repeats(self) -> str:
        self.workspace.delivery.repeat(self._chance.randrange(1, 8))
        return "Slack: events delivered again"

    def _expires(self) -> str:
        self.workspace.expire_streams()
        return "Slack: streams expired"


@asynccontextmanager
async def slack_stage(chance: Random) -> AsyncIterator[SlackStage]:
    async with slack() as workspace:
        yield SlackStage(workspace, chance)
