"""What the buttons under Parley's answers on Discord do, for whom, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from adapters.discord import presses as pressing
from bot import presses
from bot.presses import FINISHED, THANKS
from bot.stopping import NOT_YOURS, STOPPED
from bot.store.schema import feedback
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.simulators.discord import CALLBACK, Channel, Message, Permission

LINE = "It snows in Oslo, and it will go on to do so for the whole of the day.\n"
"""So much of an answer is shown while it grows."""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db") as made:
        yield made


async def asks(talk: Talk, how: str) -> None:
    """Alice asks, in one of three ways."""
    if how == "mention":
        await talk.asks("Oslo?")
    else:
        await talk.alice.uses("/ask", talk.general, prompt="Oslo?", private=how == "private")


def answers(talk: Talk) -> list[Message]:
    """All that Parley shows, but for what it tells those who press."""
    shown = [one for place in talk.world.channels.values() for one in talk.ours(place)]
    return [*shown, *(one for one in talk.world.ephemerals if one.interaction and one.interaction["type"] == 2)]


async def shown(talk: Talk, text: str) -> Message:
    """Parley's only message, once it has this text."""
    await talk.world.until(lambda: [one.text for one in answers(talk)] == [text])
    return answers(talk)[0]


def custom_id(answer: Message, *, begins: str = "", ends: str = "") -> str:
    found = (str(part["custom_id"]) for part in answer.parts if "custom_id" in part)
    return next(id_ for id_ in found if id_.startswith(begins) and id_.endswith(ends))


def with_button(answer: Message, custom_id: str) -> Message:
    """The answer as somebody sees it who made up a button, or has not looked for long."""
    button = {"type": 2, "style": 2, "label": "Press", "custom_id": custom_id, "id": 2}
    answer.components = [{"type": 1, "id": 1, "components": [button]}]
    return answer


async def judged(parley: DiscordParley) -> list[tuple[str, str]]:
    query = select(feedback.c.author_name, feedback.c.value).order_by(feedback.c.author_name)
    return [(name, value) for name, value in await parley.core.database.read(lambda c: c.execute(query))]


WAYS = ["mention", "command", "private"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", WAYS)
async def test_stop_works_after_a_restart(talk: Talk, how: str) -> None:
    gate = talk.model.hold(LINE)
    async with talk.parley():
        await asks(talk, how)
        await talk.held(gate)
        await shown(talk, LINE.strip())
    gate = talk.model.hold(LINE)
    async with talk.parley() as parley:
        await talk.held(gate)
        answer = await shown(talk, LINE.strip())
        assert (await talk.alice.presses(answer, "Stop")).text == STOPPED
        await shown(talk, f"{LINE}\nStopped.")
        await parley.quiet()
    assert answer.buttons == []


@pytest.mark.parametrize("how", WAYS)
async def test_what_people_think_is_kept_after_a_restart_too(talk: Talk, how: str) -> None:
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        await asks(talk, how)
        answer = await shown(talk, "Cold.")
        await parley.quiet()
        pressed = await talk.alice.presses(answer, custom_id(answer, ends="good"))
        assert (pressed.text, pressed.ephemeral) == (THANKS, True)
    async with talk.parley() as parley:
        assert (await talk.alice.presses(answer, custom_id(answer, ends="bad"))).text == THANKS
        if how != "private":
            assert (await talk.bob.presses(answer, custom_id(answer, ends="good"))).text == THANKS
        others = [("Bob", "good")] if how != "private" else []
        assert await judged(parley) == [("Alice", "bad"), *others]


async def test_only_who_asked_and_admins_stop_by_the_button(talk: Talk) -> None:
    gate, ada = talk.model.hold(LINE), talk.guild.person("Ada", admin=True)
    async with talk.parley() as parley:
        await talk.asks("Oslo?")
        await talk.held(gate)
        answer = await shown(talk, LINE.strip())
        assert (await talk.bob.presses(answer, "Stop")).text == NOT_YOURS
        pressed = await ada.presses(answer, "Stop")
        assert (pressed.text, pressed.ephemeral) == (STOPPED, True)
        await shown(talk, f"{LINE}\nStopped.")
        await parley.quiet()


async def test_a_button_that_is_pressed_twice_does_the_same_once(talk: Talk) -> None:
    gate = talk.model.hold(LINE)
    async with talk.parley() as parley:
        await talk.asks("Oslo?")
        await talk.held(gate)
        answer = await shown(talk, LINE.strip())
        both = await asyncio.gather(talk.alice.presses(answer, "Stop"), talk.alice.presses(answer, "Stop"))
        assert sorted(pressed.text for pressed in both) == sorted([STOPPED, FINISHED])
        await shown(talk, f"{LINE}\nStopped.")
        await parley.quiet()


async def test_a_press_that_is_delivered_twice_is_answered_once(talk: Talk) -> None:
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        await talk.asks("Oslo?")
        answer = await shown(talk, "Cold.")
        await parley.quiet()
        pressed = await talk.alice.presses(answer, custom_id(answer, ends="good"))
        before = talk.world.count(CALLBACK)
        talk.world.duplicate(10)
        assert (await talk.bob.presses(answer, custom_id(answer, ends="bad"))).text == THANKS
        assert (talk.world.count(CALLBACK), pressed.text) == (before + 1, THANKS)
        assert await judged(parley) == [("Alice", "good"), ("Bob", "bad")]


@pytest.mark.parametrize("ended", ["stopped", "completed"])
async def test_stop_of_an_answer_that_is_over_changes_nothing(talk: Talk, ended: str) -> None:
    gate = talk.model.hold(LINE)
    async with talk.parley() as parley:
        await talk.asks("Oslo?")
        await talk.held(gate)
        answer = await shown(talk, LINE.strip())
        stop = custom_id(answer, begins="stop:")
        if ended == "stopped":
            await talk.alice.presses(answer, "Stop")
        gate.open()
        await parley.quiet()
        text = answer.text
        assert (await talk.alice.presses(with_button(answer, stop), "Press")).text == FINISHED
    assert answer.text == text


@pytest.mark.parametrize("made_up", ["x", "stop", "stop:", "stop:run_1", ":run_1:", "like:run_1:good", "é" * 100])
async def test_a_button_that_is_none_of_ours_is_not_known(talk: Talk, made_up: str) -> None:
    async with talk.parley():
        assert await pressed_in(talk, talk.general, made_up) == pressing.UNKNOWN


async def pressed_in(talk: Talk, place: Channel, id_: str) -> str:
    """What Alice is told who presses a button with this custom id somewhere."""
    message = Message(place, talk.world.next_id(), talk.world.me, "Press!")
    pressed = await talk.alice.presses(with_button(message, id_), "Press")
    assert pressed.ephemeral
    return pressed.text


async def test_a_made_up_button_of_ours_does_nothing(talk: Talk) -> None:
    talk.model.say("Cold.")
    async with talk.parley() as parley:
        await talk.asks("Oslo?")
        answer = await shown(talk, "Cold.")
        await parley.quiet()
        run_id = custom_id(answer, begins="feedback:").split(":")[1]
        for made_up in ("stop:run_1:", "feedback:run_1:good", f"feedback:{run_id}:", f"feedback:{run_id}:great"):
            assert await pressed_in(talk, talk.general, made_up) == presses.UNKNOWN
        assert await judged(parley) == []


async def test_an_answer_of_another_server_is_not_known(talk: Talk) -> None:
    gate = talk.model.hold(LINE)
    other = talk.world.guild("Other")
    other.joins(talk.alice, roles=[other.role("Staff", Permission.MANAGE_GUILD)])
    elsewhere = [other.channel("general"), talk.world.dm(talk.alice)]
    async with talk.parley() as parley:
        await talk.asks("Oslo?", who=talk.bob)
        await talk.held(gate)
        answer = await shown(talk, LINE.strip())
        stop = custom_id(answer, begins="stop:")
        assert [await pressed_in(talk, place, stop) for place in elsewhere] == [presses.UNKNOWN] * 2
        gate.open()
        await shown(talk, LINE.strip())
        await parley.quiet()
