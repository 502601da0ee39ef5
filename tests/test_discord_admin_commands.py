"""The commands of Discord as lines for the core, and what people get to see of the core's answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.discord import patience, whisper
from adapters.discord.commands import COMMANDS, MENU
from adapters.discord.interactions import FORGOTTEN
from adapters.discord.used import used
from bot.app import Core
from bot.errors import StoreError
from bot.ports import Answer, CommandRequest, Conversation, Document
from tests.discord_parley import Talk, talk_at
from tests.simulators.discord import ORIGINAL

LONG = "\n".join(f"{number} tide was switched on by Ada" for number in range(500))


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", limits=False) as made:
        yield made


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the core is told, which answers to everything alike."""
    told: list[str] = []

    async def command(core: Core, request: CommandRequest) -> Answer:
        told.append(request.text)
        return Answer("So be it.")

    monkeypatch.setattr(Core, "command", command)
    return told


def answers(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    async def command(core: Core, request: CommandRequest) -> Answer:
        return answer

    monkeypatch.setattr(Core, "command", command)


# -- lines ------------------------------------------------------------------------------------------------------------

USED: list[tuple[str, dict[str, Any], str]] = [
    ("/new", {}, "new"),
    ("/stop", {}, "stop"),
    ("/why", {}, "why"),
    ("/help", {}, "help"),
    ("/tools list", {}, "tools list"),
    ("/tools enable", {"scope": "channel", "tool": "tide"}, "tools enable tide channel"),
    ("/tools disable", {"tool": "high tide"}, "tools disable high_tide"),
    ("/tools approve", {"tool": "tide", "state": "off"}, "tools approve tide off"),
    ("/files list", {}, "files list"),
    ("/files remove", {"file": "old plan.txt", "scope": "channel"}, "files remove old plan.txt channel"),
    (
        "/tools approve",
        {"scope": "server", "by": "either", "state": "on", "tool": "tide"},
        "tools approve tide on either server",
    ),
    ("/assistant list", {}, "assistant list"),
    ("/assistant show", {}, "assistant show"),
    ("/assistant show", {"name": "sage"}, "assistant show sage"),
    ("/assistant create", {"name": "sage"}, "assistant create sage"),
    ("/assistant use", {"scope": "channel", "name": "sage"}, "assistant use sage channel"),
    ("/assistant delete", {"name": "sage"}, "assistant delete sage"),
    ("/assistant set", {"field": "temperature", "value": "0.5"}, "assistant set temperature 0.5"),
    (
        "/assistant set",
        {"value": " Be kind,  and  brief: no_blanks lost.", "field": "instructions"},
        "assistant set instructions Be kind,  and  brief: no_blanks lost.",
    ),
    ("/usage", {}, "usage"),
    ("/usage", {"period": "month"}, "usage month"),
    ("/usage", {"period": "day", "whose": "here"}, "usage here day"),
    ("/budget show", {}, "budget show"),
    (
        "/budget set",
        {"who": "here", "period": "day", "unit": "tokens", "amount": 1_000_000.0},
        "budget set here day 1000000 tokens",
    ),
    (
        "/budget set",
        {"who": "person", "period": "month", "unit": "money", "amount": 2.5},
        "budget set person month 2.5 money",
    ),
    ("/budget set", {"who": "server", "period": "day", "unit": "off", "amount": 7}, "budget set server day off"),
    ("/audit", {}, "audit"),
    ("/threads list", {}, "threads list"),
    ("/threads show", {"id": "thread_1"}, "threads show thread_1"),
    ("/threads continue", {"id": "thread_1"}, "threads continue thread_1"),
    ("/audit", {"count": 20}, "audit 20"),
    ("/export", {}, "export"),
    ("/export", {"what": "conversation"}, "export"),
    ("/export", {"what": "me"}, "export me"),
    ("/forget", {"what": "me", "sure": False}, "forget me"),
    ("/forget", {"sure": True, "what": "me"}, "forget me sure"),
    ("/forget", {"sure": True}, "forget sure"),
]


async def test_each_command_becomes_its_line(talk: Talk, lines: list[str]) -> None:
    async with talk.parley():
        for command, options, _ in USED:
            asked = await talk.alice.uses(command, talk.general, **options)
            assert (asked.text, asked.ephemeral) == ("So be it.", True)
    assert lines == [line for _, _, line in USED]


async def test_the_core_understands_each_of_them(talk: Talk) -> None:
    ada = talk.guild.person("Ada", admin=True)
    async with talk.parley():
        for command, options, line in USED:
            asked = await ada.uses(command, talk.general, **options)
            await talk.world.until(lambda: asked.text)  # noqa: B023
            assert not asked.text.startswith(("Say “", "There is no command")), line


def test_each_command_that_discord_is_told_is_tried() -> None:
    told = set()
    for command in COMMANDS:
        subcommands = [option["name"] for option in command.get("options") or [] if option["type"] == 1]
        told |= {f"/{command['name']} {name}" for name in subcommands} or {f"/{command['name']}"}
    # What takes a file is tried elsewhere.
    assert told - {"/ask", "/files add", f"/{MENU}"} == {command for command, _, _ in USED}


@pytest.mark.parametrize(("command", "options", "line"), USED, ids=[line for _, _, line in USED])
def test_the_line_is_the_same_in_whatever_order_discord_sends_the_options(
    command: str, options: Mapping[str, Any], line: str
) -> None:
    for order in (list(options), list(options)[::-1]):
        data = _data(command, {name: options[name] for name in order})
        assert used(data).line == line


def _data(command: str, options: Mapping[str, Any]) -> dict[str, Any]:
    name, *rest = command.removeprefix("/").split()
    given = [{"name": option, "type": 3, "value": value} for option, value in options.items()]
    return {"name": name, "options": [{"name": rest[0], "type": 1, "options": given}] if rest else given}


async def test_the_names_of_assistants_are_completed(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def names(core: Core, where: Conversation, of: str) -> list[str]:
        return ["sage", "clerk"] if of == "assistant" else []

    monkeypatch.setattr(Core, "names", names)
    async with talk.parley():
        for line in ("/assistant show", "/assistant use", "/assistant delete"):
            offered = await talk.alice.completes(line, "name", "s", talk.general)
            assert [one.value for one in offered] == ["sage"]
        with pytest.raises(LookupError):
            await talk.alice.completes("/assistant create", "name", "s", talk.general)


# -- what is answered -------------------------------------------------------------------------------------------------


async def test_an_answer_that_is_too_long_comes_whole_as_a_file(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Answer(LONG))
    async with talk.parley():
        asked = await talk.alice.uses("/audit", talk.general)
        await talk.world.until(lambda: asked.files)
    [message] = asked.responses
    assert (message.ephemeral, message.files[0].name, message.files[0].content.decode()) == (True, "answer.txt", LONG)
    beginning, rest = message.text.removesuffix(whisper.REST), whisper.REST in message.text
    assert (LONG.startswith(f"{beginning}\n"), rest, len(message.text) > 1_900) == (True, True, True)


async def test_a_file_is_handed_to_who_asked_for_it_alone(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Answer("Here it is.", Document("export.json", "application/json", b"{}")))
    async with talk.parley():
        asked = await talk.alice.uses("/export", talk.general, what="me")
        await talk.world.until(lambda: asked.files)
    [message] = asked.responses
    assert (message.text, message.only_for, talk.ours(talk.general)) == ("Here it is.", talk.alice, [])
    assert [(file.name, file.content, file.ephemeral) for file in message.files] == [("export.json", b"{}", True)]


async def test_a_long_answer_with_a_file_has_both(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Answer(LONG, Document("export.json", "application/json", b"{}")))
    async with talk.parley():
        asked = await talk.alice.uses("/export", talk.general)
        await talk.world.until(lambda: asked.files)
    assert [file.name for file in asked.files] == ["export.json", "answer.txt"]


async def test_a_file_that_is_too_large_is_told_of(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Answer("Here it is.", Document("export.json", "application/json", b" " * (10 * 1024**2 + 1))))
    async with talk.parley():
        asked = await talk.alice.uses("/export", talk.general)
    told = "The file has 11 MB, and Discord takes 10 MB: ask the people who run me for it.\n\nHere it is."
    assert (asked.text, asked.files) == (told, [])


@pytest.mark.parametrize("fault", [{"status": 503}, {"after": True}, {"drop": True}], ids=str)
async def test_a_file_comes_once_though_discord_fails(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    answers(monkeypatch, Answer("Here it is.", Document("export.json", "application/json", b"{}")))
    async with talk.parley():
        talk.world.fails(ORIGINAL, **fault)
        asked = await talk.alice.uses("/export", talk.general)
        await talk.world.until(lambda: asked.files and talk.world.count(ORIGINAL) == 2)
    assert ([file.name for file in asked.files], asked.text) == (["export.json"], "Here it is.")


async def test_an_answer_that_takes_long_says_so_first(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, Answer(LONG))
    monkeypatch.setattr(patience, "PATIENCE", 0.0)
    async with talk.parley():
        asked = await talk.alice.uses("/usage", talk.general)
        assert (asked.deferred, asked.ephemeral) == (True, True)
        await talk.world.until(lambda: asked.files)
        assert not asked.thinking


async def test_what_the_store_does_not_take_is_said(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def command(core: Core, request: CommandRequest) -> Answer:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(Core, "command", command)
    async with talk.parley():
        assert (await talk.alice.uses("/forget", talk.general, sure=True)).text == patience.FAILED


async def test_what_was_said_is_not_kept_in_open_forms_when_it_is_forgotten(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, Answer("It is gone.", forgot=True))
    lunch = await talk.bob.says("Lunch?", talk.general)
    async with talk.parley():
        opened = await talk.alice.menu(MENU, lunch)
        await talk.bob.uses("/forget", talk.general, what="me", sure=True)
        assert (await talk.alice.submits(opened, {"question": "When?"})).text == FORGOTTEN


async def test_hostile_values_notify_nobody(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def command(core: Core, request: CommandRequest) -> Answer:
        return Answer(request.text)

    monkeypatch.setattr(Core, "command", command)
    async with talk.parley():
        value = f"@everyone {talk.bob.mention} \ud800 ```"
        asked = await talk.alice.uses("/assistant set", talk.general, field="instructions", value=value)
    assert asked.text == f"assistant set instructions @everyone {talk.bob.mention} � ```"
    assert asked.responses[0].pinged == []
