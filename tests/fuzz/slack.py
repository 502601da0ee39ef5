"""What Slack delivers, over Socket Mode and by signed requests, to the real adapter on the simulated Slack."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.fuzz.findings import must, nothing_inside
from tests.fuzz.kept import Kept
from tests.fuzz.logs import Logged
from tests.fuzz.slack_home import OWN, AtHome, Changes
from tests.fuzz.slack_payloads import (
    INTERACTION,
    MESSAGES,
    POSTED,
    Case,
    Delivered,
    Forged,
    Frame,
    Pressed,
    Says,
    cases,
    put_in,
)
from tests.fuzz.stillness import Stillness
from tests.fuzz.targets import Target, Verdict
from tests.fuzz.values import all_texts
from tests.fuzz.well import QUIZ, WELL, WellModel
from tests.hasty_clock import HastyClock
from tests.simulators.slack import OpenView, Post, slack
from tests.simulators.slack.delivery import Envelope
from tests.slack_parley import SlackParley, answers, slack_parley
from tools.quiz import display_quiz
from tools.registry import Registry

JSON_BODY, FORM_BODY = "application/json", "application/x-www-form-urlencoded"
SKEW = 310
"""Seconds: just more than the five minutes for which a signature holds."""


class _Slack:
    """Alice asks what is to be answered, and was given a quiz that she does not answer. Bob sends all the rest, but for
    what Carol does, who is an admin.
    """

    def __init__(self, parley: SlackParley, logged: Logged) -> None:
        self._parley, self._logged, self._workspace = parley, logged, parley.workspace
        self._alice, self._bob = self._workspace.person("Alice"), self._workspace.person("Bob")
        self._carol = self._workspace.person("Carol")
        self._carol.admin = True
        self._general = self._workspace.channel("general")
        self._form_of: OpenView | None = None
        self._kept = Kept(parley.core.database.path)
        self._still: Stillness | None = None
        self._connections = 0

    async def begin(self) -> None:
        mention = self._workspace.mention
        self._quiz = await self._alice.says(f"{mention} {QUIZ}", self._general)
        self._asked = await self._alice.says(f"{mention} Rain?", self._general)
        await self._workspace.until(lambda: self._codes())
        await self._workspace.until(lambda: answers(self._workspace, self._general, self._asked) == [WELL])
        for line in (f"assistant create {OWN}", f"assistant use {OWN} workspace"):
            await self._carol.command("/parley", line, self._general)
        await self._parley.settled()
        self._forget()
        self._still = Stillness()
        self._connections = self._workspace.sockets.connections
        self._unfinished = self._kept.unfinished

    def end(self) -> None:
        self._kept.close()

    async def tries(self, example: Case) -> Verdict:
        if isinstance(example, Changes):
            self._form_of = await self._opened()
        before, messages, posts = self._kept.now(), self._kept.messages, self._public()
        told = await self._brought(example)
        await self._calm()
        nothing_inside([*told, *self._outgoing()], "people")
        taken, came = self._kept.messages - messages, self._public() - posts
        changed = self._kept.now() != before
        self._judge(example, taken, came, changed=changed)
        if isinstance(example, Delivered) and example.is_sound_question:
            refused = len(self._workspace.ephemerals)
            must(taken + refused == 1 or _orders(example.text), "a sound question is taken in", (taken, refused))
        if isinstance(example, AtHome | Changes) and not example.wrong:
            self._is_shown(example, told)
        self._forget()
        await self._lives()
        return "accepted" if changed or came else "refused"

    # -- what is brought ----------------------------------------------------------------------------------------

    async def _brought(self, example: Case) -> list[str]:
        """Bring it to Parley; what the answer to it says."""
        match example:
            case Says():
                await self._say(example)
                return []
            case Delivered():
                return await self._deliver(example.kind, example.payload(self._values("")))
            case Pressed():
                return await self._deliver("interactive", self._press(example))
            case AtHome(admin=admin):
                view = {"id": "V1", "type": "home", "callback_id": "", "private_metadata": "", "state": {"values": {}}}
                return await self._deliver("interactive", example.payload(self._interaction(admin=admin), view))
            case Changes(admin=admin):
                assert self._form_of is not None
                sent = example.payload(self._interaction(admin=admin), self._form_of)
                return await self._deliver("interactive", sent)
            case Frame():
                return await self._frame(example.text)
            case Forged():
                return await self._forge(example)

    async def _say(self, said: Says) -> None:
        """It gets one answer, or is a command and gets that of it; what is too long is refused in one sentence."""
        workspace = self._workspace
        channel = workspace.dm(self._bob) if said.place == "direct" else self._general
        thread = self._asked if said.place == "thread" else None
        before = len(answers(workspace, channel, thread)) if thread else 0
        asked = await self._bob.says(f"{workspace.mention} {said.text}", channel, thread=thread)
        await workspace.until(lambda: not workspace.unacknowledged)
        await self._calm()
        found = answers(workspace, channel, thread or asked)[before:]
        private = len(workspace.ephemerals)
        must(
            len(found) + private == 1 or _orders(said.text),
            "a sound message gets one answer",
            (found, workspace.ephemerals),
        )

    async def _deliver(self, kind: Any, payload: Any) -> list[str]:
        if self._workspace.pusher is None:
            envelope = Envelope(kind, payload)
            answer: list[Any] = []
            envelope.answer = _Answer(answer)  # type: ignore[assignment]
            await self._over_the_socket(envelope)
            return [*all_texts(answer)]
        body = json.dumps(payload)
        if kind == "slash_commands" and isinstance(payload, dict):
            pairs = {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in payload.items()}
            return await self._post(urlencode(pairs, errors="replace"), FORM_BODY)
        return await self._post(body, JSON_BODY) if kind == "events_api" else await self._form(body)

    async def _frame(self, text: str) -> list[str]:
        if self._workspace.pusher is None:
            await self._over_the_socket(text)
            return []
        return [*await self._post(text, JSON_BODY), *await self._form(text), *await self._post(text, FORM_BODY)]

    async def _over_the_socket(self, sent: Envelope | str) -> None:
        """What came before another event has been read when that is acknowledged."""
        self._workspace.delivery.inject(sent)
        after = Envelope(
            "events_api", {"type": "event_callback", "event": {"type": "zq"}, "event_id": "Ev", "team_id": "T1"}
        )
        self._workspace.delivery.inject(after)
        await self._workspace.until(lambda: after.acknowledged)

    async def _form(self, payload: str) -> list[str]:
        return await self._post(urlencode({"payload": payload}, errors="replace"), FORM_BODY)

    async def _post(self, body: str, content_type: str, headers: dict[str, str] | None = None) -> list[str]:
        assert self._workspace.pusher is not None
        status, text = await self._workspace.pusher.inject(body, content_type, headers)
        must(status in (200, 400, 404), "a signed request is answered in order", (status, text[:200]))
        return [text]

    async def _forge(self, forged: Forged) -> list[str]:
        assert self._workspace.pusher is not None
        body = json.dumps(Delivered("events_api", forged.shape, "zq").payload(self._values("")))
        pusher = self._workspace.pusher
        pusher.skew = {"stale": -SKEW, "future": SKEW}.get(forged.how, 0)
        try:
            status, text = await pusher.inject(body, JSON_BODY, _forged(forged))
        finally:
            pusher.skew = 0
        must(status in (400, 401), "who does not sign as Slack does is refused", (status, forged))
        return [text]

    # -- what it comes to ---------------------------------------------------------------------------------------

    def _judge(self, example: Case, taken: int, came: int, *, changed: bool) -> None:
        posted = 2 if isinstance(example, Delivered) and example.shape in POSTED else 1
        must(taken <= 1 and came <= posted, "a payload brings one message and one answer at most", (taken, came))
        must(taken or not came or not changed, "who takes nothing in posts nothing", came)
        match example:
            case Forged() | Frame() | Pressed():
                must(not changed and not came, "what is forged or no payload changes nothing", (example, came))
            case AtHome() | Changes():
                must(not taken and not came, "what is done at Home brings no message", (taken, came))
                must(example.admin or not changed, "who is no admin changes nothing at Home")
            case Delivered(shape=shape) if shape not in MESSAGES:
                must(not taken and not (changed and example.wrong), "what is no message brings none", (taken, changed))

    def _is_shown(self, example: AtHome | Changes, told: list[str]) -> None:
        """Slack takes what it is to show: the form, or the tab as it is then, of which a sent form may keep errors."""
        calls = [call for call in self._workspace.calls if call.method.startswith("views.")]
        must(all(call.ok for call in calls), "Slack takes what is shown at Home", [call.error for call in calls])
        must(calls, "what is done at Home is shown", (example, told))
        if isinstance(example, AtHome) and example.opens:
            must(example.admin or not self._workspace.views, "nobody else can open the form")

    async def _lives(self) -> None:
        workspace = self._workspace
        asked = await self._alice.says(f"{workspace.mention} Rain?", self._general)
        await workspace.until(lambda: answers(workspace, self._general, asked) == [WELL], seconds=10)
        await self._calm()
        must(answers(workspace, self._general, asked) == [WELL], "a question that follows gets one answer")
        must(workspace.sockets.connections == self._connections, "the connection is kept")
        must(self._kept.unfinished == self._unfinished, "every run ends", self._kept.unfinished)
        must(self._codes(), "the quiz of somebody else stays")
        self._forget()
        for post in [*self._general.posts.values()][3:-20]:  # what is old is of no use any more
            if post.root not in (self._quiz.ts, self._asked.ts):
                del self._general.posts[post.ts]

    async def _calm(self) -> None:
        assert self._still is not None or not self._connections
        if self._still is not None:
            left = await self._still.comes()
            must(not left, "all that was begun ends", left)
        await self._parley.quiet()
        self._logged.taken()

    # -- what there is ------------------------------------------------------------------------------------------

    def _public(self) -> int:
        """How many messages of Parley's everybody sees."""
        bot = self._workspace.bot_user
        return sum(post.user == bot for channel in self._workspace.channels.values() for post in channel.posts.values())

    def _outgoing(self) -> Iterator[str]:
        for call in self._workspace.calls:
            yield from all_texts(call.arguments)
        for response in self._workspace.responses:
            yield from all_texts(response.body)

    def _forget(self) -> None:
        workspace = self._workspace
        for seen in (workspace.calls, workspace.responses, workspace.ephemerals, workspace.ephemeral_posts):
            seen.clear()
        workspace.views.clear()
        workspace.delivery.events.clear()

    def _codes(self) -> list[str]:
        """What the buttons of the quiz carry."""
        posts = [
            post for post in self._workspace.thread(self._general, self._quiz) if post.user == self._workspace.bot_user
        ]
        return [str(element["value"]) for post in posts for _, element in post.elements() if "value" in element]

    def _values(self, code: str) -> dict[str, Any]:
        workspace = self._workspace
        url, _ = workspace.hooks.issue(self._bob, self._general)
        quiet = Post(self._general, workspace.next_ts(), self._bob.id, "Rain?")
        for place in (self._general, workspace.dm(self._bob)):  # so that an answer finds its place
            place.add(quiet)
        return {
            "user": self._bob.id,
            "channel": self._general.id,
            "direct": workspace.dm(self._bob).id,
            "ts": quiet.ts,
            "asked": self._asked.ts,
            "root": self._asked.root,
            "event": workspace.next_id("EvX"),
            "trigger": workspace.triggers.issue(self._bob),
            "view": workspace.next_id("VX"),
            "url": url,
            "code": code or self._codes()[0],
        }

    def _interaction(self, *, admin: bool) -> dict[str, Any]:
        person = self._carol if admin else self._bob
        values = {"user": person.id, "trigger": self._workspace.triggers.issue(person)}
        return {**put_in(INTERACTION, values)}

    async def _opened(self) -> OpenView:
        """The form for the assistant, as Carol opens it; where another one answers, she chooses this one before."""
        views = self._workspace.views
        opening, choice = AtHome("change", "", OWN, admin=True), AtHome("assistant", "", OWN, admin=True)
        for pressed in (opening, choice, opening):
            if not views:
                await self._brought(pressed)
                await self._calm()
        must(views, "an admin can open the form")
        form = views[-1]
        self._forget()
        return form

    def _press(self, pressed: Pressed) -> Any:
        values = self._values(pressed.code(self._codes()[0]))
        shape = "home press" if pressed.home else "menu" if pressed.menu else "press"
        return Delivered("interactive", shape, "").payload(values)


class _Answer:
    """Keeps what an envelope is answered with, where there is an answer."""

    def __init__(self, into: list[Any]) -> None:
        self._into = into

    def done(self) -> bool:
        return False

    def set_result(self, payload: Any) -> None:
        self._into.append(payload)


def _orders(text: str) -> bool:
    """It may be a command, such as `!help`, which is not asked of the model."""
    return re.match(r"[\s,:\0\ufeff]*!", text) is not None


def _forged(forged: Forged) -> dict[str, str]:
    """The headers that are other than Slack's."""
    value = "".join(one for one in forged.value if one.isprintable() and one.isascii())[:100]
    match forged.how:
        case "signature":
            return {"X-Slack-Signature": f"v0={'0' * 64}"}
        case "stale" | "future":
            return {}  # the signature is right, for a time that is not
        case "no timestamp":
            return {"X-Slack-Request-Timestamp": ""}
        case "no signature":
            return {"X-Slack-Signature": ""}
        case "odd timestamp":
            return {"X-Slack-Request-Timestamp": f"{value}9"}
        case "odd signature":
            return {"X-Slack-Signature": value}


def _staged(*, http: bool) -> Callable[[Path, Logged], AbstractAsyncContextManager[_Slack]]:
    @asynccontextmanager
    async def stage(folder: Path, logged: Logged) -> AsyncIterator[_Slack]:
        clock = HastyClock()
        async with slack(now=clock.now, limits=False) as workspace:
            registry = Registry([display_quiz])
            path, model = folder / "p.db", WellModel()
            async with slack_parley(
                path, model, workspace, http=http, clock=clock, registry=registry, flood_limit=0
            ) as parley:
                made = _Slack(parley, logged)
                await made.begin()
                yield made
                made.end()

    return stage


SOCKET = Target("slack socket", cases(http=False), _staged(http=False), usual=1_300, few=25)
HTTP = Target("slack http", cases(http=True), _staged(http=True), usual=1_300, few=25)
