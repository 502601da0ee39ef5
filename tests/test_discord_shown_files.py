"""Files that tools make, on Discord: in the answer's last message, once, and never at the answer's cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.discord.attaching import WAITS
from adapters.discord.whisper import LARGEST
from bot.assistants.types import ShownFile
from tests.discord_parley import Talk, talk_at
from tests.discord_stage import WAYS, Stage, stage
from tests.drawing import CHART, CHARTS, DRAWN, answer, drawing, drawing_of
from tests.simulators.discord import CREATE, EDIT, ORIGINAL, Message
from tests.simulators.discord.permissions import Permission
from tests.test_discord_deadlines import asks

COULD_NOT = "I could not show `chart.png`, `table.csv` here: "
LONG = "Sentence number {} tells of the weather. "


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", limits=False) as made:
        yield made


def draws(talk: Talk, text: str = "Cold.") -> None:
    talk.model.call(("draw", {"place": "Oslo"}))
    talk.model.say(text)


def files(*messages: Message) -> list[tuple[str, bytes]]:
    return [(file.name, file.content) for message in messages for file in message.files]


# -- where they are ---------------------------------------------------------------------------------------------------


async def test_files_are_in_the_last_message_of_an_answer(talk: Talk) -> None:
    draws(talk, "".join(LONG.format(number) for number in range(60)).strip())
    async with talk.parley(registry=drawing()) as parley:
        asked = await talk.asks()
        await talk.world.until(lambda: files(*talk.ours(asked)) == DRAWN)
        await parley.quiet()
        first, last = talk.ours(asked)
    assert (files(first), files(last)) == ([], DRAWN)
    assert last.buttons == ["None", "None", "Why?"]
    assert [*first.pinged, *last.pinged] == []


@pytest.mark.parametrize("private", [False, True])
async def test_a_response_to_a_command_has_them_and_a_private_one_shows_them_to_nobody_else(
    talk: Talk, private: bool
) -> None:
    draws(talk)
    async with talk.parley(registry=drawing()) as parley:
        used = await asks(talk, private=private)
        await talk.world.until(lambda: files(*used.responses) == DRAWN)
        await parley.quiet()
        (response,) = used.responses
    assert (response.text, response.ephemeral) == ("Cold.", private)
    assert [files(one) for one in talk.general.messages] == ([] if private else [DRAWN])


async def test_a_private_answer_of_many_words_has_all_of_them_and_the_files(talk: Talk) -> None:
    words = "".join(LONG.format(number) for number in range(60)).strip()
    draws(talk, words)
    async with talk.parley(registry=drawing()) as parley:
        used = await asks(talk, private=True)
        await talk.world.until(lambda: len(files(*used.responses)) == 3)
        await parley.quiet()
    assert files(*used.responses) == [("answer.md", words.encode()), *DRAWN]


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_of_files_alone_is_shown(way: str) -> None:
    async with stage(way) as made:
        await made.show(answer(""))
        assert (texts(made), files(*made.shown)) == ([""], DRAWN)


async def test_there_are_ten_files_and_a_sentence_for_the_others() -> None:
    many = [ShownFile(f"shown_{number}", f"{number}.png", "image/png", CHART) for number in range(12)]
    async with stage("follow-up") as made:
        await made.show(answer("Cold.", *many))
        assert files(*made.shown) == [(one.name, CHART) for one in many[:10]]
        told = "I could not show `10.png`, `11.png` here: An answer has room for 10 files."
        assert texts(made) == [f"Cold.\n\n{told}"]


@pytest.mark.parametrize("name", ["../../<@1> @here\x1b[2J\u202e\r\nX: y.png", "a" * 500 + ".png", "...", '"`x`.png'])
async def test_the_name_of_a_file_is_a_name_and_nothing_else(talk: Talk, name: str) -> None:
    draws(talk)
    async with talk.parley(registry=drawing_of((name, CHART))) as parley:
        asked = await talk.asks()
        await talk.world.until(lambda: files(*talk.ours(asked)))
        await parley.quiet()
        ((given, content),) = files(*talk.ours(asked))
    assert content == CHART
    assert not set(given) & set('/\\<>@`*|!"\r\n\x1b\u202e')
    assert 0 < len(given) <= 60


# -- whatever happens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before it has its effect", "after that"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("way", WAYS)
async def test_whichever_call_it_is_killed_in_they_are_shown_once(way: str, number: int, after: bool) -> None:
    async with stage(way) as made:
        for route in [ORIGINAL if "command" in way else EDIT] * number:
            await made.killed_in(route, answer(), after=after)
        await made.killed_in(ORIGINAL if "command" in way else CREATE, answer(), after=after)
        await made.show(answer())
        assert (texts(made), files(*made.shown)) == (["Cold."], DRAWN)


def texts(made: Stage) -> list[str]:
    return [message.text for message in made.shown]


@pytest.mark.parametrize("fault", [{"after": True}, {"drop": True}, {"status": 503}, {"status": 429}], ids=str)
async def test_an_edit_that_fails_is_made_good(fault: dict[str, object]) -> None:
    async with stage("follow-up") as made:
        await made.show(answer("Co"))
        made.world.fails(EDIT, times=2, **fault)  # type: ignore[arg-type]
        await made.show(answer("Cold."))
        assert (texts(made), files(*made.shown)) == (["Cold."], DRAWN)


# -- where they cannot be shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["mention", "follow-up"])
async def test_where_it_may_attach_nothing_the_answer_stands_with_a_sentence(way: str) -> None:
    async with stage(way) as made:
        made.guild.withholds(Permission.ATTACH_FILES)
        await made.show(answer())
        (message,) = made.shown
        assert message.text.startswith(f"Cold.\n\n{COULD_NOT}Parley lacks a permission for ")
        assert files(message) == []


async def test_a_file_that_is_too_large_does_not_keep_the_other() -> None:
    large = ShownFile("shown_0", "large.png", "image/png", b"x" * (LARGEST + 1))
    async with stage("follow-up") as made:
        await made.show(answer("Cold.", large, *CHARTS))
        assert files(*made.shown) == DRAWN
        assert texts(made) == ["Cold.\n\nI could not show `large.png` here: Discord takes files of 10 MB."]


async def test_what_discord_finds_too_large_costs_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.discord.attaching.LARGEST", 2 * LARGEST)
    large = ShownFile("shown_0", "large.png", "image/png", b"x" * (LARGEST + 1))
    async with stage("follow-up") as made:
        await made.show(answer("Cold.", large))
        assert texts(made) == [
            "Cold.\n\nI could not show `large.png` here: Discord refuses a message with so much in it."
        ]


async def test_files_that_are_not_taken_for_long_are_given_up_in_a_sentence() -> None:
    async with stage("follow-up") as made:
        made.world.fails(EDIT, times=4 * (len(WAITS) + 1))  # a call is tried four times
        showing = asyncio.create_task(made.show(answer()))
        made.clock.advance(await asyncio.wait_for(made.clock.asleep(), 20))
        await asyncio.wait_for(showing, 20)
        (message,) = made.shown
    assert (message.text.startswith(f"Cold.\n\n{COULD_NOT}Discord is in trouble"), files(message)) == (True, [])


@pytest.mark.parametrize("way", ["follow-up", "command"])
async def test_a_message_that_somebody_deletes_meanwhile_comes_again_with_its_files(way: str) -> None:
    async with stage(way) as made:
        first = made.world.holds(ORIGINAL if way == "command" else CREATE)
        showing = asyncio.create_task(made.show(answer()))
        await first.reached()
        second = made.world.holds(ORIGINAL if way == "command" else EDIT)
        first.release()
        await second.reached()
        await made.alice.deletes(made.shown[0])
        second.release()
        await asyncio.wait_for(showing, 20)
        assert (texts(made), files(*made.shown)) == (["Cold."], DRAWN)
