"""What a model streams, by way of the real client, and what the person reads of it, and of the next answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

from bot.models.connect import Endpoint, connect
from tests.fuzz.findings import must, nothing_inside
from tests.fuzz.kept import Kept
from tests.fuzz.logs import Logged
from tests.fuzz.stream_events import Answer, Api, answers
from tests.fuzz.targets import Target, Verdict
from tests.fuzz.well import WELL
from tests.hasty_clock import HastyClock
from tests.parley import Parley, parley_at
from tests.simulators.openai import OpenAISimulator, Request, Turn
from tests.simulators.serve import serve


def _well(_: Request) -> Turn:
    return Turn(text=WELL)


class _Streams:
    """Each example has a conversation of its own, in which the next question is asked as well: what the model said must
    not stand in the way of what it is asked then.
    """

    def __init__(self, parley: Parley, openai: OpenAISimulator, api: Api, logged: Logged, kept: Kept) -> None:
        self._parley, self._openai, self._api, self._logged, self._kept = parley, openai, api, logged, kept
        self._threads = map(str, count(1))

    async def tries(self, example: Answer) -> Verdict:
        thread = next(self._threads)
        self._openai.raw(*example.events(self._api))
        first = await self._asked(thread)
        nothing_inside(first, "people")
        self._ended(thread, first)
        for text in first:
            text.encode()
        must(not (example.sound and self._openai.problems), "a sound answer goes back soundly", self._openai.problems)
        self._openai.script.clear()
        self._openai.problems.clear()  # a server that speaks unsoundly may refuse to hear the same
        second = await self._asked(thread)
        must(
            second == [WELL], "the next question in the thread gets one answer", (first, second, self._openai.problems)
        )
        must(not self._openai.problems, "requests to the model are sound", self._openai.problems)
        self._openai.requests.clear()
        self._parley.room.posts.clear()
        self._logged.taken()
        status, _ = self._kept.ends(thread)[0]
        if example.sound and not example.calls:
            self._says(example, status, first)
        return "accepted" if status == "completed" else "refused"

    async def _asked(self, thread: str) -> list[str]:
        """What came of a question: the texts of the posts for it, each as it is at last."""
        before = {*self._parley.room.posts}
        await self._parley.alice.say("Rain?", thread=thread)
        await self._parley.quiet()
        posts = {number: post for number, post in self._parley.room.posts.items() if number not in before}
        must(all(post.final for post in posts.values()), "every answer comes to an end", posts)
        return [post.text for post in posts.values()]

    def _ended(self, thread: str, answers: list[str]) -> None:
        ends = self._kept.ends(thread)
        must(len(ends) == 1 and ends[0][0] in ("completed", "failed", "incomplete"), "the run ends", ends)
        must(len(answers) == 1 and answers[0].strip(), "a question gets one answer", (answers, ends))

    def _says(self, example: Answer, status: str, shown: list[str]) -> None:
        """What is sound is shown, whatever it says; who says nothing at all has failed, and is told so."""
        if "".join(example.texts).strip():
            must(status == "completed", "a sound answer is complete", (status, shown))


def _staged(api: Api) -> Callable[[Path, Logged], AbstractAsyncContextManager[_Streams]]:
    @asynccontextmanager
    async def stage(folder: Path, logged: Logged) -> AsyncIterator[_Streams]:
        openai = OpenAISimulator(key="sk-simulated-key", brain=_well)
        async with serve(openai.app) as url:
            model = connect(Endpoint(api=api, api_key=openai.key, base_url=f"{url}/v1"))
            async with parley_at(folder / "p.db", model, clock=HastyClock(), flood_limit=0) as parley:
                kept = Kept(parley.core.database.path)
                yield _Streams(parley, openai, api, logged, kept)
                kept.close()

    return stage


RESPONSES = Target("responses stream", answers(), _staged("responses"), usual=300, few=12)
CHAT = Target("chat stream", answers(), _staged("chat"), usual=500, few=12)
