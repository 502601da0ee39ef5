"""What is remembered of an answer on Discord; any schedule of states, faults and restarts ends in the answer."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from adapters.discord.board import Board, Segment, digest
from adapters.discord.calls import DiscordError
from adapters.discord.markdown import to_discord
from adapters.discord.pen import MARGIN, TOKEN_LIFE
from adapters.discord.showing import LONG, parts_of
from bot.buttons import Button
from bot.view import Ask, LineState, Option, StatusLine, View
from tests.discord_stage import WAYS, Stage, stage
from tests.simulators.discord import CREATE, EDIT, FROM_MESSAGE, ORIGINAL, TYPING, Message

STOP = Button("stop", "run_1")
THUMBS = (Button("feedback", "run_1", "good"), Button("feedback", "run_1", "bad"))

# -- values ---------------------------------------------------------------------------------------------------------


def test_a_board_comes_back_from_json_as_it_was() -> None:
    board = Board("1", opened=True, response=True, again=2, segments=(Segment("2", "ab"), Segment("3")))
    assert Board.read(json.loads(json.dumps(board.state()))) == board


def test_nothing_recorded_is_an_empty_board() -> None:
    assert Board.read({}) == Board()


def test_a_segment_takes_the_place_of_another_or_the_next() -> None:
    first, second, other = Segment("1"), Segment("2"), Segment("3")
    board = Board().with_segment(0, first).with_segment(1, second)
    assert board.segments == (first, second)
    assert board.with_segment(0, other).segments == (other, second)


def test_an_unsure_board_knows_its_messages_and_not_what_they_show() -> None:
    assert Board("1", segments=(Segment("2", "ab"),)).unsure() == Board("1", segments=(Segment("2"),))


def test_equal_sheets_have_one_fingerprint_whatever_their_order_of_keys() -> None:
    assert digest([{"a": 1, "b": 2}]) == digest([{"b": 2, "a": 1}])
    assert digest([{"a": 1}]) != digest([{"a": 2}])


# -- what people are asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_a_question_that_somebody_deleted_comes_again_when_it_is_shown_once_more(way: str) -> None:
    view = View((), "It snows.", buttons=(STOP,), asks=[ASKS[0]])
    async with stage(way) as made:
        await made.show(view)
        (before,) = made.shown
        await made.show(view)
        assert made.shown == [before]
        await made.alice.deletes(before)
        await made.show(view)
        (shown,) = made.shown
        assert (shown.text, shown.buttons) == (before.text, ["Choice 0", "Choice 1", "Stop"])
        await made.show(View((), "It snows.", "completed", buttons=THUMBS))
        assert [one.text for one in made.shown] == ["It snows."]


@pytest.mark.parametrize("state", ["running", "done"])
async def test_a_question_is_excused_only_when_nothing_more_comes_and_once(state: LineState) -> None:
    lines, ways = [StatusLine("call_1", "tide", state)], {"running": 0, "done": 1}
    view = View(lines, "", buttons=(STOP,), asks=[ASKS[0]])
    async with stage("follow-up") as made:
        for _ in range(2):
            made.world.fails(CREATE, status=403)
            with pytest.raises(DiscordError):
                await made.show(view)
            made.clock.advance(3_600)
        assert len(made.world.dm(made.alice).messages) == ways[state]
        await made.show(replace(view, status_lines=()))
        assert len(made.world.dm(made.alice).messages) == ways[state]


# -- schedules ------------------------------------------------------------------------------------------------------

FAULTS: Sequence[Mapping[str, Any]] = (
    {"status": 429, "retry_after": 0.001},
    {"banned": True},
    {"status": 503},
    {"status": 503, "after": True},
    {"after": True},
    {"drop": True},
)
DELETE = "DELETE /channels/{channel_id}/messages/{message_id}"
LISTED = "GET /channels/{channel_id}/messages"
ROUTES = (FROM_MESSAGE, TYPING, CREATE, EDIT, ORIGINAL, DELETE, LISTED)
TABLE = "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
WORDS = ("It snows. ", "**Oslo**", "\n\n- a list\n", "\n\n```\nx = 1\n```\n\n", "`code` ", TABLE, "and more ")


def ask(number: int, count: int, text: str) -> Ask:
    buttons = [Button("answer", STOP.run_id, f"c{number}.{index}") for index in range(count)]
    return Ask("choice", text, [Option(f"Choice {index}", button) for index, button in enumerate(buttons)])


ASKS = [ask(number, count, "Which? " * (1 + 40 * number)) for number, count in enumerate((2, 7, 5, 20, 40, 3))]


def bare(text: str) -> str:
    """Without blanks, and without the fences that a cut adds."""
    return "".join(text.split()).replace("```", "")


def written(chance: random.Random, longest: int) -> str:
    text = ""
    while len(text) < longest:
        text += chance.choice(WORDS)
    return text.strip("\n") or "x"


async def drive(made: Stage, chance: random.Random, text: str) -> None:
    """Show states on the way to `text` as they come, with whatever can come between."""
    at, wrong, killed = 0, "", False
    for _ in range(chance.randint(0, 12)):
        match chance.randrange(10):
            case 0:
                made.restart()
            case 1:
                killed = True
            case 2:
                wrong = "" if wrong else "Something else. "
                at = 0
            case 3:
                made.world.fails(chance.choice(ROUTES), times=chance.randint(1, 5), **chance.choice(FAULTS))
            case 4 if made.shown and not made.shown[-1].ephemeral and made.is_noticed:
                await made.alice.deletes(made.shown[-1])
            case 5:
                made.clock.advance(chance.choice((1, 100, 400)))
        at = min(len(text), at + chance.choice((0, 5, 40, len(text) // 3)))
        lines = [StatusLine("call_1", "tide", chance.choice(("running", "done")))][: chance.randrange(2)]
        asks = chance.sample(ASKS, chance.choice((0, 0, 0, 1, 6)))
        view = View(lines, wrong + text[:at], buttons=(STOP,), asks=asks)
        if killed:
            await made.killed_in(chance.choice(ROUTES), view, after=chance.random() < 0.5)
        else:
            await made.show(view)
        if asks:  # it rests, and somebody else goes on
            made.placed = replace(made.placed, undecided=True)
        killed = False
    view = View((), text, "completed", buttons=THUMBS)
    if chance.randrange(3) == 0:
        await made.killed_in(chance.choice(ROUTES), view, after=chance.random() < 0.5)
    await made.show(view)


def read(shown: Sequence[Message]) -> str:
    """What people read, of an answer that has room in one message only in its file."""
    texts = [one.text for one in shown]
    return shown[0].files[0].content.decode() if len(shown) == 1 and shown[0].files else "".join(texts)


@pytest.mark.parametrize("seed", range(60))
async def test_any_schedule_ends_in_the_answer_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    text = written(chance, chance.choice((10, 300, 3_000, 14_000)))
    async with stage(WAYS[seed % len(WAYS)]) as made:
        begun = made.clock.now()
        await drive(made, chance, text)
        shown, dump = made.shown, made.world.dump()
        if made.clock.now() - begun > TOKEN_LIFE - MARGIN:  # what one person saw cannot be changed any more
            shown = [one for one in shown if not one.ephemeral]
    *others, last = shown
    parts = parts_of(to_discord(text, final=True), final=True)
    assert bare(read(shown)) in (bare(to_discord(text, final=True)), bare(text)), dump
    assert len(shown) == (1 if last.ephemeral else len(parts)), dump
    assert last.buttons == ["None", "None"], dump
    assert not any(one.buttons or one.files for one in others), dump
    assert bool(last.files) == (len(text) > LONG or (last.ephemeral and len(parts) > 1)), dump
