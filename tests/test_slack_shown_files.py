"""Files that tools make, on Slack: in the thread below the answer, once, and never at the answer's cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack import sharing
from adapters.slack.board import Board
from adapters.slack.manifest import SCOPES
from adapters.slack.sharing import WAITS
from tests.drawing import CHART, DRAWN, drawing, drawing_of
from tests.simulators.slack import Post
from tests.slack_parley import JUDGED, Scene, buttons, scene

OPENED, SENT, SHARED = "files.getUploadURLExternal", "upload", "files.completeUploadExternal"


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def draws(chat: Scene, answer: str = "Cold.") -> None:
    chat.model.call(("draw", {"place": "Oslo"}))
    chat.model.say(answer)


def files(chat: Scene, asked: Post) -> list[tuple[str, bytes]]:
    return [(file.name, file.content) for post in chat.posts(asked) for file in post.files]


def texts(chat: Scene, asked: Post) -> list[str]:
    return [post.text.strip() for post in chat.posts(asked)]


async def later(chat: Scene, asked: Post, *shown: str) -> None:
    """Wait until the thread shows these messages and nobody works on it, while time goes by."""

    def after_a_second() -> bool:
        chat.clock.advance(1)
        return texts(chat, asked) == [*shown] and not chat.waits(asked)

    await chat.workspace.until(after_a_second)


# -- where they are ---------------------------------------------------------------------------------------------------


async def test_files_stand_below_the_answer_in_one_message_of_their_own(chat: Scene) -> None:
    draws(chat)
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        answer, below = await chat.answered(asked, "Cold.", "")
        await parley.settled()
        shown = [(file.name, file.content, file.user) for file in below.files]
        assert shown == [(name, content, chat.workspace.bot_user) for name, content in DRAWN]
        assert (below.root, below.blocks, buttons(answer)) == (asked.ts, [], JUDGED)
    assert (chat.workspace.violations, chat.workspace.ephemerals) == ([], [])


async def test_the_answer_is_there_before_a_file_is_sent(chat: Scene) -> None:
    draws(chat)
    held = chat.workspace.holds(OPENED)
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        await held.reached()
        assert texts(chat, asked) == ["Cold."]
        held.release()
        await parley.settled()
    assert files(chat, asked) == DRAWN


async def test_the_next_answer_takes_no_file_for_an_unfinished_message(chat: Scene) -> None:
    draws(chat)
    gate = chat.model.hold("It ")
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        await chat.answered(asked, "Cold.", "")
        await chat.asks("and now?", thread=asked)
        async with asyncio.timeout(20):
            await gate.reached.wait()
        await parley.core.handler.close(grace=0)
    chat.model.say("It snows.")
    async with chat.parley(registry=drawing()):
        await chat.answered(asked, "Cold.", "", "It snows.")
    assert files(chat, asked) == DRAWN


@pytest.mark.parametrize("name", ["../../<!channel> @here\x1b[2J\u202e.png", "a" * 500 + ".png", "...", "`x`|*y*.png"])
async def test_the_name_of_a_file_is_a_name_and_nothing_else(chat: Scene, name: str) -> None:
    draws(chat)
    async with chat.parley(registry=drawing_of((name, CHART))) as parley:
        asked = await chat.asks()
        await parley.settled()
    ((shown, content),) = files(chat, asked)
    assert content == CHART
    assert not set(shown) & set("/\\<>@`*|!\x1b\u202e")
    assert 0 < len(shown) <= 60


async def test_there_are_ten_files_and_a_sentence_for_the_others(chat: Scene) -> None:
    six = [(f"{number}.png", CHART) for number in range(6)]
    chat.model.call(*[("draw", {"place": place}) for place in ("Oslo", "Bergen")])
    chat.model.say("Cold.")
    async with chat.parley(registry=drawing_of(*six)) as parley:
        asked = await chat.asks()
        await parley.settled()
    assert files(chat, asked) == [*six, *six[:4]]
    assert texts(chat, asked)[0] == "Cold.\n\nI could not show `4.png`, `5.png` here: An answer has room for 10 files."


# -- whatever happens -------------------------------------------------------------------------------------------------


async def broken_off(chat: Scene, method: str, *, after: bool = False) -> Post:
    """The process ends in such a call."""
    draws(chat)
    held = chat.workspace.holds(method, after=after)
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        async with asyncio.timeout(20):
            await held.reached()
        await parley.core.handler.close(grace=0)
    held.release()
    chat.clock.advance(5)
    return asked


@pytest.mark.parametrize("after", [False, True], ids=["before it has its effect", "after that"])
@pytest.mark.parametrize("method", ["chat.stopStream", OPENED, SENT, SHARED])
async def test_whichever_call_it_ends_in_the_files_are_shown_once(chat: Scene, method: str, after: bool) -> None:
    asked = await broken_off(chat, method, after=after)
    async with chat.parley(registry=drawing()) as parley:
        await chat.answered(asked, "Cold.", "")
        await parley.settled()
    assert (texts(chat, asked), files(chat, asked)) == (["Cold.", ""], DRAWN)


async def test_files_that_slack_shares_later_than_it_says_are_not_shared_again(chat: Scene) -> None:
    chat.workspace.uploads.lags = True
    asked = await broken_off(chat, SHARED, after=True)
    async with chat.parley(registry=drawing()) as parley:
        await parley.settled()
        assert texts(chat, asked) == ["Cold."]
        chat.workspace.uploads.catch_up()
        await chat.answered(asked, "Cold.", "")
    assert files(chat, asked) == DRAWN


@pytest.mark.parametrize("fate", ["kept", "told of", "thrown away"])
async def test_what_was_uploaded_and_not_shared_is_shared_by_the_next_life(chat: Scene, fate: str) -> None:
    draws(chat)
    chat.workspace.uploads.tells = fate == "told of"
    chat.workspace.fails(SHARED, status=503, times=99)
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        await chat.workspace.until(lambda: chat.workspace.count(SHARED))
        await parley.core.handler.close(grace=0)
    chat.workspace.faults.clear()
    if fate == "thrown away":
        chat.workspace.uploads.forget()
    async with chat.parley(registry=drawing()) as parley:
        await chat.answered(asked, "Cold.", "")
        await parley.settled()
    assert files(chat, asked) == DRAWN
    assert chat.workspace.count(OPENED) == len(DRAWN) * (2 if fate == "thrown away" else 1)


@pytest.mark.parametrize("fault", [{"after": True}, {"drop": True}, {"status": 503}, {"error": "ratelimited"}], ids=str)
@pytest.mark.parametrize("method", [OPENED, SENT, SHARED])
async def test_a_call_that_fails_is_made_good(chat: Scene, method: str, fault: dict[str, object]) -> None:
    draws(chat)
    chat.workspace.fails(method, **fault)  # type: ignore[arg-type]
    async with chat.parley(registry=drawing()):
        asked = await chat.asks()
        await later(chat, asked, "Cold.", "")
    assert files(chat, asked) == DRAWN


# -- where they cannot be shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [OPENED, SHARED])
async def test_what_slack_refuses_costs_the_answer_nothing_but_a_sentence(chat: Scene, method: str) -> None:
    draws(chat)
    chat.workspace.fails(method, "restricted_action", times=9)
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        await parley.settled()
        (answer,) = chat.posts(asked)
        assert not chat.waits(asked)
    first, _, told = answer.text.strip().partition("\n\n")
    assert (first, buttons(answer)) == ("Cold.", JUDGED)
    assert told.startswith("I could not show `chart.png`, `table.csv` here: Slack does not let Parley call files.")


async def test_without_the_scope_the_sentence_says_which(chat: Scene) -> None:
    draws(chat)
    chat.workspace.grants({*SCOPES} - {"files:write"})
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        await parley.settled()
    (text,) = texts(chat, asked)
    assert text.startswith("Cold.\n\nI could not show `chart.png`, `table.csv` here: Slack wants the scope files:write")


async def test_one_file_that_is_refused_does_not_keep_the_other(chat: Scene) -> None:
    draws(chat)
    async with chat.parley(registry=drawing_of(("empty.png", b""), ("chart.png", CHART))) as parley:
        asked = await chat.asks()
        await parley.settled()
    assert files(chat, asked) == [("chart.png", CHART)]
    assert texts(chat, asked)[0].startswith("Cold.\n\nI could not show `empty.png` here: ")


async def test_a_slack_that_fails_for_long_is_given_up_in_a_sentence(chat: Scene) -> None:
    draws(chat)
    chat.workspace.fails(SENT, times=len(WAITS) + 1)
    async with chat.parley(registry=drawing()):
        asked = await chat.asks()
        sentence = "Slack did not take it (HTTP 500). Please try again."
        await later(chat, asked, f"Cold.\n\nI could not show `chart.png`, `table.csv` here: {sentence}")


async def test_of_files_that_slack_has_taken_without_a_word_nothing_is_said(
    chat: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "PATIENCE", 1.0)
    draws(chat)
    held = chat.workspace.holds(SHARED, after=True)
    async with chat.parley(registry=drawing()) as parley:
        asked = await chat.asks()
        await held.reached()
        await parley.settled()
        held.release()
    assert (texts(chat, asked), files(chat, asked)) == (["Cold.", ""], DRAWN)


def test_a_board_of_an_earlier_version_is_read() -> None:
    state = Board().state()
    for name in ("uploads", "handed", "unshown"):
        del state[name]
    assert Board.read(state) == Board()
