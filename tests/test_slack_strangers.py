"""People of whom Slack does not tell who they are: they may be guests, and get no more than guests may have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.people import GUEST, STRANGER
from bot.presses import THANKS
from tests.slack_talk import Talk, talk_at


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        yield made


async def test_a_stranger_gets_help_and_may_stop_and_no_more(talk: Talk) -> None:
    guest = talk.workspace.person("Gus", guest=True)
    talk.workspace.fails("users.info", "missing_scope", times=20)
    told = [(await guest.command("/parley", text, talk.general)).text for text in ("tools list", "new", "stop", "Help")]
    assert told[:3] == [STRANGER, STRANGER, "There is nothing to stop here."]
    assert told[3].endswith("help — this list")


async def test_a_guest_who_becomes_known_is_told_why(talk: Talk) -> None:
    guest = talk.workspace.person("Gus", guest=True)
    talk.workspace.fails("users.info", "missing_scope")
    told = [(await guest.command("/parley", "tools list", talk.general)).text for _ in range(2)]
    assert told == [STRANGER, GUEST]


async def test_the_home_of_a_stranger_names_no_tool(talk: Talk) -> None:
    talk.workspace.fails("users.info", "missing_scope", times=20)
    await talk.alice.opens_home()
    await talk.workspace.until(lambda: talk.workspace.home(talk.alice))
    assert "forecast" not in talk.workspace.homes[talk.alice.id].text
    assert talk.workspace.count("users.info") == 1


async def test_the_buttons_of_an_answer_do_nothing_for_a_stranger(talk: Talk) -> None:
    talk.model.say("Cold.")
    await talk.answered(await talk.asks("Oslo?"))
    answer = talk.workspace.posts(talk.general)[-1]
    talk.workspace.fails("users.info", "missing_scope")
    await talk.bob.presses(answer, "feedback")
    await talk.workspace.until(lambda: talk.whispers(talk.bob) == [STRANGER])
    await talk.bob.presses(answer, "feedback")
    await talk.workspace.until(lambda: talk.whispers(talk.bob) == [STRANGER, THANKS])
