"""Commands, menus, buttons and forms of the simulated Discord, with the real discord.py."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.http import Route

from tests.discord_room import Bot, Room, discord_room, error
from tests.simulators.discord import CALLBACK, FOLLOWUP, ORIGINAL, OVERWRITE, Choice, Permission

Asked = discord.Interaction[Bot]


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with discord_room() as made:
        yield made


async def offers(room: Room, answer: Any, name: str = "ask", **how: Any) -> None:
    """Register one slash command and connect."""
    room.bot.tree.add_command(app_commands.Command(name=name, description="Ask", callback=answer, **how))
    await room.bot.tree.sync()
    await room.connects()


async def deferred(asked: Asked, prompt: str, private: bool = False) -> None:
    await asked.response.defer(ephemeral=private, thinking=True)
    await asked.edit_original_response(content=f"{prompt} No.")


async def test_a_command_is_deferred_and_then_answered(room: Room) -> None:
    await offers(room, deferred)
    asked = await room.alice.uses("/ask", room.general, prompt="rain?")
    assert (asked.deferred, asked.ephemeral, asked.error) == (True, False, "")
    await room.world.until(lambda: asked.text == "rain? No.")
    [answer] = room.general.messages
    assert (answer.versions, answer.loading) == (["rain? No."], False)


async def test_a_private_answer_is_seen_by_one_person_only(room: Room) -> None:
    await offers(room, deferred)
    asked = await room.alice.uses("/ask", room.general, prompt="rain?", private=True)
    await room.world.until(lambda: asked.text)
    assert (asked.ephemeral, room.general.messages) == (True, [])
    assert [(seen.only_for, seen.text) for seen in room.world.ephemerals] == [(room.alice, "rain? No.")]
    assert await error(room.at().fetch_message(int(asked.responses[0].id))) == (404, 10008)


async def test_the_first_follow_up_takes_the_place_of_the_deferral(room: Room) -> None:
    async def ask(asked: Asked) -> None:
        await asked.response.defer()
        await asked.followup.send("one", ephemeral=True)
        await asked.followup.send("two", ephemeral=True, file=discord.File(io.BytesIO(b"all"), "all.txt"))

    await offers(room, ask)
    asked = await room.alice.uses("/ask", room.general)
    await room.world.until(lambda: asked.text == "one\ntwo")
    assert [answer.ephemeral for answer in asked.responses] == [False, True]
    assert [file.content for file in asked.files] == [b"all"]


async def test_a_command_hears_who_asked_where_and_with_what(room: Room) -> None:
    heard: list[Any] = []

    async def ask(asked: Asked, prompt: str, attachment: discord.Attachment) -> None:
        heard.extend([asked.user.display_name, asked.channel_id, prompt, await attachment.read()])
        await asked.response.send_message("Yes.")

    await offers(room, ask)
    ada = room.guild.person("Ada", nick="Boss")
    file = room.world.file("rain.csv", b"mm\n3\n", "text/csv")
    await ada.uses("/ask", room.general, prompt="rain?", attachment=file)
    assert heard == ["Boss", int(room.general.id), "rain?", b"mm\n3\n"]
    assert room.general.messages[0].text == "Yes."


async def test_a_command_works_in_a_direct_conversation(room: Room) -> None:
    await offers(room, deferred)
    asked = await room.alice.uses("/ask", room.world.dm(room.alice), prompt="rain?")
    await room.world.until(lambda: asked.text == "rain? No.")
    assert [shown.text for shown in room.world.dm(room.alice).messages] == ["rain? No."]


async def test_three_seconds_are_all_that_the_app_has(room: Room) -> None:
    late: list[tuple[int, int]] = []

    async def ask(asked: Asked) -> None:
        room.clock.advance(3)
        late.append(await error(asked.response.defer()))
        late.append(await error(asked.followup.send("late")))

    await offers(room, ask)
    asked = await room.alice.uses("/ask", room.general)
    await room.world.until(lambda: len(late) == 2)
    assert asked.error == "The application did not respond"
    assert late == [(404, 10062), (404, 10015)]


async def test_an_app_that_is_away_does_not_respond(room: Room) -> None:
    room.bot.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=deferred))
    await room.bot.tree.sync()
    asked = await room.alice.uses("/ask", room.general, prompt="rain?")
    assert asked.error == "The application did not respond"


async def test_a_token_lives_fifteen_minutes(room: Room) -> None:
    late: list[tuple[int, int]] = []

    async def ask(asked: Asked) -> None:
        await asked.response.send_message("Wait.")
        room.clock.advance(900)
        late.append(await error(asked.edit_original_response(content="Yes.")))

    await offers(room, ask)
    asked = await room.alice.uses("/ask", room.general)
    await room.world.until(lambda: late)
    assert (late, asked.text) == ([(401, 50027)], "Wait.")


async def test_a_second_answer_is_refused(room: Room) -> None:
    twice: list[tuple[int, int]] = []

    async def ask(asked: Asked) -> None:
        await asked.response.send_message("one")
        route = Route("POST", f"/interactions/{asked.id}/{asked.token}/callback")
        body = {"type": 4, "data": {"content": "two"}}
        twice.append(await error(asked.client.http.request(route, json=body)))

    await offers(room, ask)
    await room.alice.uses("/ask", room.general)
    await room.world.until(lambda: twice)
    assert (twice, [shown.text for shown in room.general.messages]) == ([(400, 40060)], ["one"])


async def test_choices_complete_what_is_typed(room: Room) -> None:
    async def enable(asked: Asked, tool: str) -> None:
        await asked.response.send_message(f"{tool} is on.", ephemeral=True)

    async def names(asked: Asked, typed: str) -> list[app_commands.Choice[str]]:
        known = ("get_current_temperature", "get_time", "roll_dice")
        return [app_commands.Choice(name=name, value=name) for name in known if name.startswith(typed)]

    tools = app_commands.Group(name="tools", description="Tools")
    tools.command(name="enable", description="Enable")(enable).autocomplete("tool")(names)
    room.bot.tree.add_command(tools)
    await room.bot.tree.sync()
    await room.connects()
    offered = await room.alice.completes("/tools enable", "tool", "get_")
    assert offered == [Choice("get_current_temperature", "get_current_temperature"), Choice("get_time", "get_time")]
    asked = await room.alice.uses("/tools enable", room.general, tool="get_time")
    assert asked.text == "get_time is on."


async def test_what_the_form_does_not_let_pass_is_not_sent(room: Room) -> None:
    await offers(room, deferred)
    wrong: list[tuple[str, dict[str, Any]]] = [("/asks", {}), ("/ask", {}), ("/ask now", {})]
    for line, given in [*wrong, ("/ask", {"prompt": "p", "loud": True})]:
        with pytest.raises(LookupError):
            await room.alice.uses(line, room.general, **given)
    assert room.world.interactions.made == []


async def test_a_command_for_admins_is_hidden_from_others(room: Room) -> None:
    async def tools(asked: Asked) -> None:
        await asked.response.send_message("None.")

    made: app_commands.Command[Any, ..., None] = app_commands.Command(name="tools", description="Tools", callback=tools)
    room.bot.tree.add_command(app_commands.default_permissions(manage_guild=True)(made))
    await room.bot.tree.sync()
    await room.connects()
    with pytest.raises(LookupError):
        await room.alice.uses("/tools", room.general)
    asked = await room.guild.person("Ada", admin=True).uses("/tools", room.general)
    assert asked.text == "None."


async def test_commands_keep_their_ids_when_they_are_overwritten(room: Room) -> None:
    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="ask", description="Ask", callback=deferred
    )
    room.bot.tree.add_command(command)
    room.bot.tree.add_command(command, guild=discord.Object(int(room.guild.id)))
    before = await room.bot.tree.sync()
    after = await room.bot.tree.sync()
    await room.bot.tree.sync(guild=discord.Object(int(room.guild.id)))
    commands = room.world.commands
    assert (commands.names(), commands.names(room.guild), commands.overwrites) == (["ask"], ["ask"], 3)
    assert before[0].id == after[0].id
    assert room.world.count(OVERWRITE) == 2


async def test_a_message_has_a_context_menu(room: Room) -> None:
    heard: list[str] = []

    async def about(asked: Asked, message: discord.Message) -> None:
        heard.append(message.content)
        await asked.response.send_message("About that.", ephemeral=True)

    room.bot.tree.add_command(app_commands.ContextMenu(name="Ask Parley about this", callback=about))
    await room.bot.tree.sync()
    await room.connects()
    room.world.grants(message_content=False)
    said = await room.alice.says("It rains in Oslo.", room.general)
    asked = await room.alice.menu("Ask Parley about this", said)
    assert (heard, asked.text) == (["It rains in Oslo."], "About that.")


class Rating(discord.ui.View):
    """Buttons of an answer, as they are after a restart too."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Good", custom_id="good:run-1")
    async def good(self, asked: Asked, button: discord.ui.Button[Rating]) -> None:
        await asked.response.edit_message(content="Thank you.", view=None)

    @discord.ui.button(label="Why?", custom_id="why:run-1")
    async def why(self, asked: Asked, button: discord.ui.Button[Rating]) -> None:
        await asked.response.defer()
        await asked.followup.send("Because.", ephemeral=True)


async def test_buttons_are_pressed_by_name(room: Room) -> None:
    await room.at().send("It rains.", view=Rating())
    room.bot.add_view(Rating())
    await room.connects()
    [answer] = room.general.messages
    assert answer.buttons == ["Good", "Why?"]
    why = await room.alice.presses(answer, "Why?")
    await room.world.until(lambda: why.text == "Because.")
    await room.alice.presses(answer, "good:run-1")
    assert (answer.text, answer.buttons, answer.versions) == ("Thank you.", [], ["It rains.", "Thank you."])
    with pytest.raises(LookupError):
        await room.alice.presses(answer, "Good")


async def test_a_form_opens_and_is_sent(room: Room) -> None:
    class Form(discord.ui.Modal, title="Ask"):
        words: discord.ui.TextInput[Form] = discord.ui.TextInput(label="What?", custom_id="words")

        async def on_submit(self, asked: discord.Interaction) -> None:
            await asked.response.send_message(f"{self.words.value} No.")

    async def ask(asked: Asked) -> None:
        await asked.response.send_modal(Form())

    await offers(room, ask)
    asked = await room.alice.uses("/ask", room.general)
    sent = await room.alice.submits(asked, {"words": "rain?"})
    assert sent.text == "rain? No."


async def test_an_answer_needs_no_permission_to_write(room: Room) -> None:
    room.general.denies(Permission.SEND_MESSAGES)
    await offers(room, deferred)
    asked = await room.alice.uses("/ask", room.general, prompt="rain?")
    await room.world.until(lambda: asked.text)
    assert room.general.messages[0].text == "rain? No."


async def test_a_callback_can_be_held_and_lost(room: Room) -> None:
    gate = room.world.holds(CALLBACK)
    room.world.fails(ORIGINAL, after=True)
    await offers(room, deferred)
    asked = await room.alice.uses("/ask", room.general, prompt="rain?", waits=False)
    await gate.reached()
    assert not asked.acknowledged
    room.clock.advance(2.5)
    gate.release()
    await room.world.until(lambda: asked.text)
    assert asked.acknowledged_after == 2.5
    assert [call.status for call in room.world.calls if call.route == ORIGINAL] == [200]


async def test_a_limited_follow_up_is_sent_again_by_the_client(room: Room) -> None:
    async def ask(asked: Asked) -> None:
        await asked.response.send_message("one")
        await asked.followup.send("two")

    room.world.fails(FOLLOWUP, status=429, retry_after=0.01)
    await offers(room, ask)
    asked = await room.alice.uses("/ask", room.general)
    await room.world.until(lambda: asked.text == "one\ntwo")
    assert room.world.count(FOLLOWUP) == 2


async def test_answers_over_one_token_have_their_own_bucket() -> None:
    async def ask(asked: Asked) -> None:
        await asked.response.send_message("0")
        for number in range(1, 4):
            await asked.edit_original_response(content=str(number))

    async with discord_room(now=time.time) as room:
        room.world.limits.allow("webhooks", 1, 0.05)
        room.world.limits.allow("messages", 1, 60)
        await offers(room, ask)
        asked = await room.alice.uses("/ask", room.general)
        await room.world.until(lambda: asked.text == "3")
        assert room.world.limited == 0
