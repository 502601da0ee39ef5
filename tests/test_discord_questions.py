"""Questions by command on Discord: `/ask` wherever people are, with files, and for the eyes of one person only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.models.port import UserText
from bot.presses import THANKS
from bot.stopping import STOPPED
from bot.store.schema import messages
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.scripted_model import Gate
from tests.simulators.discord import CALLBACK, Channel, Interaction, Message, Permission, Person
from tests.test_attachments import png
from tools.registry import Registry, tool

LINE = "It snows in Oslo, and it will go on to do so for the whole of the day.\n"
"""So much of an answer is shown while it grows."""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db") as made:
        yield made


async def asks(
    talk: Talk, prompt: str, where: Channel | None = None, *, who: Person | None = None, **options: Any
) -> Interaction:
    """Somebody, Alice by default, uses `/ask`, in #general by default."""
    return await (who or talk.alice).uses("/ask", where or talk.general, prompt=prompt, **options)


async def answered(talk: Talk, parley: DiscordParley, asked: Interaction) -> str:
    """What the person reads in answer to a command, once nothing more is to come."""
    await talk.world.until(lambda: asked.text)
    await parley.quiet()
    assert not asked.thinking
    return asked.text


async def stored(parley: DiscordParley) -> list[str]:
    """What people asked, as it is in the store."""
    query = select(messages.c.text).where(messages.c.role == "user").order_by(messages.c.seq)
    return list(await parley.core.database.read(lambda c: c.scalars(query)))


# -- where it is asked -----------------------------------------------------------------------------------------------


async def test_a_question_in_a_channel_is_answered_there(talk: Talk) -> None:
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        asked = await asks(talk, "Oslo?")
        assert await answered(talk, parley, asked) == "Cold."
    assert (asked.deferred, asked.ephemeral, talk.world.threads(talk.general)) == (True, False, [])
    assert [one.text for one in talk.general.messages] == ["Cold."]
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\nOslo?"]


async def test_people_go_on_by_replying_to_the_answer(talk: Talk) -> None:
    for text in ("Cold.", "Colder.", "Warm."):
        talk.model.say(text)
    async with talk.parley() as parley:
        asked = await asks(talk, "Oslo?")
        await answered(talk, parley, asked)
        await talk.bob.says("And Tromsø?", talk.general, reply_to=asked.responses[0])
        (_, second) = await talk.shows(talk.general, "Cold.", "Colder.")
        await talk.alice.says("And Rome?", talk.general, reply_to=second)
        await talk.shows(talk.general, "Cold.", "Colder.", "Warm.")
        await parley.quiet()
    assert talk.model.heard() == ["Oslo?", "And Tromsø?", "And Rome?"]


async def test_each_part_of_a_long_answer_can_be_replied_to(talk: Talk) -> None:
    talk.model.say(LINE * 40)
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        await answered(talk, parley, await asks(talk, "Oslo?"))
        parts = talk.ours(talk.general)
        assert [word for one in parts for word in one.text.split()] == (LINE * 40).split()
        assert [len(one.buttons) for one in parts] == [0, 3]
        await talk.bob.says("For sure?", talk.general, reply_to=parts[1])
        await talk.world.until(lambda: talk.ours(talk.general)[-1].text == "Yes.")
        await parley.quiet()
    assert talk.model.heard() == ["Oslo?", "For sure?"]


async def test_each_question_in_a_channel_is_one_of_its_own(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Warm.")
    async with talk.parley() as parley:
        await answered(talk, parley, await asks(talk, "Oslo?"))
        assert await answered(talk, parley, await asks(talk, "Rome?")) == "Warm."
    assert talk.model.heard() == ["Rome?"]


async def test_in_a_thread_with_parley_a_command_belongs_to_its_conversation(talk: Talk) -> None:
    for text in ("Cold.", "Colder.", "Coldest."):
        talk.model.say(text)
    async with talk.parley() as parley:
        begun = await talk.asks("Oslo?")
        await talk.shows(begun, "Cold.")
        thread = talk.world.thread(begun)
        await answered(talk, parley, await asks(talk, "Tromsø?", thread, who=talk.bob))
        await talk.alice.says("Svalbard?", thread)
        await talk.shows(begun, "Cold.", "Colder.", "Coldest.")
        await parley.quiet()
    assert talk.spoken() == [
        f"Alice ({talk.alice.id}):\nOslo?", f"Bob ({talk.bob.id}):\nTromsø?", f"Alice ({talk.alice.id}):\nSvalbard?"
    ]  # fmt: skip


async def test_in_a_thread_of_people_what_was_said_before_is_read_once(talk: Talk) -> None:
    talk.model.say("Bring skis.")
    talk.model.say("And a map.")
    async with talk.parley() as parley:
        trip = await talk.bob.says("A trip to Oslo?", talk.general)
        thread = await talk.bob.opens_thread("Trip", trip)
        await talk.alice.says("In March!", thread)
        assert await answered(talk, parley, await asks(talk, "What to bring?", thread)) == "Bring skis."
        assert talk.model.heard() == ["A trip to Oslo?", "In March!", "What to bring?"]
        await answered(talk, parley, await asks(talk, "Else?", thread))
    assert talk.model.heard() == ["A trip to Oslo?", "In March!", "What to bring?", "Else?"]


async def test_a_direct_conversation_goes_on_by_command(talk: Talk) -> None:
    talk.model.say("Hello.")
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        room = talk.world.dm(talk.alice)
        await talk.alice.says("Hi", room)
        await talk.shows(room, "Hello.")
        await answered(talk, parley, await asks(talk, "Oslo?", room))
    assert [one.text for one in talk.ours(room)] == ["Hello.", "Cold."]
    assert talk.model.heard() == ["Hi", "Oslo?"]


async def test_where_parley_may_not_write_the_response_alone_is_the_answer(talk: Talk) -> None:
    talk.model.say(LINE * 50)
    talk.general.denies(Permission.VIEW_CHANNEL, Permission.SEND_MESSAGES)
    async with talk.parley() as parley:
        asked = await asks(talk, "Oslo?")
        await answered(talk, parley, asked)
    (answer,) = talk.general.messages
    assert [file.content.decode() for file in answer.files] == [(LINE * 50).strip()]


# -- with what -------------------------------------------------------------------------------------------------------


async def test_the_text_of_an_attached_file_is_read(talk: Talk) -> None:
    talk.model.say("Snow.")
    file = talk.world.file("a.csv", b"place,mm\nOslo,3\n", "text/csv")
    async with talk.parley() as parley:
        assert await answered(talk, parley, await asks(talk, "What is it?", attachment=file)) == "Snow."
    assert "place,mm\nOslo,3" in talk.spoken()[0]


async def test_an_attached_image_is_looked_at(talk: Talk) -> None:
    talk.model.say("Snow.")
    file = talk.world.file("a.png", png(), "image/png")
    async with talk.parley() as parley:
        await answered(talk, parley, await asks(talk, "What is it?", attachment=file, private=True))
    (said,) = talk.model.requests[0].items
    assert isinstance(said, UserText)
    assert [(image.name, image.mime, image.data) for image in said.images] == [("a.png", "image/png", png())]


async def test_a_file_that_cannot_be_read_is_told_of(talk: Talk) -> None:
    talk.model.say("What file?")
    file = talk.world.file("a.zip", b"PK", "application/zip")
    async with talk.parley() as parley:
        told = await answered(talk, parley, await asks(talk, "What is it?", attachment=file))
    assert told.startswith("What file?\n\na.zip was not read: I can read")


async def test_who_is_named_in_a_question_has_a_name(talk: Talk) -> None:
    talk.model.say("He does.")
    carl = talk.guild.person("Carl", nick="Chief")
    async with talk.parley() as parley:
        asked = await asks(talk, f"Does {carl.mention} ski in {talk.general.mention}, {talk.world.mention}?")
        await answered(talk, parley, asked)
    assert talk.model.heard() == ["Does @Chief ski in #general, @Parley?"]


async def test_a_question_is_safe_before_discord_is_told_of_it(talk: Talk) -> None:
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        gate = talk.world.holds(CALLBACK)
        asked = await talk.alice.uses("/ask", talk.general, prompt="Oslo?", waits=False)
        await gate.reached()
        assert (await stored(parley), asked.acknowledged) == (["Oslo?"], False)
        gate.release()
        assert await answered(talk, parley, asked) == "Cold."


# -- for one person --------------------------------------------------------------------------------------------------


def whispers(talk: Talk) -> list[tuple[Person | None, str, list[str]]]:
    """What only one person sees: who, which text, which buttons."""
    return [(one.only_for, one.text, one.buttons) for one in talk.world.ephemerals]


def seen_by_all(talk: Talk) -> list[Message]:
    return [one for place in talk.world.channels.values() for one in talk.ours(place)]


async def test_a_private_answer_is_seen_by_one_person_while_it_is_made(talk: Talk) -> None:
    works = Gate()

    @tool
    async def forecast(place: str) -> str:
        """The weather."""
        await works.wait()
        return f"Snow in {place}."

    talk.model.call(("forecast", {"place": "Oslo"}))
    gate = talk.model.hold(LINE)
    async with talk.parley(registry=Registry([forecast])) as parley:
        asked = await asks(talk, "Oslo?", private=True)
        await talk.world.until(lambda: whispers(talk) == [(talk.alice, "-# ⏳ calling forecast…", ["Stop"])])
        works.open()
        await talk.held(gate)
        shown = f"-# ✅ calling forecast…\n{LINE}".strip()
        await talk.world.until(lambda: whispers(talk) == [(talk.alice, shown, ["Stop"])])
        gate.open()
        await talk.world.until(lambda: asked.text == LINE.strip())
        await parley.quiet()
        assert [label for _, _, labels in whispers(talk) for label in labels] == ["None", "None", "Why?"]
        pressed = await talk.alice.presses(asked.responses[0], feedback(asked.responses[0], "good"))
        assert (pressed.text, pressed.ephemeral) == (THANKS, True)
    assert (seen_by_all(talk), talk.general.typing) == ([], False)


def feedback(answer: Message, value: str) -> str:
    """The custom id of a button under an answer."""
    return next(str(part["custom_id"]) for part in answer.parts if str(part.get("custom_id")).endswith(value))


async def test_a_private_answer_is_stopped_by_its_button(talk: Talk) -> None:
    gate = talk.model.hold(LINE)
    async with talk.parley() as parley:
        asked = await asks(talk, "Oslo?", private=True)
        await talk.held(gate)
        await talk.world.until(lambda: asked.text == LINE.strip())
        pressed = await talk.alice.presses(asked.responses[0], "Stop")
        assert pressed.text == STOPPED
        await talk.world.until(lambda: asked.text == f"{LINE}\nStopped.")
        await parley.quiet()
    assert (seen_by_all(talk), asked.responses[0].buttons) == ([], [])


async def test_what_a_private_answer_has_no_room_for_comes_as_a_file(talk: Talk) -> None:
    talk.model.say(LINE * 50)
    async with talk.parley() as parley:
        asked = await asks(talk, "Oslo?", private=True)
        await answered(talk, parley, asked)
    (answer,) = asked.responses
    assert [file.content.decode() for file in answer.files] == [(LINE * 50).strip()]
    assert (answer.only_for, answer.text.startswith(LINE), seen_by_all(talk)) == (talk.alice, True, [])


@pytest.mark.parametrize("where", ["thread", "direct"])
async def test_a_private_question_is_no_part_of_a_conversation_nor_that_of_it(talk: Talk, where: str) -> None:
    for text in ("Cold.", "A secret.", "Colder.", "Another."):
        talk.model.say(text)
    async with talk.parley() as parley:
        begun = await (talk.asks("Oslo?") if where == "thread" else talk.alice.says("Oslo?", talk.world.dm(talk.alice)))
        await talk.world.until(lambda: begun.thread or where == "direct")
        place = begun.thread or talk.world.dm(talk.alice)
        await talk.shows(place, "Cold.")
        await answered(talk, parley, await asks(talk, "Between us?", place, private=True))
        assert talk.model.heard() == ["Between us?"]
        await talk.alice.says("Tromsø?", place)
        await talk.shows(place, "Cold.", "Colder.")
        assert talk.model.heard() == ["Oslo?", "Tromsø?"]
        await answered(talk, parley, await asks(talk, "Still?", place, private=True))
    assert talk.model.heard() == ["Still?"]
    assert [one.text for one in talk.ours(place)] == ["Cold.", "Colder."]
