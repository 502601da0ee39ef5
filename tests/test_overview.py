"""What one person can do in a workspace, at a glance, and what commands can name there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.ports import CommandRequest, Conversation, Overview, Settings, Switch
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel

HOME = Conversation("room", "T1", "", "")


@pytest.fixture
async def parley(tmp_path: Path) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", ScriptedModel(), instructions="Be kind.", deny=["room:U2"]) as made:
        yield made


async def seen(parley: Parley, *, admin: bool = True, where: Conversation = HOME) -> Overview:
    return await parley.core.overview(CommandRequest(where, ALICE, "", platform_admin=admin))


async def admin_says(parley: Parley, *commands: str) -> None:
    for command in commands:
        await parley.alice.command(command, admin=True)


async def test_an_admin_sees_what_is_set_in_the_workspace(parley: Parley) -> None:
    await admin_says(parley, "tools disable tide", "tools approve forecast on")
    assert (await seen(parley)).settings == Settings(
        switches=[Switch("forecast", "The weather.", True, True), Switch("tide", "The tide.", False, False)],
        assistant="default",
        assistants=["default"],
        model="gpt-test",
        instructions="Be kind.",
        temperature=None,
        may_set=False,
    )


async def test_the_workspaces_own_assistant_may_be_set(parley: Parley) -> None:
    await admin_says(parley, "assistant create helper", "assistant use helper", "assistant set temperature 0.5")
    await admin_says(parley, "assistant set instructions Be brief.", "assistant set model gpt-large")
    settings = (await seen(parley)).settings
    assert settings is not None
    assert replace(settings, switches=()) == Settings(
        (), "helper", ["default", "helper"], "gpt-large", "Be brief.", 0.5, may_set=True
    )


async def test_others_see_the_help_and_the_tools_that_are_on_but_no_settings(parley: Parley) -> None:
    await admin_says(parley, "tools disable tide")
    overview = await seen(parley, admin=False)
    assert overview.settings is None
    assert overview.help == await parley.alice.command("help")
    assert list(overview.tools) == ["forecast"]
    assert (await seen(parley)).help == await parley.alice.command("help", admin=True)


async def test_a_channels_own_switches_are_not_the_workspaces(parley: Parley) -> None:
    await admin_says(parley, "tools disable tide here", "assistant create helper", "assistant use helper here")
    overview = await seen(parley)
    assert overview.settings is not None
    assert [switch.enabled for switch in overview.settings.switches] == [True, True]
    assert overview.settings.assistant == "default"
    there = await seen(parley, where=parley.alice.where())
    assert list(there.tools) == ["forecast"]
    assert there.settings == overview.settings


async def test_tools_that_the_assistant_does_not_have_are_not_shown_to_people(parley: Parley) -> None:
    await admin_says(parley, "assistant create helper", "assistant use helper", "assistant set tools tide")
    assert list((await seen(parley, admin=False)).tools) == ["tide"]
    await admin_says(parley, "assistant set tools none")
    assert list((await seen(parley, admin=False)).tools) == []


async def test_who_is_kept_out_sees_that_and_nothing_else(parley: Parley) -> None:
    overview = await parley.core.overview(CommandRequest(HOME, BOB, "", platform_admin=True))
    told = "I am not allowed to answer you here. Ask the people who run me to change that."
    assert overview == Overview(told, (), "", refused=True)


async def test_the_names_that_complete_a_command_are_those_of_the_workspace(parley: Parley) -> None:
    await admin_says(parley, "assistant create helper", "assistant create gone", "assistant delete gone")
    assert list(await parley.core.names(parley.alice.where(), "assistant")) == ["default", "helper"]
    assert list(await parley.core.names(Conversation("room", "T2", "C1", ""), "assistant")) == ["default"]
    assert list(await parley.core.names(HOME, "tool")) == ["forecast", "tide"]


async def test_another_workspace_sees_its_own_settings(parley: Parley) -> None:
    await admin_says(parley, "tools disable tide", "assistant create helper", "assistant use helper")
    settings = (await seen(parley, where=Conversation("room", "T2", "", ""))).settings
    assert settings is not None
    assert (settings.assistant, list(settings.assistants)) == ("default", ["default"])
    assert all(switch.enabled for switch in settings.switches)
