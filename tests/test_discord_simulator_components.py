"""Menus, buttons and forms of the simulated Discord: what it takes of them, and what people do with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord.http import Route

from tests.discord_room import Room, discord_room, error

Asked = discord.Interaction[Any]
REFUSED = (400, 50035)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with discord_room() as made:
        yield made


def button(name: str, **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": name, "custom_id": name, **more}


def menu(*names: str, **more: Any) -> dict[str, Any]:
    options = [{"label": name, "value": name.lower()} for name in names]
    return {"type": 3, "custom_id": "menu", "options": options, **more}


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def posted(room: Room, *rows: dict[str, Any]) -> Any:
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=room.general.id)
    return room.bot.http.request(route, json={"content": "Which?", "components": list(rows)})


TAKEN = [
    [row(*(button(f"b{number}") for number in range(5)))] * 1,
    [row(menu(*(f"Town {number}" for number in range(25))))],
    [row(button(f"b{number}")) for number in range(5)],
    [row(button("x" * 80))],
]
NOT_TAKEN = [
    [row(*(button(f"b{number}") for number in range(6)))],
    [row(menu(*(f"Town {number}" for number in range(26))))],
    [row(button(f"b{number}")) for number in range(6)],
    [row(button("x" * 81, custom_id="x"))],
    [row(button("x", custom_id="x" * 101))],
    [row(button("", custom_id="x"))],
    [row(button(" ", custom_id="x"))],
    [row(button("x")), row(button("x"))],
    [row(menu("Oslo"), button("x"))],
    [row(menu("Oslo"), menu("Rome", custom_id="other"))],
    [row(menu("Oslo", "OSLO"))],
    [row(menu("x" * 101))],
    [row(menu("Oslo", "Rome", max_values=3))],
]


@pytest.mark.parametrize("rows", TAKEN, ids=range(len(TAKEN)))
async def test_what_is_documented_is_taken(room: Room, rows: list[dict[str, Any]]) -> None:
    await posted(room, *rows)
    assert [len(one["components"]) for one in room.general.messages[0].components] == [
        len(one["components"]) for one in rows
    ]


@pytest.mark.parametrize("rows", NOT_TAKEN, ids=range(len(NOT_TAKEN)))
async def test_what_is_too_much_is_refused(room: Room, rows: list[dict[str, Any]]) -> None:
    assert await error(posted(room, *rows)) == REFUSED
    assert room.general.messages == []


class Towns(discord.ui.View):
    """A menu, and a button that opens a form."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.chosen: list[str] = []
        self.form: dict[str, Any] = {}

    @discord.ui.select(custom_id="menu", options=[discord.SelectOption(label=name) for name in ("Oslo", "Rome")])
    async def choose(self, asked: Asked, select: discord.ui.Select[Any]) -> None:
        self.chosen += select.values
        await asked.response.defer()

    @discord.ui.button(label="Write", custom_id="write")
    async def write(self, asked: Asked, _: discord.ui.Button[Any]) -> None:
        route = Route(
            "POST",
            "/interactions/{interaction_id}/{interaction_token}/callback",
            interaction_id=asked.id,
            interaction_token=asked.token,
        )
        await asked.client.http.request(route, json={"type": 9, "data": self.form})


async def shown(room: Room) -> Towns:
    view = Towns()
    await room.at().send("Which?", view=view)
    room.bot.add_view(view)
    await room.connects()
    return view


async def test_one_is_chosen_from_a_menu_and_the_message_stays_as_it_is(room: Room) -> None:
    view = await shown(room)
    [message] = room.general.messages
    chosen = await room.alice.chooses(message, "Rome")
    assert (view.chosen, chosen.responses, chosen.error, message.versions) == (["Rome"], [], "", ["Which?"])
    assert message.menus == [["Oslo", "Rome"]]
    with pytest.raises(LookupError):
        await room.alice.chooses(message, "Paris")
    with pytest.raises(LookupError):
        await room.alice.presses(message, "menu", ["Oslo", "Rome"])


FIELD = {"type": 4, "custom_id": "words", "style": 2, "max_length": 10}


def form(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"custom_id": "form", "title": "Say", "components": list(parts), **more}


def label(text: str = "What?", **more: Any) -> dict[str, Any]:
    return {"type": 18, "label": text, "component": {**FIELD, **more}}


async def test_a_press_opens_a_form_that_is_sent_from_the_message(room: Room) -> None:
    view = await shown(room)
    view.form = form({"type": 10, "content": "A long question."}, label())
    opened = await room.alice.presses(room.general.messages[0], "Write")
    assert opened.modal is not None
    for words in ("", "much too long"):
        with pytest.raises(LookupError):
            await room.alice.submits(opened, {"words": words})
    heard: list[Any] = []

    async def on_interaction(asked: Asked) -> None:
        heard.append((asked.type, asked.data, asked.message))
        await asked.response.defer()

    room.bot.event(on_interaction)
    sent = await room.alice.submits(opened, {"words": "So."})
    [(kind, data, message)] = heard
    assert (kind, data["custom_id"], message.content) == (discord.InteractionType.modal_submit, "form", "Which?")
    assert data["components"][1]["component"] | {"id": 0} == {"type": 4, "id": 0, "custom_id": "words", "value": "So."}
    assert (sent.error, sent.responses) == ("", [])


FORMS = [
    form(label(), title="x" * 46),
    form(label(), title=""),
    form(label(), custom_id="x" * 101),
    form(label("x" * 46)),
    form(label(""), title="Say"),
    form(label(max_length=4_001)),
    form(label(label="Twice")),
    form(label(), label()),
    form({"type": 10, "content": "x" * 4_001}, label()),
    form(*({"type": 10, "content": "x"} for _ in range(5)), label()),
    form(),
]


@pytest.mark.parametrize("wrong", FORMS, ids=range(len(FORMS)))
async def test_a_form_that_is_too_much_is_refused(room: Room, wrong: dict[str, Any]) -> None:
    view = await shown(room)
    view.form = wrong
    view.on_error = failed = _Failed()  # type: ignore[method-assign]
    opened = await room.alice.presses(room.general.messages[0], "Write", waits=False)
    await room.world.until(lambda: failed.problems)
    assert ([(one.status, one.code) for one in failed.problems], opened.modal) == ([REFUSED], None)


class _Failed:
    def __init__(self) -> None:
        self.problems: list[Any] = []

    async def __call__(self, asked: Asked, problem: Exception, item: Any) -> None:
        self.problems.append(problem)


async def test_an_app_that_is_added_to_a_server_hears_of_it_and_of_its_channels(room: Room) -> None:
    joined: list[discord.Guild] = []

    async def on_guild_join(guild: discord.Guild) -> None:
        joined.append(guild)

    room.bot.event(on_guild_join)
    await room.connects()
    guild = room.world.guild("New", joined=False)
    guild.channel("rules")
    guild.system = guild.channel("lounge")
    assert joined == []
    room.world.joins(guild)
    await room.world.until(lambda: joined)
    assert [one.name for one in joined[0].text_channels] == ["rules", "lounge"]
    assert joined[0].system_channel == joined[0].text_channels[1]
    assert "GUILD_CREATE" in room.bot.events
