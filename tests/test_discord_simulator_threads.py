"""Threads of the simulated Discord, with the real discord.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest

from tests.discord_room import Room, discord_room, error
from tests.simulators.discord import FROM_MESSAGE, Channel, Message, Permission


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with discord_room() as made:
        await made.connects()
        yield made


async def asked(room: Room) -> Message:
    """A question of Alice's that the client has heard."""
    said = await room.alice.says("rain?", room.general)
    await room.world.until(lambda: room.bot.texts == ["rain?"])
    return said


async def opened(room: Room) -> tuple[discord.Thread, Channel]:
    """A thread from a question, as the client has it and as people see it."""
    question = await asked(room)
    thread = await room.bot.heard[0].create_thread(name="rain?", auto_archive_duration=60)
    return thread, room.world.thread(question)


def is_closed(thread: Channel) -> bool:
    return thread.archived


def starts(room: Room, root: Message) -> Any:
    """Ask for a thread where the client itself would not."""
    start = room.bot.http.start_thread_with_message
    return start(int(root.channel.id), int(root.id), name="rain?", auto_archive_duration=60)


async def test_a_thread_of_a_message_has_its_id(room: Room) -> None:
    question = await asked(room)
    thread = await room.bot.heard[0].create_thread(name="rain?")
    await thread.send("Yes.")
    [shown] = room.world.threads(room.general)
    assert (str(thread.id), shown.id) == (question.id, question.id)
    assert [message.text for message in shown.messages] == ["Yes."]
    assert await error(room.bot.heard[0].create_thread(name="again?")) == (400, 160004)


async def test_what_is_said_in_a_thread_arrives_there(room: Room) -> None:
    thread, shown = await opened(room)
    await room.alice.says("and tomorrow?", shown)
    await room.world.until(lambda: "and tomorrow?" in room.bot.texts)
    heard = room.bot.heard[-1]
    assert isinstance(heard.channel, discord.Thread)
    assert (heard.channel.id, heard.channel.parent_id) == (thread.id, int(room.general.id))
    assert room.alice.id in shown.members


async def test_a_thread_that_somebody_opens_begins_with_a_message_of_discords_own(room: Room) -> None:
    question = await asked(room)
    thread = await room.alice.opens_thread("rain?", question)
    await room.world.until(lambda: len(room.bot.heard) == 2)
    assert (room.bot.heard[-1].type, thread.messages) == (discord.MessageType.thread_starter_message, [])
    read = [message async for message in room.at(thread).history()]
    assert [message.type for message in read] == [discord.MessageType.thread_starter_message]


async def test_a_thread_closes_when_nothing_happens_and_opens_with_the_next_message(room: Room) -> None:
    thread, shown = await opened(room)
    room.clock.advance(60 * 60)
    assert is_closed(shown)
    await thread.send("Still there?")
    assert not is_closed(shown)
    await room.world.until(lambda: "THREAD_UPDATE" in room.bot.events)
    room.world.archives(shown)
    await room.alice.says("Yes.", shown)
    assert not is_closed(shown)


async def test_messages_in_a_closed_thread_are_not_edited(room: Room) -> None:
    thread, shown = await opened(room)
    posted = await thread.send("Yes.")
    await room.alice.archives(shown)
    assert await error(posted.edit(content="No.")) == (400, 50083)
    assert await error(posted.add_reaction("👍")) == (400, 50083)
    await thread.edit(archived=False)
    await posted.edit(content="No.")
    assert shown.messages[0].text == "No."


async def test_a_locked_thread_takes_no_messages(room: Room) -> None:
    thread, shown = await opened(room)
    await room.alice.archives(shown, locked=True)
    assert await error(thread.send("Yes.")) == (400, 160005)
    with pytest.raises(LookupError):
        await room.alice.says("Yes.", shown)
    room.guild.bot_role.permissions |= Permission.MANAGE_THREADS
    await thread.send("Yes.")
    assert shown.messages[0].text == "Yes."


async def test_threads_need_their_permissions(room: Room) -> None:
    thread, _ = await opened(room)
    room.guild.withholds(Permission.CREATE_PUBLIC_THREADS, Permission.SEND_MESSAGES_IN_THREADS)
    assert await error(thread.send("Yes.")) == (403, 50013)
    other = await room.alice.says("snow?", room.general)
    assert await error(starts(room, other)) == (403, 50013)
    assert room.world.count(FROM_MESSAGE) == 2


async def test_a_thread_needs_a_channel_of_a_guild(room: Room) -> None:
    said = await room.alice.says("rain?", room.world.dm(room.alice))
    assert await error(starts(room, said)) == (400, 50024)


async def test_open_threads_are_listed_and_closed_ones_by_channel(room: Room) -> None:
    _, shown = await opened(room)
    guild = room.bot.get_guild(int(room.guild.id))
    assert guild is not None
    assert [thread.id for thread in await guild.active_threads()] == [int(shown.id)]
    room.world.archives(shown)
    assert await guild.active_threads() == []
    channel = guild.text_channels[0]
    assert [thread.id async for thread in channel.archived_threads()] == [int(shown.id)]


async def test_open_threads_are_known_after_a_cold_start(room: Room) -> None:
    _, shown = await opened(room)
    closed = await room.alice.opens_thread("old", room.general)
    room.world.archives(closed)
    room.world.drop(resumable=False)
    await room.world.until(lambda: room.world.gateway.identifies == 2 and room.bot.is_ready())
    guild = room.bot.get_guild(int(room.guild.id))
    assert [thread.id for thread in guild.threads] == [int(shown.id)] if guild else None


async def test_a_thread_without_a_message_is_noted_in_its_channel(room: Room) -> None:
    guild = room.bot.get_guild(int(room.guild.id))
    assert guild is not None
    thread = await guild.text_channels[0].create_thread(name="news", type=discord.ChannelType.public_thread)
    await room.alice.says("hello", room.world.channels[str(thread.id)])
    await thread.add_user(discord.Object(int(room.alice.id)))
    assert {member.id for member in await thread.fetch_members()} == {room.bot.application_id, int(room.alice.id)}
    kinds = [message.type async for message in room.at().history()]
    assert kinds == [discord.MessageType.thread_created]
