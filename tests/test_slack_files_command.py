"""Admins give Parley files to search, with a message in Slack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import Call, CallOutput, Turn
from tests.slack_talk import Talk, talk_at
from tools.file_search import file_search
from tools.registry import Registry


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path, registry=Registry([file_search]), admins=("slack:U0000001",)) as made:
        yield made


async def test_a_file_that_an_admin_adds_is_found_in_every_thread_of_the_channel(talk: Talk) -> None:
    travel = talk.workspace.file("travel.txt", b"Hotels: up to 120 euro a night.")
    await talk.asks("!files add here", files=[travel])
    await talk.settled()
    await talk.parley.core.shelving.quiet()
    await talk.workspace.until(talk.whispers)
    assert talk.whispers() == ["I am reading travel.txt for this channel. “files list” tells when I can search it."]
    talk.model.act(Turn("", calls=(Call("call_1", "file_search", '{"query": "hotels"}'),)))
    talk.model.say("Up to 120 €.")
    assert await talk.answered(await talk.asks("How much is a hotel?", who=talk.bob)) == ["Up to 120 €."]
    (output,) = [item.output for item in talk.model.requests[-1].items if isinstance(item, CallOutput)]
    assert [passage["file"] for passage in json.loads(output)["passages"]] == ["travel.txt"]


async def test_who_is_no_admin_adds_nothing(talk: Talk) -> None:
    travel = talk.workspace.file("travel.txt", b"Hotels: up to 120 euro a night.")
    await talk.asks("!files add", who=talk.bob, files=[travel])
    await talk.workspace.until(lambda: talk.whispers(talk.bob))
    (said,) = talk.whispers(talk.bob)
    assert said.startswith("Only admins can add and remove files here.")


async def test_a_name_of_which_slack_makes_a_link_is_a_name(talk: Talk) -> None:
    await talk.asks("!files add", files=[talk.workspace.file("notes.md", b"Hotels.")])
    await talk.workspace.until(talk.whispers)
    await talk.parley.core.shelving.quiet()
    await talk.asks("!files remove <http://notes.md|notes.md>")
    await talk.workspace.until(lambda: len(talk.whispers()) == 2)
    assert talk.whispers()[1] == "notes.md is removed: it was for the whole workspace."
