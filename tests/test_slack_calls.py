"""The door to Slack's Web API, with the real client against a Slack of a few lines on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import LogCapture

from adapters.effort import PAUSES
from adapters.pace import Pace, Rank
from adapters.slack.budget import LIFE, StreamBudget
from adapters.slack.calls import Calls, SlackError, connect
from adapters.slack.errors import broken
from adapters.slack.limits import limit, unlimited
from tests.hand_clock import HandClock
from tests.simulators.serve import serve

CUT = Response()
"""Stands for an answer whose connection is lost in the middle of it."""
FINE = JSONResponse({"ok": True, "ts": "1.1"})


def refusal(error: str, **more: Any) -> Response:
    return JSONResponse({"ok": False, "error": error, **more})


def too_many(seconds: int | None = None) -> Response:
    headers = {} if seconds is None else {"retry-after": str(seconds)}
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers)


class Slack:
    """Answers with `answers`, one after another, and then with success. `heard`: method and arguments of each call."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.ports: set[int] = set()
        self.silent = asyncio.Event()
        self.app = Starlette(routes=[Route("/api/{method}", self._answer, methods=["GET", "POST"])])

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.heard]

    async def _answer(self, request: Request) -> Response:
        assert request.client is not None
        self.ports.add(request.client.port)
        given = dict(request.query_params) if request.method == "GET" else json.loads(await request.body())
        self.heard.append((request.path_params["method"], given))
        answer = self.answers.pop(0) if self.answers else FINE
        return StreamingResponse(half_an_answer(), media_type="application/json") if answer is CUT else answer


async def half_an_answer() -> AsyncIterator[bytes]:
    yield b'{"ok": t'
    raise ConnectionError


class Bot:
    def __init__(self, slack: Slack, url: str) -> None:
        self.slack = slack
        self.url = url
        self.clock = HandClock()
        self.pace = Pace(self.clock, limit)
        self.calls = Calls(connect("xoxb-1", f"{url}/api"), self.pace, self.clock)

    async def post(self, text: str = "hi", **how: Any) -> Mapping[str, Any]:
        return await self.call("chat.postMessage", {"channel": "C1", "text": text}, channel="C1", **how)

    async def call(self, method: str, arguments: Mapping[str, Any], **how: Any) -> Mapping[str, Any]:
        """With a clock that goes on by itself wherever the call waits."""
        going = asyncio.create_task(self.calls.call(method, arguments, rank=Rank.FINAL, **how))
        while not going.done():
            sleeping = asyncio.create_task(self.clock.asleep())
            await asyncio.wait([going, sleeping], return_when=asyncio.FIRST_COMPLETED)
            if sleeping.done() and not going.done():
                self.clock.advance(sleeping.result())
                await asyncio.sleep(0)
            sleeping.cancel()
        return await going

    async def refused(self, method: str = "chat.postMessage", **how: Any) -> SlackError:
        with pytest.raises(SlackError) as caught:
            await self.call(method, {"channel": "C1"}, channel="C1", **how)
        return caught.value


@pytest.fixture
async def slack() -> Slack:
    return Slack()


@pytest.fixture
async def bot(slack: Slack) -> AsyncIterator[Bot]:
    async with serve(slack.app) as url:
        made = Bot(slack, url)
        yield made
        await made.calls.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    capture = LogCapture()
    monkeypatch.setattr("adapters.slack.calls.log", structlog.wrap_logger(None, processors=[capture]))
    return capture


async def test_nested_blocks_arrive_and_what_is_none_does_not(bot: Bot, slack: Slack) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Zürich*"}}]
    sent = {"channel": "C1", "blocks": blocks, "thread_ts": None, "unfurl_links": False}
    answer = await bot.call("chat.postMessage", sent)
    assert answer == {"ok": True, "ts": "1.1"}
    assert slack.heard == [("chat.postMessage", {"channel": "C1", "blocks": blocks, "unfurl_links": False})]


async def test_reads_take_their_arguments_as_a_query(bot: Bot, slack: Slack) -> None:
    await bot.call("conversations.replies", {"ts": "1.1", "limit": 2, "inclusive": True, "cursor": None})
    assert slack.heard == [("conversations.replies", {"ts": "1.1", "limit": "2", "inclusive": "1"})]


async def test_calls_share_a_connection_and_take_ten_seconds_at_most(bot: Bot, slack: Slack) -> None:
    for _ in range(3):
        await bot.call("chat.update", {})
    assert len(slack.ports) == 1
    assert bot.calls.session.timeout.total == 10


async def test_a_revoked_token_says_what_to_do_and_is_logged_once_a_minute(
    bot: Bot, slack: Slack, told: LogCapture
) -> None:
    slack.answers = [refusal("token_revoked") for _ in range(4)]
    for pause in (0, 30, 31, 0):
        bot.clock.advance(pause)
        error = await bot.refused()
    assert str(error) == "Slack refuses the bot token (token_revoked): install the app again and set SLACK_BOT_TOKEN."
    assert (error.error, error.method, error.permanent, error.harmless) == (
        "token_revoked", "chat.postMessage", True, True,
    )  # fmt: skip
    assert [entry["error"] for entry in told.entries] == ["token_revoked", "token_revoked"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refusal("missing_scope", needed="users:read", provided="chat:write"), "the scope users:read for"),
        (refusal("not_in_channel"), "Parley is not in the channel C1: invite it"),
        (refusal("is_archived"), "in the channel C1: it is archived"),
        (refusal("msg_too_long"), "too long (msg_too_long)"),
        (refusal("restricted_action_thread_only_channel"), "ask an admin"),
        (refusal("unknown_method"), "does not offer chat.postMessage"),
        (
            refusal("invalid_blocks", response_metadata={"messages": ["no `type`"]}),
            "invalid_blocks. It says: no `type`",
        ),
        (refusal("some_new_word"), "Slack refuses chat.postMessage: some_new_word."),
        (Response("<html>", 404, media_type="text/html"), "HTTP 404 is not Slack's Web API: check SLACK_API_URL"),
        (Response("<html>", 200, media_type="text/html"), "is not Slack's Web API: check SLACK_API_URL"),
        (Response("ok", 200, media_type="text/plain"), "is not Slack's Web API: check SLACK_API_URL"),
        (JSONResponse(["ok"]), "is not Slack's Web API: check SLACK_API_URL"),
    ],
)
async def test_what_cannot_be_mended_by_trying_again_says_what_can(
    bot: Bot, slack: Slack, answer: Response, sentence: str
) -> None:
    slack.answers = [answer]
    error = await bot.refused(sure=True)
    assert sentence in str(error)
    assert error.permanent
    assert len(slack.heard) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        CUT,
        refusal("internal_error"),
        refusal("some_unavailable"),
        JSONResponse({"ok": False, "error": "fatal_error"}, 500),
        Response("<html>", 503, media_type="text/html"),
        Response("oops", 502),
        Response('{"ok": tr', media_type="application/json"),
    ],
)
async def test_a_post_that_may_have_arrived_is_never_sent_again(bot: Bot, slack: Slack, trouble: Response) -> None:
    slack.answers = [trouble]
    error = await bot.refused()
    assert (error.lost, error.permanent, len(slack.heard)) == (True, False, 1)
    slack.heard.clear()
    slack.answers = [trouble] * 3
    await bot.call("chat.update", {}, sure=True)
    assert len(slack.heard) == 4
    slack.answers = [trouble] * 4
    assert (await bot.refused("chat.update", sure=True)).lost


async def test_a_connection_that_drops_without_a_word_is_used_for_one_attempt_only(bot: Bot) -> None:
    heard = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n"))
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        calls = Calls(connect("xoxb-1", f"http://127.0.0.1:{port}/api"), bot.pace, bot.clock)
        with pytest.raises(SlackError) as caught:
            await calls.call("chat.postMessage", {}, rank=Rank.FINAL)
        await calls.close()
    assert (caught.value.error, caught.value.lost) == ("connection_lost", True)
    assert heard == [b"POST /api/chat.postMessage HTTP/1.1\r\n"]


async def test_attempts_wait_longer_each_time_and_as_long_as_a_failing_slack_wants(bot: Bot, slack: Slack) -> None:
    down = Response("", 503, {"retry-after": "4"})
    slack.answers = [CUT, down, CUT]
    await bot.call("chat.update", {}, sure=True)
    assert bot.clock.sleeps == [0.5, 4, 2]
    slack.answers = [Response("", 503, {"retry-after": "60"})]
    assert (await bot.refused("chat.update", sure=True)).retry_after == 60


async def test_a_slack_that_stays_silent_is_given_up(bot: Bot, slack: Slack) -> None:
    async def answer(request: Request) -> Response:
        await slack.silent.wait()
        return FINE

    async with serve(Starlette(routes=[Route("/api/{method}", answer, methods=["POST"])])) as url:
        hasty = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05))
        calls = Calls(connect("xoxb-1", f"{url}/api/", hasty), Pace(bot.clock, limit), bot.clock)
        with pytest.raises(SlackError, match="lost before it answered") as caught:
            await calls.call("chat.postMessage", {}, rank=Rank.FINAL)
        await calls.close()
    assert (caught.value.error, caught.value.lost) == ("connection_lost", True)


async def test_a_slack_that_cannot_be_reached_has_got_nothing(slack: Slack) -> None:
    async with serve(slack.app) as url:
        pass
    bot = Bot(slack, url)
    error = await bot.refused()
    assert (error.error, error.harmless, error.permanent) == ("not_connected", True, False)
    assert bot.clock.sleeps[-1] == 2
    hasty = await bot.refused(patient=False)
    assert (hasty.error, len(bot.clock.sleeps)) == ("not_connected", 5)
    assert broken("views.open", aiohttp.ConnectionTimeoutError()).harmless
    await bot.calls.close()


async def test_a_patient_call_keeps_the_pause_and_is_made_again(bot: Bot, slack: Slack) -> None:
    slack.answers = [too_many(30), too_many(), too_many(0)]
    start = bot.clock.now()
    assert await bot.post() == {"ok": True, "ts": "1.1"}
    assert bot.clock.now() - start == pytest.approx(36)
    assert slack.methods == ["chat.postMessage"] * 4


async def test_a_hasty_call_says_how_long_the_pause_is_and_the_next_one_keeps_it(bot: Bot, slack: Slack) -> None:
    slack.answers = [too_many(30)]
    error = await bot.refused(patient=False)
    assert (error.retry_after, error.permanent, error.harmless, error.limited) == (30, False, True, True)
    assert not bot.calls.room("chat.postMessage", "C1")
    assert bot.calls.room("chat.postMessage", "C2")
    assert bot.pace.delay(["chat.postMessage C1"]) == 30


async def test_a_pause_for_another_method_holds_for_all_channels(bot: Bot, slack: Slack) -> None:
    slack.answers = [too_many(30)]
    await bot.refused("chat.update", patient=False)
    assert not bot.calls.room("chat.update", "C2")


async def test_patience_ends_after_ten_pauses_or_five_minutes(bot: Bot, slack: Slack) -> None:
    slack.answers = [too_many(1) for _ in range(PAUSES + 1)]
    assert (await bot.refused()).retry_after == 1
    assert len(slack.heard) == PAUSES + 1
    slack.heard.clear()
    slack.answers = [too_many(200), too_many(200)]
    assert (await bot.refused()).retry_after == 200
    assert len(slack.heard) == 2


async def test_a_channel_gets_one_message_a_second_while_others_go_on(bot: Bot) -> None:
    start = bot.clock.now()
    await bot.post("one")
    assert not bot.calls.room("chat.postMessage", "C1")
    await bot.call("chat.postMessage", {"channel": "C2"}, channel="C2")
    assert bot.clock.now() == start
    await bot.post("two")
    assert bot.clock.now() - start == pytest.approx(1)


async def test_a_turn_taken_beforehand_is_not_waited_for_again(bot: Bot, slack: Slack) -> None:
    await bot.calls.wait("chat.update", "1.1", Rank.STATE)
    again = asyncio.create_task(bot.calls.wait("chat.update", "1.1", Rank.STATE))
    other = asyncio.create_task(bot.calls.wait("chat.update", "2.2", Rank.STATE))
    assert await bot.clock.asleep() == pytest.approx(1.5)
    assert (again.done(), other.done()) == (False, True)
    bot.pace.hold("chat.update", 60)
    await bot.calls.call("chat.update", {"ts": "1.1"}, rank=Rank.STATE, paced=True)
    assert slack.methods == ["chat.update"]
    again.cancel()


async def test_a_turn_taken_beforehand_is_good_for_one_attempt(bot: Bot, slack: Slack) -> None:
    await bot.calls.wait("chat.update", "1.1", Rank.STATE)
    slack.answers = [too_many(30)]
    start = bot.clock.now()
    await bot.call("chat.update", {"ts": "1.1"}, paced=True)
    assert bot.clock.now() - start == pytest.approx(30)


async def test_states_on_the_way_leave_room_for_finals_and_never_come_in_one_burst(bot: Bot) -> None:
    went = 0
    for _ in range(119):
        burst = 0
        while bot.calls.room("chat.update", rank=Rank.STATE):
            await bot.calls.wait("chat.update", f"{went}.0", Rank.STATE)
            went, burst = went + 1, burst + 1
        assert burst <= 4
        assert bot.calls.room("chat.update")
        bot.clock.advance(0.5)
    assert went == 40
    assert bot.pace.spare("chat.update") == 10


async def test_only_so_many_streams_begin_as_can_be_ended_within_the_minute(bot: Bot) -> None:
    streams = bot.calls.streams
    assert [streams.start() for _ in range(21)] == [True] * 20 + [False]
    bot.clock.advance(60)
    assert not streams.start()  # all of them are open, and would want the minute's stops
    await bot.call("chat.stopStream", {})
    streams.over()
    assert not streams.start()
    streams.over()
    assert streams.start()


async def test_streams_that_end_by_themselves_still_used_up_their_starts(bot: Bot) -> None:
    streams = bot.calls.streams
    for _ in range(20):
        assert streams.start()
        streams.over()
    assert not streams.start()
    bot.clock.advance(60)
    assert streams.start()


async def test_a_stop_never_waits_whatever_began_and_ended_before(bot: Bot) -> None:
    streams, running, begun = bot.calls.streams, 0, 0
    for step in range(600):
        if streams.start():
            running, begun = running + 1, begun + 1
        if step % 40 > 20 and running:
            assert bot.pace.take(["chat.stopStream"])
            streams.over()
            running -= 1
        assert bot.pace.spare("chat.stopStream") >= running
        bot.clock.advance(1.3)
    assert begun > 100


async def test_streams_nobody_told_the_end_of_do_not_use_the_budget_up(bot: Bot) -> None:
    streams = bot.calls.streams
    while streams.start():
        pass
    bot.clock.advance(LIFE - 1)
    assert not streams.start()
    bot.clock.advance(1)
    assert streams.start()


async def test_without_limits_nothing_waits_but_where_slack_asks_for_it() -> None:
    pace = Pace(HandClock(), unlimited)
    streams = StreamBudget(pace, HandClock())
    assert all(streams.start() for _ in range(500))
    pace.hold("chat.stopStream", 30)
    assert not streams.start()


async def test_closing_ends_the_connections_and_who_waits_for_a_turn(bot: Bot) -> None:
    await bot.post()
    waiting = asyncio.create_task(bot.calls.wait("chat.postMessage", "C1", Rank.FINAL))
    await bot.clock.asleep()
    await bot.calls.close()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert bot.calls.session.closed
