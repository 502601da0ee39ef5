"""A side of the benchmark in a Slack workspace: everybody asks in a thread of their own."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf

from tests.benchmarks.conversation import Script
from tests.benchmarks.measured import Round, Talk
from tests.benchmarks.side import CHANNELS, PATIENCE, PEOPLE, Child, child
from tests.simulators.slack import Call, Post, Workspace, slack
from tests.simulators.slack.delivery import Envelope

VISIBLE = {"agents.sessions.setStatus", "assistant.threads.setStatus", "chat.startStream", "chat.postMessage"}
"""The calls that first show something in a thread."""
LAST = "chat.stopStream"
"""The call that makes an answer whole."""


@dataclass(slots=True)
class SlackSide:
    child: Child
    workspace: Workspace
    script: Script
    rounds: list[Round] = field(default_factory=list)

    async def talk(self, conversations: int) -> Round:
        workspace, before = self.workspace, await self.child.told()
        calls, events, acks = len(workspace.calls), len(workspace.delivery.events), dict[str, float]()
        counts, whole = workspace.counts.copy(), workspace.count(LAST) + conversations
        asked = [await self._ask(at) for at in range(conversations)]
        questions = workspace.delivery.events[events:]
        for envelope in questions:
            _clock(envelope, acks)
        with suppress(TimeoutError):  # what is missing then is found below
            await workspace.until(lambda: workspace.count(LAST) >= whole, PATIENCE)
            await workspace.until(lambda: not workspace.unacknowledged, PATIENCE)
        after = await self.child.told()
        return Round(
            talks=_talks(workspace, self.script, asked, workspace.calls[calls:]),
            acks=list(acks.values()),
            unacknowledged=sum(not envelope.acknowledged for envelope in questions),
            events=len(workspace.delivery.events) - events,
            calls=workspace.counts - counts,
            used=after - before,
        )

    async def _ask(self, at: int) -> tuple[int, Post]:
        workspace = self.workspace
        people, channels = list(workspace.people.values()), list(workspace.channels.values())
        number, question = self.script.question()
        text = f"{workspace.mention} {question}"
        return number, await people[at % PEOPLE].says(text, channels[at % CHANNELS])


@asynccontextmanager
async def slack_side(
    module: str, script: Script, variables: Mapping[str, str], events: Iterable[str]
) -> AsyncIterator[SlackSide]:
    """The app `module` in a workspace that counts no calls, subscribed to `events`."""
    async with slack(limits=False, validate=False, events=events) as workspace:
        for number in range(PEOPLE):
            workspace.person(f"Person {number}")
        for number in range(CHANNELS):
            workspace.channel(f"channel-{number}")
        slack_variables = {
            "SLACK_API_URL": workspace.api_url,
            "SLACK_APP_TOKEN": workspace.app_token,
            "SLACK_BOT_TOKEN": workspace.bot_token,
        }
        async with child(module, {**variables, **slack_variables}) as process:
            await workspace.connected()
            yield SlackSide(process, workspace, script)


def _clock(envelope: Envelope, acks: dict[str, float]) -> None:
    """Note the seconds from its delivery, which is yet to come, to its acknowledgement, under the question's `ts`.

    A question that comes as two events is acknowledged with the later of them.
    """
    loop, ts = asyncio.get_running_loop(), envelope.payload["event"]["ts"]
    envelope.answer = loop.create_future()
    envelope.answer.add_done_callback(
        lambda _: acks.update({ts: max(acks.get(ts, 0.0), loop.time() - envelope.sent_at)})
    )


def _talks(
    workspace: Workspace, script: Script, asked: Sequence[tuple[int, Post]], calls: Sequence[Call]
) -> list[Talk]:
    """Read back what people saw: by thread when something was shown first, by message when it was whole."""
    seen: dict[str, float] = {}
    whole: dict[str, float] = {}
    for call in calls:
        if call.ok and call.method in VISIBLE:
            seen.setdefault(call.arguments["thread_ts"], call.at)
        elif call.ok and call.method == LAST:
            whole[call.arguments["ts"]] = call.at
    answers: dict[str, list[Post]] = defaultdict(list)
    for channel in workspace.channels.values():
        for post in workspace.posts(channel):
            if post.bot:
                answers[post.root].append(post)
    return [_talk(number, post, answers[post.ts], seen, whole, script.answers.get(number)) for number, post in asked]


def _talk(
    number: int,
    question: Post,
    answers: Sequence[Post],
    seen: Mapping[str, float],
    whole: Mapping[str, float],
    expected: str | None,
) -> Talk:
    sent, problem = float(question.ts), ""
    if len(answers) != 1:
        problem = f"question {number} has {len(answers)} answers"
    elif answers[0].streaming or answers[0].text != expected:
        problem = f"question {number} was answered with {answers[0].text!r} instead of {expected!r}"
    over = max((whole.get(answer.ts, inf) for answer in answers), default=inf)
    return Talk(seen.get(question.ts, inf) - sent, over - sent, problem)
