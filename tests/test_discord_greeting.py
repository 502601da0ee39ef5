"""What Parley says on Discord when somebody adds it to a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.discord import gateway
from adapters.discord.greeting import HELLO
from bot.app import Core
from bot.ports import Answer, CommandRequest
from tests.discord_parley import Talk, talk_at
from tests.simulators.discord import CREATE, Channel, Guild, Permission
from tests.simulators.discord.messages import ANNOUNCEMENT, TEXT


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    monkeypatch.setattr(gateway, "IDENTIFY_PAUSE", 0.0)
    async with talk_at(tmp_path / "p.db", limits=False) as made:
        yield made


def new_server(talk: Talk) -> tuple[Guild, Channel, Channel]:
    """A server that Parley is not in yet, with two channels."""
    guild = talk.world.guild("New", joined=False)
    return guild, guild.channel("rules"), guild.channel("lounge")


def greeted(talk: Talk) -> list[str]:
    """The channels that were greeted, by their names, in each server."""
    return [one.name for one in talk.world.channels.values() for said in talk.ours(one) if said.text == HELLO]


async def settled(talk: Talk) -> None:
    """What was delivered before has been taken in: an answer comes after it."""
    asked = await talk.alice.uses("/tools list", talk.general)
    assert asked.text


async def test_a_new_server_is_greeted_once_where_newcomers_are(talk: Talk) -> None:
    async with talk.parley():
        guild, _, lounge = new_server(talk)
        guild.system = lounge
        talk.world.joins(guild)
        await talk.world.until(lambda: greeted(talk))
        talk.world.duplicate(10)
        await settled(talk)
        assert (greeted(talk), talk.ours(lounge)[0].pinged) == (["lounge"], [])


@pytest.mark.parametrize("hidden", [Permission.SEND_MESSAGES, Permission.VIEW_CHANNEL])
async def test_elsewhere_it_is_greeted_in_the_first_channel_in_which_that_can_be_done(
    talk: Talk, hidden: Permission
) -> None:
    async with talk.parley():
        guild, rules, _ = new_server(talk)
        guild.system = rules
        rules.denies(hidden)
        talk.world.joins(guild)
        await talk.world.until(lambda: greeted(talk) == ["lounge"])


@pytest.mark.parametrize("what", ["rules", "updates", "news"])
@pytest.mark.parametrize("where", [["lounge"], []], ids=str)
async def test_no_greeting_stands_among_rules_or_announcements(talk: Talk, what: str, where: list[str]) -> None:
    async with talk.parley():
        guild = talk.world.guild("New", joined=False)
        first = guild.channel("first", kind=ANNOUNCEMENT if what == "news" else TEXT)
        if what != "news":
            setattr(guild, what, first)
        for name in where:
            guild.channel(name)
        talk.world.joins(guild)
        await settled(talk)
        await talk.world.until(lambda: greeted(talk) == where)
        await settled(talk)
    assert greeted(talk) == where


async def reconnected(talk: Talk, *, resumable: bool) -> None:
    sessions = talk.world.gateway.identifies + talk.world.gateway.resumes
    talk.world.drop(resumable=resumable)
    await talk.world.connected(sessions + 1)
    await settled(talk)


async def test_who_was_a_member_before_is_not_greeted(talk: Talk) -> None:
    for _ in range(2):
        async with talk.parley():
            await reconnected(talk, resumable=True)
            await reconnected(talk, resumable=False)
    assert greeted(talk) == []


async def test_a_server_is_greeted_once_however_often_the_connection_is_lost(talk: Talk) -> None:
    async with talk.parley():
        guild, _, _ = new_server(talk)
        talk.world.joins(guild)
        await talk.world.until(lambda: greeted(talk))
        await reconnected(talk, resumable=True)
        await reconnected(talk, resumable=False)
        talk.world.duplicate(10)
        await settled(talk)
    assert greeted(talk) == ["rules"]


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ({"deny": "server"}, []),
        ({"deny": "rules"}, ["lounge"]),
        ({"allow": "lounge"}, ["lounge"]),
        ({"allow": "server"}, ["rules"]),
        ({"allow": "Alice"}, []),
    ],
    ids=str,
)
async def test_nobody_is_greeted_where_the_operator_keeps_parley_out(
    talk: Talk, setting: dict[str, str], where: list[str]
) -> None:
    guild, rules, lounge = new_server(talk)
    ids = {"server": guild.id, "rules": rules.id, "lounge": lounge.id, "Alice": talk.alice.id}
    changes: dict[str, Any] = {name: [f"discord:{ids[about]}"] for name, about in setting.items()}
    async with talk.parley(**changes):
        talk.world.joins(guild)
        await settled(talk)
        await talk.world.until(lambda: greeted(talk) == where)
        await settled(talk)
    assert greeted(talk) == where


async def test_who_greets_gives_no_command(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    async def counted(_: Core, request: CommandRequest) -> Answer:
        given.append(request.text)
        return Answer("")

    async with talk.parley():
        monkeypatch.setattr(Core, "command", counted)
        guild, _, _ = new_server(talk)
        talk.world.joins(guild)
        await talk.world.until(lambda: greeted(talk) == ["rules"])
    assert given == []


async def test_a_greeting_that_fails_harms_nothing(talk: Talk) -> None:
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        guild, _, _ = new_server(talk)
        talk.world.fails(CREATE, status=403)
        talk.world.joins(guild)
        await talk.world.until(lambda: talk.world.count(CREATE))
        told = await talk.asks("Oslo?")
        await talk.shows(told, "Cold.")
        await parley.quiet()
    assert greeted(talk) == []


async def test_a_server_without_a_channel_to_write_in_is_not_greeted(talk: Talk) -> None:
    async with talk.parley():
        guild = talk.world.guild("New", joined=False)
        guild.channel("voice", kind=2)
        talk.world.joins(guild)
        await settled(talk)
    assert greeted(talk) == []
