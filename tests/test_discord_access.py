"""Who may talk to Parley on Discord, by `ALLOW` and `DENY`: server, channel, role and person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.discord.commands import MENU
from bot.access import KEPT_OUT
from bot.app import Core
from bot.ports import CommandRequest, Overview
from bot.store.schema import messages
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.simulators.discord import Channel

Setting = Callable[[Talk], Mapping[str, list[str]]]
KEEPING_OUT: dict[str, Setting] = {
    "server": lambda talk: {"deny": [f"discord:{talk.guild.id}"]},
    "channel": lambda talk: {"deny": [f"discord:{talk.general.id}"]},
    "role": lambda talk: {"deny": [f"discord:{talk.guild.role('Guests').id}"]},
    "person": lambda talk: {"deny": [f"discord:{talk.alice.id}"]},
    "others": lambda talk: {"allow": [f"discord:{talk.bob.id}", f"discord:{talk.world.next_id()}"]},
}


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db") as made:
        yield made


async def answer(talk: Talk, parley: DiscordParley, command: str, **options: Any) -> str:
    """What Alice reads in answer to a command in #general, once nothing more is to come."""
    asked = await talk.alice.uses(command, talk.general, **options)
    await talk.world.until(lambda: asked.text)
    await parley.quiet()
    return asked.text


async def refused(talk: Talk, command: str, where: Channel | None = None, **options: Any) -> bool:
    """Alice alone is told at once that she is kept out."""
    asked = await talk.alice.uses(command, where or talk.general, **options)
    return (asked.text, asked.ephemeral) == (KEPT_OUT, True)


@pytest.mark.parametrize("reason", KEEPING_OUT)
async def test_who_is_kept_out_is_told_so_in_private_whatever_they_do(talk: Talk, reason: str) -> None:
    settings = KEEPING_OUT[reason](talk)
    roles = [role for role in talk.guild.roles.values() if role.name == "Guests"]
    talk.guild.members[talk.alice.id].roles += [role.id for role in roles]
    talk.model.say("Cold.")
    before = await talk.bob.says("Lunch?", talk.general)
    async with talk.parley() as parley:
        assert await answer(talk, parley, "/ask", prompt="Oslo?") == "Cold."
    async with talk.parley(**settings) as parley:
        for line in ("/tools list", "/new", "/stop", "/help"):
            assert await refused(talk, line)
        for private in (False, True):
            assert await refused(talk, "/ask", prompt="Rome?", private=private)
        asked = await talk.alice.submits(await talk.alice.menu(MENU, before), {"question": "When?"})
        assert (asked.text, asked.ephemeral) == (KEPT_OUT, True)
        (shown,) = talk.ours(talk.general)
        button = next(str(part["custom_id"]) for part in shown.parts if "custom_id" in part)
        assert (await talk.alice.presses(shown, button)).text == KEPT_OUT
        count = select(func.count()).where(messages.c.role == "user")
        assert await parley.core.database.read(lambda c: c.scalar(count)) == 1
    assert [one.text for one in talk.ours(talk.general)] == ["Cold."]


@pytest.mark.parametrize("reason", KEEPING_OUT)
async def test_who_is_kept_out_is_offered_no_names(talk: Talk, reason: str) -> None:
    settings = KEEPING_OUT[reason](talk)
    roles = [role for role in talk.guild.roles.values() if role.name == "Guests"]
    talk.guild.members[talk.alice.id].roles += [role.id for role in roles]
    async with talk.parley(**settings):
        for typed in ("", "t"):
            assert await talk.alice.completes("/tools enable", "tool", typed, talk.general) == []
        if reason in ("role", "person", "others"):
            offered = await talk.bob.completes("/tools enable", "tool", "t", talk.general)
            assert [one.name for one in offered] == ["tide", "forecast"]


async def test_what_is_known_of_who_is_kept_out_makes_completions_quick(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[CommandRequest] = []
    overview = Core.overview

    async def counted(core: Core, request: CommandRequest) -> Overview:
        asked.append(request)
        return await overview(core, request)

    monkeypatch.setattr(Core, "overview", counted)
    async with talk.parley():
        for typed in ("", "t", "ti", "tid"):
            assert await talk.alice.completes("/tools enable", "tool", typed, talk.general)
        assert len(asked) == 1
        talk.guild.members[talk.alice.id].roles.append(talk.guild.role("Guests").id)
        assert await talk.alice.completes("/tools enable", "tool", "", talk.general)
        assert len(asked) == 2


@pytest.mark.parametrize("reason", ["server", "channel", "role", "person"])
async def test_who_is_allowed_is_answered(talk: Talk, reason: str) -> None:
    role = talk.guild.role("Staff")
    talk.guild.members[talk.alice.id].roles.append(role.id)
    ids = {"server": talk.guild.id, "channel": talk.general.id, "role": role.id, "person": talk.alice.id}
    talk.model.say("Cold.")
    async with talk.parley(allow=[f"discord:{ids[reason]}"]) as parley:
        assert await answer(talk, parley, "/ask", prompt="Oslo?") == "Cold."
        assert await answer(talk, parley, "/tools list") == "forecast: on\ntide: on"


async def test_a_channel_is_kept_out_with_its_threads(talk: Talk) -> None:
    thread = await talk.bob.opens_thread("Lunch", await talk.bob.says("Lunch?", talk.general))
    elsewhere = talk.guild.channel("random")
    async with talk.parley(deny=[f"discord:{talk.general.id}"]):
        assert await refused(talk, "/ask", thread, prompt="When?")
        assert await refused(talk, "/stop", thread)
        assert not await refused(talk, "/stop", elsewhere)
