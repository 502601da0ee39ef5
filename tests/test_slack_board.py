"""What is remembered of an answer on Slack, and that any schedule of states, faults and restarts ends in the answer."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from adapters.pace import Pace
from adapters.slack.answers import Answers
from adapters.slack.blocks import message, quiet, under
from adapters.slack.board import Board, Segment, digest
from adapters.slack.calls import Calls, SlackError, connect
from adapters.slack.hearing import Me
from adapters.slack.limits import unlimited
from adapters.slack.markdown import to_slack
from adapters.slack.showing import LONGEST, STREAM_LIFE
from adapters.slack.working import Working
from adapters.text import split
from bot.buttons import Button
from bot.ports import Conversation, Placed
from bot.view import StatusLine, View
from tests.hand_clock import HandClock
from tests.simulators.slack import Channel, Post, Workspace, slack

STOP = Button("stop", "run_1")
THUMBS = (Button("feedback", "run_1", "good"), Button("feedback", "run_1", "bad"))

# -- values ---------------------------------------------------------------------------------------------------------


def test_a_board_comes_back_from_json_as_it_was() -> None:
    segments = (Segment("1.1", "ab"), Segment("1.2", "cd", streaming=True, length=7, begun=3.5))
    board = Board("stream", "session", "1.0", segments, (4, 9), {"call_1": ("calling tide…", "complete")})
    assert Board.read(json.loads(json.dumps(board.state()))) == board


def test_nothing_recorded_is_an_empty_board() -> None:
    assert Board.read({}) == Board()


def test_a_segment_goes_on_only_in_a_text_that_begins_as_it_does() -> None:
    segment = Segment("1.1", digest("It sno"), streaming=True, length=6)
    assert segment.continues_in("It sno")
    assert segment.continues_in("It snows.")
    assert not segment.continues_in("It rains.")
    assert not segment.continues_in("It")


def test_only_the_last_message_of_a_board_can_be_open() -> None:
    closed, open_ = Segment("1.1"), Segment("1.2", streaming=True)
    assert Board().open is None
    assert Board(segments=(closed,)).open is None
    assert Board(segments=(closed, open_)).open == open_


def test_a_segment_takes_the_place_of_another_or_the_next() -> None:
    first, second, other = Segment("1.1"), Segment("1.2"), Segment("1.3")
    board = Board().with_segment(0, first).with_segment(1, second)
    assert board.segments == (first, second)
    assert board.with_segment(0, other).segments == (other, second)


def test_equal_blocks_have_one_fingerprint_whatever_their_order_of_keys() -> None:
    assert digest([{"a": 1, "b": 2}]) == digest([{"b": 2, "a": 1}])
    assert digest([{"a": 1}]) != digest([{"a": 2}])


def test_a_message_has_its_lines_above_its_text_and_its_buttons_below() -> None:
    kinds = [block["type"] for block in message("It snows.", ["⏳ calling tide…"], [STOP])]
    assert kinds == ["context", "markdown", "actions"]
    assert [block["type"] for block in message(" ", (), THUMBS)] == ["context_actions"]


def test_one_thumb_alone_is_no_pair_of_buttons() -> None:
    assert under(THUMBS[:1]) == []


def test_a_title_calls_nobody() -> None:
    assert quiet("<!channel> and @here, 1 < 2, a@b.example") == "<\u200b!channel> and @\u200bhere, 1 < 2, a@b.example"


# -- schedules ------------------------------------------------------------------------------------------------------


@dataclass
class Slip:
    """A `bot.ports.Reply` that keeps what is recorded."""

    conversation: Conversation
    route: Mapping[str, Any]
    run_id: str = "run_1"
    recorded: Placed = field(default_factory=lambda: Placed(undecided=True))

    @property
    def routes(self) -> Sequence[Mapping[str, Any]]:
        return [self.route]

    async def record(self, placed: Placed) -> None:
        self.recorded = Placed(json.loads(json.dumps(placed.state)), undecided=True)


@dataclass
class Stage:
    """One question, and an `Answers` that a restart makes anew."""

    workspace: Workspace
    clock: HandClock
    calls: Calls
    general: Channel
    question: Post
    slip: Slip
    answers: Answers = field(init=False)
    placed: Placed = field(default_factory=Placed)

    def __post_init__(self) -> None:
        self.restart()
        self.placed = Placed()

    def restart(self) -> None:
        """A new process knows what was recorded, and no more."""
        me = Me("T1", "Acme", self.workspace.bot_user, self.workspace.bot_id)
        self.answers = Answers(self.calls, me, self.clock, Working(self.calls, self.clock))
        self.placed = self.slip.recorded

    async def show(self, view: View) -> None:
        """As `bot.delivery` does: what failed is done again after a look."""
        for _ in range(8):
            try:
                self.placed = await self.answers.render(self.slip, view, self.placed)
            except SlackError as error:
                if error.permanent:
                    raise
                self.placed = Placed(self.placed.state, undecided=True)
            else:
                return
        raise AssertionError(f"not shown\n{self.workspace.dump()}")

    @property
    def posts(self) -> list[Post]:
        thread = self.workspace.thread(self.general, self.question)
        return [post for post in thread if post.user == self.workspace.bot_user]


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    clock = HandClock()
    async with slack(now=clock.now, limits=False) as workspace, aiohttp.ClientSession() as session:
        alice, general = workspace.person("Alice"), workspace.channel("general")
        question = await alice.says(f"{workspace.mention} rain?", general)
        hasty = Impatient(clock)
        calls = Calls(connect(workspace.bot_token, workspace.api_url, session), Pace(hasty, unlimited), hasty)
        route = {"ts": question.ts, "user": alice.id, "team": "T1", "said": "rain?"}
        slip = Slip(Conversation("slack", "T1", general.id, question.ts), route)
        yield Stage(workspace, clock, calls, general, question, slip)
        await calls.close()


@dataclass
class Impatient:
    """A clock on which every wait is over at once."""

    clock: HandClock

    def now(self) -> float:
        return self.clock.now()

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)


FAULTS: Sequence[Mapping[str, Any]] = ({"status": 429}, {"status": 503}, {"after": True}, {"drop": True})
METHODS = ("chat.startStream", "chat.appendStream", "chat.stopStream", "chat.update", "chat.postMessage")
TABLE = "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
WORDS = ("It snows. ", "**Oslo**", "\n\n- a list\n", "\n\n```\nx = 1\n```\n\n", "`code` ", TABLE, "and more ")


def bare(text: str) -> str:
    """Without blanks, and without the fences that a cut adds."""
    return "".join(text.split()).replace("```", "")


def written(chance: random.Random, longest: int) -> str:
    text = ""
    while len(text) < longest:
        text += chance.choice(WORDS)
    return text.strip("\n") or "x"


async def drive(stage: Stage, chance: random.Random, text: str) -> None:
    """Show states on the way to `text` as they come, with whatever can come between."""
    at, wrong = 0, ""
    for _ in range(chance.randint(0, 12)):
        match chance.randrange(10):
            case 0:
                stage.restart()
            case 1:
                stage.workspace.expire_streams()
            case 2:
                wrong = "" if wrong else "Something else. "
                at = 0
            case 3:
                stage.workspace.fails(chance.choice(METHODS), **chance.choice(FAULTS))
            case 4:
                stage.placed = Placed(stage.placed.state, undecided=True)
            case 5:
                stage.clock.advance(chance.choice((1, 100, 250)))
        at = min(len(text), at + chance.choice((0, 5, 40, len(text) // 3)))
        lines = [StatusLine("call_1", "tide", chance.choice(("running", "done")))][: chance.randrange(2)]
        await stage.show(View(lines, wrong + text[:at], buttons=(STOP,)))
    if chance.randrange(3) == 0:
        stage.restart()
    await stage.show(View((), text, "completed", buttons=THUMBS))


async def test_what_was_recorded_of_a_message_may_be_out_of_date() -> None:
    async with stage() as made:
        made.workspace.offers(streaming=False)
        long = "A line of prose.\n" * 800
        await made.show(View((), long, buttons=(STOP,)))
        await made.show(View((), "Something else.", buttons=(STOP,)))
        made.restart()
        await made.show(View((), long, "completed", buttons=THUMBS))
        assert bare("".join(post.text for post in made.posts)) == bare(long)


@pytest.mark.parametrize("seed", range(60))
async def test_any_schedule_ends_in_the_answer_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    text = written(chance, chance.choice((10, 300, 3_000, 25_000)))
    async with stage() as made:
        begun = made.clock.now()
        if chance.randrange(3) == 0:
            made.workspace.offers(streaming=False)
        if chance.randrange(3) == 0:
            made.workspace.offers(sessions=False)
        await drive(made, chance, text)
        shown = "".join(post.text for post in made.posts)
        session = made.workspace.session(made.general, made.question)
    assert bare(shown) == bare(to_slack(text, final=True)), made.workspace.dump()
    fewest = len(split(to_slack(text, final=True), LONGEST, final=True))
    assert len(made.posts) == fewest or (made.clock.now() - begun >= STREAM_LIFE and len(made.posts) > fewest)
    assert not any(post.streaming for post in made.posts)
    assert not [status for post in made.posts for _, status in post.tasks if status == "in_progress"]
    assert session is None or session.status == "active"
    assert made.workspace.status(made.general, made.question) == ""
