"""What Parley says on Slack where it is added to a channel: once, and only where it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.greeting import greeting
from tests.simulators.slack import Channel
from tests.slack_talk import Talk, talk_at

HELLO = greeting("<@UBOT>", follow_threads=True)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        yield made


async def invited(talk: Talk, *, private: bool = False, by_bob: bool = False) -> Channel:
    """A channel that Parley was added to, once it knows."""
    members = [talk.alice, talk.bob] if private else None
    place = talk.workspace.channel("quiet", private=private, members=members, bot=False)
    await talk.workspace.bot_joins(place, by=talk.bob if by_bob else talk.alice)
    await talk.settled()
    return place


def texts(talk: Talk, place: Channel) -> list[str]:
    return [post.text for post in talk.workspace.posts(place)]


@pytest.mark.parametrize("private", [False, True])
async def test_it_says_who_it_is_and_how_to_call_it(talk: Talk, private: bool) -> None:
    place = await invited(talk, private=private)
    await talk.workspace.until(lambda: texts(talk, place) == [HELLO])
    for part in ("I am Parley", talk.workspace.mention, "without a mention", "`/parley help`", "admins"):
        assert part in HELLO
    assert len(HELLO) < 400


async def test_it_says_so_once_however_often_slack_tells(talk: Talk) -> None:
    talk.workspace.lose_acks(2)
    place = await invited(talk)
    await talk.workspace.until(lambda: texts(talk, place) and not talk.workspace.unacknowledged)
    told, events = len(talk.workspace.acks), len(talk.workspace.delivery.events)
    await talk.workspace.redeliver()
    await talk.workspace.until(lambda: len(talk.workspace.acks) == told + events)
    await talk.asks("!help")
    await talk.workspace.until(talk.whispers)
    assert (texts(talk, place), talk.workspace.count("chat.postMessage")) == ([HELLO], 1)


async def test_whoever_else_comes_is_not_greeted(talk: Talk) -> None:
    await talk.workspace.person("Cleo").joins(talk.general)
    await talk.settled()
    await talk.asks("!help")
    await talk.workspace.until(talk.whispers)
    assert talk.workspace.count("chat.postMessage") == 0


async def test_where_it_may_not_answer_it_says_nothing(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=["slack:C0000002"]) as talk:
        place = await invited(talk)
        other = talk.workspace.channel("loud", bot=False)
        await talk.workspace.bot_joins(other)
        await talk.workspace.until(lambda: texts(talk, other))
        assert (place.id, texts(talk, place)) == ("C0000002", [])


async def test_who_is_not_allowed_to_ask_brings_no_greeting_in(tmp_path: Path) -> None:
    async with talk_at(tmp_path, allow=["slack:U0000001"]) as talk:
        bobs, alices = await invited(talk, by_bob=True), await invited(talk)
        await talk.workspace.until(lambda: texts(talk, alices))
        assert (texts(talk, bobs), texts(talk, alices)) == ([], [HELLO])


async def test_where_follow_ups_need_a_mention_it_says_that(tmp_path: Path) -> None:
    async with talk_at(tmp_path, follow_threads=False) as talk:
        place = await invited(talk)
        await talk.workspace.until(lambda: texts(talk, place))
        assert "without a mention" not in texts(talk, place)[0]


async def test_no_answer_depends_on_it(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.workspace.fails("chat.postMessage", "restricted_action")
    place = await invited(talk)
    await talk.workspace.until(lambda: talk.workspace.count("chat.postMessage"))
    asked = await talk.asks("Oslo?", where=place)
    assert await talk.answered(asked) == ["Cold."]
    assert texts(talk, place)[1:] == ["Cold."]
