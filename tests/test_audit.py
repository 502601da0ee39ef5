"""The audit record as it is read in chat: by whom, of what, and what people's own words cannot do to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.assistants.types import Author
from bot.commands.audit import ADMINS_ONLY, EMPTY, FORM
from bot.ports import CommandRequest, Conversation
from tests.parley import Parley, parley_at
from tests.room import BOB
from tests.scripted_model import ScriptedModel

AT = "2027-01-15 08:00:00 UTC"


@pytest.fixture
async def parley(tmp_path: Path) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", ScriptedModel(), admins=["room:U3"]) as made:
        yield made


async def read(parley: Parley, text: str = "audit") -> list[str]:
    return (await parley.alice.command(text, admin=True)).splitlines()


async def test_admins_read_who_changed_what_newest_first_and_refusals_too(parley: Parley) -> None:
    assert await read(parley) == [EMPTY]
    await parley.alice.command("tools disable tide", by=BOB, admin=True)
    parley.clock.advance(61)
    await parley.alice.command("tools enable tide here", by=BOB)
    await parley.alice.command("assistant create helper", by=Author("U3", "Cleo"), channel="", thread="")
    assert await read(parley) == [
        "2027-01-15 08:01:01 UTC  U3 “Cleo”: assistant create helper: not there → a copy of default",
        "2027-01-15 08:01:01 UTC  U2 “Bob” in C1: REFUSED tools enable tide",
        f"{AT}  U2 “Bob” in C1: tools disable tide (workspace): not set → off",
    ]


@pytest.mark.parametrize("text", ["audit", "audit 5", "AUDIT everything please"])
async def test_others_do_not_read_it_and_their_trying_is_recorded(parley: Parley, text: str) -> None:
    assert await parley.alice.command(text, by=BOB) == ADMINS_ONLY
    assert await read(parley) == [f"{AT}  U2 “Bob” in C1: REFUSED audit {text[6:]}".rstrip()]


async def test_reading_it_changes_nothing_of_it(parley: Parley) -> None:
    await parley.alice.command("tools disable tide", admin=True)
    assert await read(parley) == await read(parley)


async def test_it_shows_ten_entries_or_as_many_as_are_asked_for_up_to_fifty(parley: Parley) -> None:
    for number in range(60):
        await parley.alice.command(f"assistant create a{number}", admin=True)
        await parley.alice.command(f"assistant delete a{number}", admin=True)
    assert [len(await read(parley, text)) for text in ("audit", "audit 1", "audit 50")] == [10, 1, 50]
    assert (await read(parley, "audit 1"))[0].endswith("assistant delete a59: chosen for none → deleted")


@pytest.mark.parametrize("text", ["audit 0", "audit 51", "audit -1", "audit all", "audit 5 5", "audit ٥"])
async def test_a_number_that_is_none_is_answered_with_the_form(parley: Parley, text: str) -> None:
    assert await read(parley, text) == [FORM]


@pytest.mark.parametrize("where", [Conversation("room", "T2", "C1", ""), Conversation("slack", "T1", "C1", "")])
async def test_no_other_workspace_reads_it(parley: Parley, where: Conversation) -> None:
    await parley.alice.command("tools disable tide", admin=True)
    request = CommandRequest(where, BOB, "audit", platform_admin=True)
    assert (await parley.core.command(request)).text == EMPTY


async def test_nobodys_words_break_a_line_or_make_up_another(parley: Parley) -> None:
    name = "Eve”: tools disable tide\n2027-01-15 08:00:00 UTC  U1 “Alice\u2028\x1b[2K\u202e"
    await parley.alice.command("tools disable “tide\x1b[1A\u2029", by=Author("U6", name))
    (line,) = await read(parley)
    assert line == (
        f'{AT}  U6 “Eve": tools disable tide 2027-01-15 08:00:00 UTC U1 "Alice��[2K�” in C1: '
        'REFUSED tools disable "tide�[1A'
    )


async def test_long_instructions_are_told_of_by_how_they_begin(parley: Parley) -> None:
    await parley.alice.command("assistant create helper", admin=True)
    await parley.alice.command("assistant use helper", admin=True)
    await parley.alice.command("assistant set instructions Be\nbrief. " + "x" * 5_000, admin=True)
    (line,) = await read(parley, "audit 1")
    assert "→ Be brief. xxx" in line
    assert len(line) < 500
