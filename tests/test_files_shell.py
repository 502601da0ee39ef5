"""Files that the operator adds, lists and removes in the shell, beside a running Parley or without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from bot import admin
from bot.admin import Given
from bot.assistants.types import Author
from bot.bringing import Teller, bring
from bot.documents.reading import LARGEST
from bot.errors import NotFound, ParleyError
from bot.library import Library
from bot.ports import Conversation
from bot.store import library as stored
from tests.files import ready
from tests.parley import Parley, parley_at, settings_for
from tests.process import environment, run
from tests.scripted_model import ScriptedModel

TERMINAL = Conversation("console", "local", "console", "main")
ADA = Author("ada", "Ada")
HOTELS = b"Hotels: up to 120 euro a night.\n"
LISTED = "• travel.txt — 32 bytes, 1 passage"


@pytest.fixture
async def parley(tmp_path: Path) -> AsyncIterator[Parley]:
    """Parley, talked to in one workspace."""
    model = ScriptedModel()
    async with parley_at(tmp_path / "parley.db", model) as made:
        model.say("Hello.")
        await made.alice.say("Hello", thread="0")
        await made.quiet()
        yield made
        model.assert_done()


class Shell:
    """`parley files add …`, in this process: what it says, and the progress it shows."""

    def __init__(self, parley: Parley) -> None:
        self._parley = parley
        self.said: list[str] = []
        self.progress: list[str] = []

    async def adds(self, *paths: Path, given: Given | None = None) -> bool:
        settings, teller = settings_for(self._parley.core.database.path), Teller(self.said.append, self.progress.append)
        where = given or Given()
        return await bring(settings, where, paths, teller, operator=ADA, terminal=TERMINAL, clock=self._parley.clock)


@pytest.fixture
def shell(parley: Parley) -> Shell:
    return Shell(parley)


@pytest.fixture
def travel(tmp_path: Path) -> Path:
    path = tmp_path / "travel.txt"
    path.write_bytes(HOTELS)
    return path


async def listed(parley: Parley, channel: str = "C1") -> list[str]:
    return (await parley.alice.command("files list", admin=True, channel=channel)).split("\n")


async def test_what_is_added_is_searched_by_the_running_parley(parley: Parley, shell: Shell, travel: Path) -> None:
    assert await shell.adds(travel)
    assert shell.said == ["travel.txt can be searched now."]
    assert shell.progress == ["reading travel.txt (0%)", "", ""]
    assert await listed(parley, "C2") == ["For the whole workspace:", LISTED]
    assert "operator “Ada”: files add travel.txt (workspace)" in await parley.alice.command("audit", admin=True)


async def test_with_a_channel_it_is_searched_there_only(parley: Parley, shell: Shell, travel: Path) -> None:
    assert await shell.adds(travel, given=Given(channel="C1"))
    assert await listed(parley) == ["For this channel:", LISTED]
    assert len(await listed(parley, "C2")) == 1


async def test_of_a_channel_that_nobody_has_talked_in_it_is_told(parley: Parley, shell: Shell, travel: Path) -> None:
    assert await shell.adds(travel, given=Given(channel="general"))
    assert shell.said == [
        "Nobody has talked to Parley in the channel general yet. If that is not its id, take back what is added: "
        "“parley files remove NAME --channel general”.",
        "travel.txt can be searched now.",
    ]
    await parley.alice.command("tools disable tide here", admin=True, channel="C3")
    assert await shell.adds(travel, given=Given(channel="C3"))
    assert shell.said[2:] == ["travel.txt can be searched now."]


async def test_the_console_has_no_channels(parley: Parley, shell: Shell, travel: Path) -> None:
    with pytest.raises(ParleyError, match="The console has no channels: leave --channel out"):
        await shell.adds(travel, given=Given(platform="console", channel="general"))
    assert await shell.adds(travel, given=Given(platform="console", channel="console"))


async def test_what_cannot_be_read_is_told_and_leaves_nothing(parley: Parley, shell: Shell, travel: Path) -> None:
    again, broken = travel.with_name("again.txt"), travel.with_name("plan.docx")
    again.write_bytes(HOTELS)
    broken.write_bytes(b"PK\3\4 broken")
    assert not await shell.adds(broken, travel, again)
    assert shell.said == [
        "plan.docx was not read: it is damaged, or not what its name says.",
        "travel.txt can be searched now.",
        "again.txt is there already, as travel.txt.",
    ]
    assert await listed(parley) == ["For the whole workspace:", LISTED]


async def test_nothing_is_added_where_one_is_no_file_or_too_large(parley: Parley, shell: Shell, travel: Path) -> None:
    large = travel.with_name("large.txt")
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ParleyError, match=r"large\.txt was not added: it is larger than 20 MB\."):
        await shell.adds(travel, large)
    with pytest.raises(ParleyError, match="is no file"):
        await shell.adds(travel, travel.parent)
    assert len(await listed(parley)) == 1
    assert shell.said == []


@pytest.mark.parametrize("error", [RuntimeError(), asyncio.CancelledError(), NotFound("file", "x")])
async def test_what_is_broken_off_leaves_nothing(
    parley: Parley, shell: Shell, travel: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    seen: list[list[str]] = []

    async def read(*_: object, **__: object) -> None:
        seen.append(await listed(parley))
        raise error

    monkeypatch.setattr(Library, "read", read)
    with nullcontext() if isinstance(error, NotFound) else pytest.raises(type(error)):
        assert not await shell.adds(travel)
    assert seen == [["For the whole workspace:", "• travel.txt — waits to be read"]]
    assert shell.said == (["travel.txt was removed while it was read."] if isinstance(error, NotFound) else [])
    assert len(await listed(parley)) == 1
    assert await parley.core.database.read(stored.count) == 0


async def test_what_is_read_in_the_running_parley_is_left_alone(parley: Parley, shell: Shell, travel: Path) -> None:
    library = Library(parley.core.database, parley.core.handler.ownership.name, parley.clock)
    await library.begin(library.place(stored.Shelf("room", "T1"), "slow.txt", "text/plain", 1, "U1"))
    await shell.adds(travel)
    assert await listed(parley) == ["For the whole workspace:", "• slow.txt — waits to be read", LISTED]


async def test_in_the_chat_it_is_told_how_it_goes_in_the_shell(parley: Parley) -> None:
    told = await admin.carry_out(
        settings_for(parley.core.database.path), Given(), "files add", operator=ADA, terminal=TERMINAL
    )
    assert told.answer.text == "Files of this machine are added in the shell: “parley files add PATH”."


async def test_the_program_adds_lists_and_removes(tmp_path: Path, travel: Path) -> None:
    env = environment(ready(tmp_path / "parley.db"))
    await run("console", lines="Hello\n", env=env, cwd=tmp_path)
    said = await run("files", "add", "travel.txt", "--channel", "general", env=env, cwd=tmp_path)
    assert (said.code, said.out) == (1, "")  # a channel is not taken for the console's own
    assert "or say which workspace is meant" in said.err
    place = ("--platform", "slack", "--workspace", "T1", "--channel", "C1")
    await run("admin", *place, "tools", "disable", "get_forecast", "here", env=env, cwd=tmp_path)
    said = await run("files", "add", "travel.txt", *place, env=env, cwd=tmp_path)
    assert (said.code, said.out, said.err) == (0, "travel.txt can be searched now.\n", "")
    said = await run("files", "list", *place, env=env, cwd=tmp_path)
    assert (said.code, said.out) == (0, f"For this channel:\n{LISTED}\n")
    said = await run("files", "remove", "travel.txt", *place, env=env, cwd=tmp_path)
    assert (said.code, said.out) == (0, "travel.txt is removed: it was for this channel.\n")
