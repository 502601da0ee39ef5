"""What people see of an answer on Discord: statuses, text that grows, buttons, long answers, nothing that notifies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models.port import ModelError, Turn
from tests.discord_parley import Talk, talk_at
from tests.scripted_model import Gate
from tests.simulators.discord import CREATE, EDIT, Message

CODE = "```python\n" + "".join(f"print({number})\n" for number in range(400)) + "```"
TABLE = "| city | rain |\n|---|---|\n" + "".join(f"| City {number} | {number} mm |\n" for number in range(200))
PROSE = "".join(f"Sentence number {number} tells of the weather. " for number in range(300)).strip()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db") as made:
        yield made


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Talk]:
    """On a Discord that counts nothing."""
    async with talk_at(tmp_path / "p.db", limits=False) as made:
        yield made


def words(messages: list[Message]) -> str:
    """All that is read in some messages, without what a message border adds: fences and blanks."""
    text = "".join(one.text for one in messages)
    return "".join(text.replace("```python", "").replace("```", "").split())


async def test_people_see_at_once_that_it_is_at_work(talk: Talk) -> None:
    gate = talk.model.hold()
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(gate)
        (thinking,) = await talk.shows(asked, "-# thinking…")
        assert thinking.buttons == ["Stop"]
        gate.open()
        await talk.shows(asked, "…")
        await parley.quiet()


async def test_typing_is_shown_where_the_question_was_asked(talk: Talk) -> None:
    held = talk.world.holds(CREATE)
    talk.model.say("Hello.")
    async with talk.parley() as parley:
        room = talk.world.dm(talk.alice)
        await talk.alice.says("Hi", room)
        await talk.world.until(lambda: room.typing)
        held.release()
        await talk.shows(room, "Hello.")
        assert not room.typing
        await parley.quiet()


async def test_an_answer_stands_in_one_message_that_grows(talk: Talk) -> None:
    first, second = Gate(), Gate()
    talk.model.act("It rains ", first, "in Oslo ", second, "today.", Turn("It rains in Oslo today."))
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(first)
        await talk.world.until(lambda: [one.text.strip() for one in talk.ours(asked)] == ["It rains"])
        first.open()
        await talk.held(second)
        await talk.world.until(lambda: [one.text.strip() for one in talk.ours(asked)] == ["It rains in Oslo"])
        second.open()
        (answer,) = await talk.shows(asked, "It rains in Oslo today.")
        await parley.quiet()
    assert all(new.startswith(old.strip()) for old, new in zip(answer.versions[1:], answer.versions[2:], strict=False))


async def test_statuses_tell_the_tool_and_how_it_went_but_no_arguments(talk: Talk) -> None:
    talk.model.call(("forecast", {"place": "Nowhere"}), ("tide", {"place": "Secret Cove"}))
    gate = talk.model.hold()
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(gate)
        (status,) = await talk.shows(asked, "-# ❌ calling forecast…\n-# ✅ calling tide…")
        gate.open()
        await talk.shows(asked, "…")
        await parley.quiet()
    assert not any("Secret" in version or "Nowhere" in version for version in status.versions)


async def test_how_an_answer_failed_is_one_sentence(talk: Talk) -> None:
    talk.model.act("It ra", ModelError("The model is broken. Please try again."))
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.world.until(lambda: talk.ours(asked) and "try again" in talk.ours(asked)[-1].text)
        await parley.quiet()
        (answer,) = talk.ours(asked)
    assert answer.buttons == []
    assert "-#" not in answer.text


async def test_nothing_in_an_answer_notifies_anybody(talk: Talk) -> None:
    everyone = talk.guild.everyone
    everyone.permissions |= type(everyone.permissions).MENTION_EVERYONE
    text = f"@everyone @here {talk.bob.mention} {talk.guild.role('Cooks', mentionable=True).mention}"
    talk.model.say(text)
    talk.model.say(text)
    async with talk.parley() as parley:
        asked = await talk.asks("Who?")
        (answer,) = await talk.shows(asked, text)
        used = await talk.alice.uses("/ask", talk.general, prompt="Who?")
        await talk.world.until(lambda: used.text == text)
        await parley.quiet()
    assert (answer.pinged, used.responses[0].pinged) == ([], [])


async def test_feedback_is_asked_for_under_an_answer(talk: Talk) -> None:
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        (answer,) = await talk.shows(asked, "Yes.")
        await parley.quiet()
        good = next(part["custom_id"] for part in answer.parts if "custom_id" in part)
        pressed = await talk.bob.presses(answer, good)
        assert (pressed.text, pressed.ephemeral) == ("Thank you for telling me.", True)


@pytest.mark.parametrize(
    "text", [CODE, TABLE, PROSE, f"{PROSE}\n\n{CODE}\n\n{TABLE}"], ids=["code", "table", "prose", "all"]
)
async def test_a_long_answer_comes_whole_in_messages_that_each_stand_alone(fast: Talk, text: str) -> None:
    fast.model.say(*[text[at : at + 700] for at in range(0, len(text), 700)])
    async with fast.parley() as parley:
        asked = await fast.asks("All?")
        await fast.world.until(lambda: fast.ours(asked) and len(fast.ours(asked)[-1].buttons) == 3, seconds=40)
        await parley.quiet()
        shown = fast.ours(asked)
    assert words(shown) == "".join(text.replace("```python", "").replace("```", "").split())
    assert all(len(one.text) <= 2000 and one.text.count("```") % 2 == 0 for one in shown)
    assert [one.buttons for one in shown[:-1]] == [[]] * (len(shown) - 1)
    assert [file.content.decode() for one in shown for file in one.files] == (
        [text.strip()] if len(text) > 12_000 else []
    )


async def test_a_table_is_verbatim_inside_a_fence(talk: Talk) -> None:
    talk.model.say("Here:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nDone.")
    async with talk.parley() as parley:
        asked = await talk.asks("Table?")
        await talk.shows(asked, "Here:\n\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n\nDone.")
        await parley.quiet()


async def test_edits_keep_inside_the_bucket_and_the_last_state_does_not_wait(talk: Talk) -> None:
    talk.model.say(*[f"word{number} " for number in range(400)])
    async with talk.parley() as parley:
        asked = await talk.asks("Long?")
        await talk.world.until(lambda: talk.ours(asked) and len(talk.ours(asked)[-1].buttons) == 3)
        await parley.quiet()
    assert talk.world.limited == 0
    assert talk.world.count(EDIT) + talk.world.count(CREATE) <= 5


async def test_what_was_shown_stays_when_the_answer_is_stopped(talk: Talk) -> None:
    gate = talk.model.hold("It snows")
    async with talk.parley() as parley:
        asked = await talk.asks("Oslo?")
        await talk.held(gate)
        await talk.shows(asked, "It snows")
        async with asyncio.timeout(20):
            used = await talk.alice.uses("/stop", talk.world.thread(asked))
        assert used.text == "Stopped."
        (answer,) = await talk.shows(asked, "It snows\n\nStopped.")
        await parley.quiet()
    assert answer.buttons == []
