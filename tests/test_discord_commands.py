"""What people say to Parley on Discord beside questions: commands, switches, completions, the menu, and who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.discord import commands
from adapters.discord.commands import COMMANDS, MENU, completions
from adapters.discord.interactions import FORGOTTEN
from bot.commands.conversation import NOTHING_TO_RENEW
from bot.commands.tools import ADMINS_ONLY
from bot.stopping import NOT_YOURS, STOPPED
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.simulators.discord import OVERWRITE, OVERWRITE_IN_GUILD, Channel, Interaction, Permission, Person

FRESH = "A fresh conversation begins here. I no longer see what was said before."
NOTHING_TO_STOP = "There is nothing to stop here."
LIST_IN_GUILD = OVERWRITE_IN_GUILD.replace("PUT", "GET")
NAMES = [
    *("ask", "new", "stop", "why", "help", "tools", "assistant", "files", "threads"),
    *("usage", "budget", "audit", "export", "forget"),
    MENU,
]
LINE = "It snows in Oslo, and it will go on to do so for the whole of the day.\n"
"""So much of an answer is shown while it grows."""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db") as made:
        yield made


async def says(
    talk: Talk, line: str, where: Channel | None = None, *, who: Person | None = None, **options: Any
) -> str:
    """What a command is answered with, which only who used it sees: Alice by default, in #general by default."""
    asked = await (who or talk.alice).uses(line, where or talk.general, **options)
    assert (asked.ephemeral, asked.error) == (True, "")
    return asked.text


async def answered(talk: Talk, parley: DiscordParley, asked: Interaction) -> str:
    """What the person reads in answer to a question, once nothing more is to come."""
    await talk.world.until(lambda: asked.text)
    await parley.quiet()
    return asked.text


# -- fresh conversations ---------------------------------------------------------------------------------------------


async def test_a_fresh_conversation_begins_in_the_same_thread(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("What?")
    async with talk.parley() as parley:
        asked = await talk.asks("Oslo?")
        await talk.shows(asked, "Cold.")
        await parley.quiet()
        assert await says(talk, "/new", talk.world.thread(asked), who=talk.bob) == FRESH
        await talk.alice.says("And Tromsø?", talk.world.thread(asked))
        await talk.shows(asked, "Cold.", "What?")
        await parley.quiet()
    assert talk.model.heard() == ["And Tromsø?"]


async def test_a_fresh_conversation_begins_among_two(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("What?")
    room = talk.world.dm(talk.alice)
    async with talk.parley() as parley:
        await talk.alice.says("Oslo?", room)
        await talk.shows(room, "Cold.")
        await parley.quiet()
        assert await says(talk, "/new", room) == FRESH
        await talk.alice.says("And Tromsø?", room)
        await talk.shows(room, "Cold.", "What?")
        await parley.quiet()
    assert talk.model.heard() == ["And Tromsø?"]


async def test_a_channel_has_no_conversation_to_begin_anew(talk: Talk) -> None:
    async with talk.parley():
        assert await says(talk, "/new") == NOTHING_TO_RENEW


# -- stopping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["thread", "channel", "direct"])
async def test_an_answer_is_stopped_from_where_it_is_made(talk: Talk, where: str) -> None:
    gate = talk.model.hold(LINE)
    room = talk.world.dm(talk.alice)
    async with talk.parley() as parley:
        asked = await (talk.alice.says("Oslo?", room) if where == "direct" else talk.asks("Oslo?"))
        place = room if where == "direct" else asked
        await talk.held(gate)
        await talk.shows(place, LINE.strip())
        here = {"thread": asked.thread, "channel": talk.general, "direct": room}[where]
        assert await says(talk, "/stop", here) == STOPPED
        await talk.shows(place, f"{LINE}\nStopped.")
        await parley.quiet()
        assert await says(talk, "/stop", here) == NOTHING_TO_STOP


async def test_only_who_asked_and_admins_stop_an_answer(talk: Talk) -> None:
    gates = [talk.model.hold(), talk.model.hold()]
    ada = talk.guild.person("Ada", admin=True)
    async with talk.parley() as parley:
        by_mention, by_command = await talk.asks("Oslo?"), await talk.alice.uses("/ask", talk.general, prompt="Rome?")
        for gate in gates:
            await talk.held(gate)
        await talk.world.until(lambda: by_mention.thread)
        for place in (talk.general, talk.world.thread(by_mention)):
            assert await says(talk, "/stop", place, who=talk.bob) == NOT_YOURS
        assert await says(talk, "/stop", who=ada) == "Stopped 2 answers."
        await talk.shows(by_mention, "Stopped.")
        assert await answered(talk, parley, by_command) == "Stopped."


# -- help and tools --------------------------------------------------------------------------------------------------


async def test_help_says_to_people_and_admins_what_each_may(talk: Talk) -> None:
    ada = talk.guild.person("Ada", admin=True)
    async with talk.parley():
        told, told_admins = await says(talk, "/help"), await says(talk, "/help", who=ada)
    first = [line.split(" ")[0].removeprefix("/") for line in told_admins.splitlines()]
    assert first[0] == "ask"
    assert set(first) <= set(NAMES)
    assert told_admins.startswith(told)
    assert "\n/tools list — what I can use here\n" in told
    assert "/tools enable NAME [here|server] — " in told_admins.removeprefix(told)
    assert "workspace" not in told_admins


async def test_tools_are_listed_for_everybody_and_switched_by_admins(talk: Talk) -> None:
    ada = talk.guild.person("Ada", admin=True)
    async with talk.parley():
        assert await says(talk, "/tools list") == "forecast: on\ntide: on"
        assert await says(talk, "/tools disable", tool="forecast") == ADMINS_ONLY
        assert await says(talk, "/tools enable", tool="forecast", scope="channel") == ADMINS_ONLY
        told = await says(talk, "/tools disable", who=ada, tool="forecast")
        assert told == "forecast is off for the whole server from the next question on."
        unknown = await says(talk, "/tools disable", who=ada, tool="radar")
        assert unknown == "There is no tool “radar”. There are: forecast, tide."
        assert await says(talk, "/tools list") == "forecast: off (set for this server)\ntide: on"


@pytest.mark.parametrize("scope", ["server", "channel"])
async def test_a_switch_holds_from_the_next_question_on(talk: Talk, scope: str) -> None:
    ada, random = talk.guild.person("Ada", admin=True), talk.guild.channel("random")
    gate = talk.model.hold("Cold.")
    for text in ("Colder.", "Coldest.", "Warm."):
        talk.model.say(text)
    async with talk.parley() as parley:
        begun = await talk.asks("Oslo?")
        await talk.held(gate)
        await says(talk, "/tools disable", who=ada, tool="forecast", scope=scope)
        gate.open()
        await talk.shows(begun, "Cold.")
        await answered(talk, parley, await talk.alice.uses("/ask", talk.world.thread(begun), prompt="Tromsø?"))
        await answered(talk, parley, await talk.alice.uses("/ask", random, prompt="Rome?"))
        await says(talk, "/tools enable", talk.world.thread(begun), who=ada, tool="forecast", scope=scope)
        await answered(talk, parley, await talk.alice.uses("/ask", talk.general, prompt="Oslo?"))
    offered = [[tool.name for tool in request.tools] for request in talk.model.requests]
    both, one = ["forecast", "tide"], ["tide"]
    assert offered == [both, one, one if scope == "server" else both, both]


@pytest.mark.parametrize("right", ["Manage Server", "Administrator", "owner", "ADMINS"])
async def test_who_runs_the_server_or_parley_holds_the_switches(talk: Talk, right: str) -> None:
    rights = {"Manage Server": Permission.MANAGE_GUILD, "Administrator": Permission.ADMINISTRATOR}
    roles = [talk.guild.role("Staff", rights[right])] if right in rights else []
    ada = talk.world.people[talk.guild.owner] if right == "owner" else talk.guild.person("Ada", roles=roles)
    async with talk.parley(admins=[f"discord:{ada.id}"] if right == "ADMINS" else []):
        assert (await says(talk, "/tools disable", who=ada, tool="tide")).startswith("tide is off")
        assert "/tools enable" in await says(talk, "/help", who=ada)


async def test_who_runs_another_server_holds_no_switches_here(talk: Talk) -> None:
    other = talk.world.guild("Other")
    other.joins(talk.bob, roles=[other.role("Staff", Permission.MANAGE_GUILD)])
    elsewhere, room = other.channel("general"), talk.world.dm(talk.bob)
    async with talk.parley():
        for place in (talk.general, room):
            assert await says(talk, "/tools disable", place, who=talk.bob, tool="tide") == ADMINS_ONLY
        assert (await says(talk, "/tools disable", elsewhere, who=talk.bob, tool="tide")).startswith("tide is off")
        for place in (talk.general, room):
            assert await says(talk, "/tools list", place, who=talk.bob) == "forecast: on\ntide: on"


async def test_the_names_of_tools_are_completed(talk: Talk) -> None:
    async with talk.parley():
        for line in ("/tools enable", "/tools disable"):
            for typed, names in (("", ["forecast", "tide"]), ("CAST", ["forecast"]), ("t", ["tide", "forecast"])):
                offered = await talk.alice.completes(line, "tool", typed, talk.general)
                assert [(one.name, one.value) for one in offered] == [(name, name) for name in names]
            assert await talk.alice.completes(line, "tool", "radar", talk.general) == []


def test_no_more_is_offered_than_discord_shows() -> None:
    names = [f"get_{number}" for number in range(40)]
    assert [one["name"] for one in completions(names, "get")] == names[:25]


# -- the menu --------------------------------------------------------------------------------------------------------


async def test_a_question_about_a_message_in_a_thread_belongs_there(talk: Talk) -> None:
    talk.model.say("Twelve.")
    async with talk.parley() as parley:
        lunch = await talk.bob.says("Lunch?", talk.general)
        thread = await talk.bob.opens_thread("Lunch", lunch)
        menu = talk.world.file("menu.txt", b"Soup.")
        told = await talk.bob.says(f"With {talk.alice.mention}\nat noon", thread, files=[menu])
        asked = await talk.alice.submits(await talk.alice.menu(MENU, told), {"question": "When?"})
        assert await answered(talk, parley, asked) == "Twelve."
    assert talk.model.heard()[-1] == "When?\n\nThis is about the message of Bob:\n> With @Alice\n> at noon"
    assert talk.model.heard()[0] == "Lunch?"
    assert "Soup." in talk.spoken()[-1]


async def test_a_form_whose_message_is_no_longer_known_says_so(talk: Talk) -> None:
    lunch = await talk.bob.says("Lunch?", talk.general)
    async with talk.parley():
        opened = await talk.alice.menu(MENU, lunch)
    async with talk.parley():
        asked = await talk.alice.submits(opened, {"question": "When?"})
        assert (asked.text, asked.ephemeral) == (FORGOTTEN, True)


# -- telling Discord the commands ------------------------------------------------------------------------------------


def told(talk: Talk) -> tuple[int, int]:
    """How often Discord was told the commands, everywhere and in servers."""
    return talk.world.count(OVERWRITE), talk.world.count(OVERWRITE_IN_GUILD)


async def test_discord_is_told_the_commands_once_and_again_when_they_change(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talk.parley():
        assert talk.world.commands.names() == NAMES
        await talk.world.until(lambda: talk.world.count(LIST_IN_GUILD) == 1)
    async with talk.parley():
        await talk.world.until(lambda: talk.world.count(LIST_IN_GUILD) == 2)
    assert told(talk) == (1, 0)
    renamed = [{**COMMANDS[0], "description": "Ask Parley something"}, *COMMANDS[1:]]
    monkeypatch.setattr(commands, "COMMANDS", renamed)
    async with talk.parley():
        await talk.world.until(lambda: told(talk) == (2, 0))
    assert talk.world.commands.everywhere[0]["description"] == "Ask Parley something"


async def test_commands_of_some_servers_are_theirs_alone(talk: Talk) -> None:
    other = talk.world.guild("Other")
    async with talk.parley(servers=[talk.guild.id]):
        await talk.world.until(lambda: told(talk) == (1, 1))
    of = talk.world.commands
    assert (of.names(talk.guild), of.names(other)) == (NAMES, [])
    assert {tuple(one["contexts"]) for one in of.everywhere} == {(1,)}


@pytest.mark.parametrize("later", ["nowhere", "elsewhere"])
async def test_commands_of_a_server_are_taken_back_when_they_are_no_longer_its_own(talk: Talk, later: str) -> None:
    other = talk.world.guild("Other")
    of = talk.world.commands
    async with talk.parley(servers=[talk.guild.id]):
        await talk.world.until(lambda: of.names(talk.guild) == NAMES)
    async with talk.parley(servers=[] if later == "nowhere" else [other.id]):
        await talk.world.until(lambda: of.names(talk.guild) == [])
        await talk.world.until(lambda: of.names(other) == ([] if later == "nowhere" else NAMES))
        await talk.world.until(lambda: of.everywhere[0]["contexts"] == ([0, 1] if later == "nowhere" else [1]))
