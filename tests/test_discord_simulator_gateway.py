"""The simulated Discord's gateway, with the real discord.py: what the app hears, and what it costs to lose it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest

from tests.discord_room import Bot, Room, discord_room
from tests.simulators.discord import Message


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with discord_room() as made:
        await made.connects()
        yield made


async def hears(room: Room, *texts: str) -> None:
    await room.world.until(lambda: room.bot.texts == list(texts))


async def test_a_message_arrives_with_who_and_where(room: Room) -> None:
    ada = room.guild.person("Ada", nick="Boss", admin=True)
    await ada.says(f"{room.world.mention} rain?", room.general)
    await hears(room, f"{room.world.mention} rain?")
    [message] = room.bot.heard
    assert isinstance(message.author, discord.Member)
    assert (message.author.display_name, message.author.guild_permissions.manage_guild) == ("Boss", True)
    assert message.mentions == [room.bot.user]
    await message.reply("Yes.")
    assert [shown.text for shown in room.general.messages] == [f"{room.world.mention} rain?", "Yes."]


async def test_a_direct_message_arrives(room: Room) -> None:
    await room.alice.says("rain?", room.world.dm(room.alice))
    await hears(room, "rain?")
    assert isinstance(room.bot.heard[0].channel, discord.DMChannel)
    await room.bot.heard[0].channel.send("Yes.")
    assert [shown.text for shown in room.world.dm(room.alice).messages] == ["rain?", "Yes."]


async def test_bots_and_webhooks_are_told_apart(room: Room) -> None:
    robot, hook = room.guild.person("Robo", bot=True), room.world.somebody("Deploys", webhook=True)
    await robot.says("beep", room.general)
    await hook.says("done", room.general)
    await hears(room, "beep", "done")
    assert [(one.author.bot, one.webhook_id is not None) for one in room.bot.heard] == [(True, False), (True, True)]


async def test_edits_and_deletions_arrive(room: Room) -> None:
    said = await room.alice.says("rain", room.general)
    await room.alice.edits(said, "rain?")
    await room.alice.deletes(said)
    await room.world.until(lambda: "MESSAGE_DELETE" in room.bot.events)
    assert room.bot.events[-3:] == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]


async def test_a_preview_of_a_link_is_an_update_without_an_edit(room: Room) -> None:
    said = await room.alice.says("https://example.com", room.general)
    room.world.unfurls(said, {"type": "link", "url": "https://example.com"})
    await room.world.until(lambda: "MESSAGE_UPDATE" in room.bot.events)
    shown = room.bot.cached_messages[-1]
    assert (len(shown.embeds), shown.edited_at) == (1, None)


async def test_without_the_content_intent_only_what_concerns_the_app_is_readable() -> None:
    intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
    async with discord_room(Bot(intents)) as room:
        await room.connects()
        await room.alice.says("secret", room.general)
        await room.alice.says(f"{room.world.mention} rain?", room.general)
        await room.alice.says("and here?", room.world.dm(room.alice))
        await hears(room, "", f"{room.world.mention} rain?", "and here?")


async def test_what_the_app_did_not_subscribe_to_does_not_arrive() -> None:
    async with discord_room(Bot(discord.Intents(guilds=True, dm_messages=True))) as room:
        await room.connects()
        await room.alice.says("in public", room.general)
        await room.alice.says("in private", room.world.dm(room.alice))
        await hears(room, "in private")


async def test_a_channel_that_the_bot_cannot_see_is_silent(room: Room) -> None:
    await room.alice.says("hidden", room.guild.channel("hidden", bot=False))
    await room.alice.says("seen", room.general)
    await hears(room, "seen")


async def test_a_dropped_connection_resumes_and_hears_what_it_missed(room: Room) -> None:
    await room.alice.says("before", room.general)
    await hears(room, "before")
    room.world.drop()
    await room.alice.says("meanwhile", room.general)
    await room.alice.says("after", room.general)
    await hears(room, "before", "meanwhile", "after")
    assert (room.world.gateway.identifies, room.world.gateway.resumes) == (1, 1)


async def test_a_forgotten_session_begins_anew_and_missed_events_are_lost(room: Room) -> None:
    room.world.drop(resumable=False)
    await room.alice.says("meanwhile", room.general)
    await room.world.until(lambda: room.world.gateway.identifies == 2)
    await room.alice.says("after", room.general)
    await hears(room, "after")
    assert room.world.gateway.resumes == 0


async def test_a_request_to_reconnect_loses_nothing(room: Room) -> None:
    room.world.reconnect()
    await room.alice.says("meanwhile", room.general)
    await hears(room, "meanwhile")
    assert (room.world.gateway.identifies, room.world.gateway.resumes) == (1, 1)


@pytest.mark.parametrize(("resumable", "begun", "resumed"), [(True, 1, 1), (False, 2, 0)])
async def test_an_invalid_session_is_resumed_if_it_can_be(
    room: Room, resumable: bool, begun: int, resumed: int
) -> None:
    room.world.invalidate(resumable=resumable)
    gateway = room.world.gateway
    await room.world.until(lambda: (gateway.identifies, gateway.resumes) == (begun, resumed))
    await room.alice.says("after", room.general)
    await hears(room, "after")


async def test_a_resume_that_comes_too_late_begins_anew(room: Room) -> None:
    [session] = room.world.gateway.sessions.values()
    room.world.drop()
    for number in range(1_002):
        session.put("TYPING_START", {"channel_id": room.general.id, "user_id": room.alice.id, "timestamp": number})
    await room.world.until(lambda: room.world.gateway.identifies == 2)
    assert room.world.gateway.resumes == 0


async def test_events_are_dispatched_twice_when_told_so(room: Room) -> None:
    await room.alice.says("rain?", room.general)
    room.world.duplicate()
    await hears(room, "rain?", "rain?")
    assert room.bot.heard[0].id == room.bot.heard[1].id


async def test_intents_that_were_not_granted_end_it() -> None:
    async with discord_room() as room:
        room.world.grants(message_content=False)
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await room.bot.connect()


@pytest.mark.parametrize("code", [4004, 4014])
async def test_a_connection_is_closed_with_a_code(room: Room, code: int) -> None:
    room.world.close(code)
    await room.world.until(lambda: room.bot.failure)
    expected = {4004: discord.ConnectionClosed, 4014: discord.PrivilegedIntentsRequired}
    assert isinstance(room.bot.failure, expected[code])


async def test_other_codes_are_resumed(room: Room) -> None:
    room.world.close(4000)
    await room.world.until(lambda: room.world.gateway.resumes == 1)


async def test_two_shards_share_the_guilds() -> None:
    async with discord_room(shards=2) as room:
        beta = room.world.guild("Beta")
        while (int(beta.id) ^ int(room.guild.id)) >> 22 & 1 == 0:
            room.clock.advance(0.001)
            beta = room.world.guild("Beta")
        channel, bob = beta.channel("general"), beta.person("Bob")
        await room.connects()
        await room.world.connected(times=2)
        await room.alice.says("one", room.general)
        await bob.says("two", channel)
        await room.world.until(lambda: sorted(room.bot.texts) == ["one", "two"])
        assert {heard.guild.shard_id for heard in room.bot.heard if heard.guild} == {0, 1}


async def test_a_new_guild_and_channel_are_there_at_once(room: Room) -> None:
    beta = room.world.guild("Beta")
    channel, bob = beta.channel("general"), beta.person("Bob")
    said: Message = await bob.says("hello", channel)
    await hears(room, "hello")
    assert str(room.bot.heard[0].id) == said.id
    assert room.bot.heard[0].guild == room.bot.get_guild(int(beta.id))
