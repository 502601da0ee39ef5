"""The files that admins add for a channel or a workspace: who may, what comes of it, and who sees what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.commands import files
from bot.commands.files import ADMINS_ONLY, FORMS, HOW, IN_THE_SHELL, NO_FILES
from bot.documents.reading import LARGEST
from bot.library import BATCH, INTERRUPTED
from bot.models.port import Call, CallOutput, Turn
from bot.ports import CommandRequest, Conversation
from bot.store import library as stored
from bot.store.library import Stored
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB, Room
from tests.scripted_model import Gate, ScriptedModel
from tools.file_search import file_search
from tools.registry import Registry

TRAVEL = b"Trains are first class.\n\nHotels: up to 120 euro a night, breakfast is paid on top.\n"
MENU = b"Monday: soup.\n"
LISTED = "• travel.txt — 83 bytes, 1 passage"


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, registry=Registry([file_search])) as made:
        made.room.files = {"travel.txt": TRAVEL, "menu.txt": MENU}
        yield made
        model.assert_done()


async def added(parley: Parley, *names: str, to: str = "", **where: Any) -> str:
    """What is said to an admin who adds files, and they are read."""
    told = await parley.alice.command(f"files add {to}", admin=True, files=names, **where)
    await parley.core.shelving.quiet()
    return told


async def listed(parley: Parley, **where: Any) -> list[str]:
    return (await parley.alice.command("files list", by=BOB, **where)).split("\n")


async def found(parley: Parley, model: ScriptedModel, query: str, **message: Any) -> list[str]:
    """The files of the passages that the model finds."""
    model.act(Turn("", calls=(Call("call_1", "file_search", json.dumps({"query": query})),)))
    model.say("Noted.")
    await parley.alice.say("Look it up.", **message)
    await parley.quiet()
    (output,) = [item.output for item in model.requests[-1].items if isinstance(item, CallOutput)][-1:]
    return [passage["file"] for passage in json.loads(output).get("passages", ())]


def held(parley: Parley) -> Gate:
    """Downloads wait for it."""
    gate = Gate()
    parley.room.before_download = lambda name: gate.wait()
    return gate


async def record(parley: Parley) -> list[str]:
    lines = (await parley.alice.command("audit", admin=True)).splitlines()
    return [line.partition("UTC  ")[2] for line in lines]


# -- adding -----------------------------------------------------------------------------------------------------------


async def test_what_is_added_for_the_workspace_is_found_in_every_channel(parley: Parley, model: ScriptedModel) -> None:
    told = await added(parley, "travel.txt")
    assert told == "I am reading travel.txt for the whole workspace. “files list” tells when I can search it."
    assert await found(parley, model, "hotels", channel="C2", thread="9") == ["travel.txt"]
    assert await listed(parley, channel="C2") == ["For the whole workspace:", LISTED]


async def test_what_is_added_here_is_found_and_listed_in_its_channel_only(parley: Parley, model: ScriptedModel) -> None:
    told = await added(parley, "travel.txt", "menu.txt", to="here")
    assert told.startswith("I am reading travel.txt, menu.txt for this channel. “files list” tells when I can search t")
    assert await found(parley, model, "hotels") == ["travel.txt"]
    assert await found(parley, model, "hotels", channel="C2") == []
    assert await listed(parley) == ["For this channel:", "• menu.txt — 14 bytes, 1 passage", LISTED]
    assert await listed(parley, channel="C2") == [NO_FILES]


DIRECT = {name: Conversation("room", "@me", name, "") for name in ("D1", "D2")}


async def privately(parley: Parley, text: str, channel: str = "D1", *names: str) -> str:
    """What an admin is told in a conversation of two that belongs to no workspace."""
    files = [{"name": name, "mime": "text/plain", "size": len(parley.room.files[name])} for name in names]
    request = CommandRequest(
        DIRECT[channel], ALICE, text, platform_admin=True, workspace="server", attachments=files, direct=True
    )
    told = (await parley.core.command(request)).text
    await parley.core.shelving.quiet()
    return told


async def test_what_is_added_in_a_conversation_of_two_is_for_nobody_else(parley: Parley) -> None:
    told = await privately(parley, "files add", "D1", "travel.txt")
    assert told.startswith("I am reading travel.txt for this conversation.")
    assert await privately(parley, "files list", "D1") == f"For this conversation:\n{LISTED}"
    assert await privately(parley, "files list", "D2") == NO_FILES


@pytest.mark.parametrize(
    "command", ["files add server", "tools disable file_search server", "assistant use default server",
                "budget set server day 5 tokens"],
)  # fmt: skip
async def test_nothing_is_set_for_all_conversations_of_two(parley: Parley, command: str) -> None:
    told = await privately(parley, command, "D1", *(["travel.txt"] if "files" in command else []))
    assert told == "There is no server here: this is a direct conversation. Say “here”."
    assert await privately(parley, "files list") == NO_FILES


async def test_a_tool_that_is_switched_off_in_a_conversation_of_two_stays_on_in_others(parley: Parley) -> None:
    told = await privately(parley, "tools disable file_search")
    assert told == "file_search is off for this conversation from the next question on."
    assert (await privately(parley, "tools list", "D1")).startswith("file_search: off")
    assert (await privately(parley, "tools list", "D2")).startswith("file_search: on")


async def test_a_name_with_an_address_is_no_link_and_names_its_file_all_the_same(parley: Parley) -> None:
    name = "http://evil.com/login.txt"
    parley.room.files[name] = MENU
    await added(parley, name)
    assert "• http:\u200b//evil.com/login.txt — 14 bytes, 1 passage" in await listed(parley)
    said = await parley.alice.command(f"files remove {name}", admin=True)
    assert said == "http:\u200b//evil.com/login.txt is removed: it was for the whole workspace."


async def test_other_workspaces_and_platforms_see_nothing_of_it(parley: Parley) -> None:
    await added(parley, "travel.txt")
    for where in (Conversation("room", "T2", "C1", "1"), Conversation("other", "T1", "C1", "1")):
        seen = await parley.core.command(CommandRequest(where, ALICE, "files list", platform_admin=True))
        assert seen.text == NO_FILES
        gone = await parley.core.command(CommandRequest(where, ALICE, "files remove travel.txt", platform_admin=True))
        assert gone.text.startswith("There is no file “travel.txt” here.")
    assert await listed(parley) == ["For the whole workspace:", LISTED]


async def test_files_of_a_conversation_are_listed_in_it_only(parley: Parley, model: ScriptedModel) -> None:
    model.say("Noted.")
    await parley.alice.say("Look.", files=["travel.txt"])
    await parley.quiet()
    assert await listed(parley) == ["In this conversation:", LISTED]
    assert await listed(parley, thread="2") == await listed(parley, thread="") == [NO_FILES]


async def test_who_is_no_admin_changes_nothing_and_it_is_on_record(parley: Parley) -> None:
    await added(parley, "menu.txt")
    assert await parley.alice.command("files add here", by=BOB, files=["travel.txt"]) == ADMINS_ONLY
    assert await parley.alice.command("files remove menu.txt", by=BOB) == ADMINS_ONLY
    await parley.core.shelving.quiet()
    assert await listed(parley) == ["For the whole workspace:", "• menu.txt — 14 bytes, 1 passage"]
    assert await record(parley) == [
        "U2 “Bob” in C1: REFUSED files remove menu.txt",
        "U2 “Bob” in C1: REFUSED files add travel.txt",
        "U1 “Alice” in C1: files add menu.txt (workspace)",
    ]


async def test_while_it_is_read_lists_say_so(parley: Parley) -> None:
    gate = held(parley)
    await parley.alice.command("files add", admin=True, files=["travel.txt"])
    await gate.reached.wait()
    assert await listed(parley) == ["For the whole workspace:", "• travel.txt — waits to be read"]
    gate.open()
    await parley.core.shelving.quiet()
    assert await listed(parley) == ["For the whole workspace:", LISTED]


async def test_lists_tell_how_far_a_long_file_is_read(parley: Parley, monkeypatch: pytest.MonkeyPatch) -> None:
    parley.room.files["long.txt"] = b"".join(b"Line %d tells of hotels. " % n * 20 + b"\n\n" for n in range(3 * BATCH))
    seen: list[list[str]] = []
    add = stored.add

    async def watched(tx: Any, one: Stored, first: int, kept: Any) -> None:
        await add(tx, one, first, kept)
        if first:
            seen.append(await listed(parley))

    monkeypatch.setattr(stored, "add", watched)
    await added(parley, "long.txt")
    assert seen[0][1].startswith("• long.txt — is being read (")
    assert seen[0][1] != "• long.txt — is being read (0%)"


async def test_a_broken_file_is_told_of_to_admins_and_given_again(parley: Parley) -> None:
    parley.room.files["plan.docx"] = b"PK\3\4 broken"
    await added(parley, "plan.docx")
    assert await parley.alice.command("files", admin=True) == (
        "For the whole workspace:\n• plan.docx was not read: it is damaged, or not what its name says."
    )
    assert await listed(parley) == [NO_FILES]
    await added(parley, "plan.docx")
    assert (await parley.alice.command("files", admin=True)).count("plan.docx") == 1


async def test_a_file_that_cannot_be_fetched_is_told_of(parley: Parley) -> None:
    await added(parley, "gone.txt")
    assert "• gone.txt was not read: it could not be downloaded. Please add it again." in await parley.alice.command(
        "files", admin=True
    )
    parley.room.files["gone.txt"] = MENU
    await added(parley, "gone.txt")
    assert await listed(parley) == ["For the whole workspace:", "• gone.txt — 14 bytes, 1 passage"]


async def test_a_file_that_is_too_large_is_refused_at_once(parley: Parley) -> None:
    parley.room.files["big.txt"] = b"x" * (LARGEST + 1)
    told = await added(parley, "big.txt", "menu.txt")
    assert told.split("\n")[1:] == ["big.txt was not added: it is larger than 20 MB."]
    assert await listed(parley) == ["For the whole workspace:", "• menu.txt — 14 bytes, 1 passage"]


async def test_the_same_file_again_is_there_once(parley: Parley) -> None:
    parley.room.files["again.txt"] = TRAVEL
    await added(parley, "travel.txt")
    await added(parley, "again.txt")
    assert await listed(parley) == ["For the whole workspace:", LISTED]
    assert "• again.txt is there already, as travel.txt." in await parley.alice.command("files", admin=True)
    assert await parley.core.database.read(stored.count) == 1


async def test_a_shelf_takes_so_many_files_and_no_more(parley: Parley, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 2)
    assert await added(parley, "travel.txt", "menu.txt", "a.txt") == (
        "There is room for 2 files for the whole workspace. Remove some first."
    )
    await added(parley, "travel.txt")
    await added(parley, "menu.txt")
    assert (await added(parley, "more.txt")).startswith("There is room for 2 files for the whole workspace.")
    assert (await added(parley, "more.txt", to="here")).startswith("I am reading more.txt for this channel.")
    assert len(await listed(parley)) == 3


# -- removing ---------------------------------------------------------------------------------------------------------


async def test_what_is_removed_is_found_by_nobody(parley: Parley, model: ScriptedModel) -> None:
    await added(parley, "travel.txt")
    told = await parley.alice.command("files remove “Travel.txt”", admin=True)
    assert told == "travel.txt is removed: it was for the whole workspace."
    assert await found(parley, model, "hotels") == []
    await parley.next_sweep()
    assert await parley.core.database.read(stored.count) == 0
    assert (await record(parley))[0] == "U1 “Alice” in C1: files remove travel.txt (workspace)"


async def test_a_file_that_is_removed_while_it_is_fetched_or_read_does_not_come_back(parley: Parley) -> None:
    gate = held(parley)
    await parley.alice.command("files add here", admin=True, files=["travel.txt"])
    await gate.reached.wait()
    told = await parley.alice.command("files remove travel.txt", admin=True)
    assert told == "travel.txt is removed: it was for this channel."
    gate.open()
    await parley.core.shelving.quiet()
    assert await parley.alice.command("files", admin=True) == NO_FILES
    assert await parley.core.database.read(stored.count) == 0


async def test_what_is_added_twice_is_there_once_and_removed_by_its_name(parley: Parley) -> None:
    await added(parley, "travel.txt")
    await added(parley, "travel.txt")
    assert await parley.alice.command("files", admin=True) == f"For the whole workspace:\n{LISTED}"
    said = await parley.alice.command("files remove travel.txt", admin=True)
    assert said == "travel.txt is removed: it was for the whole workspace."


async def test_a_name_means_the_file_that_is_there_rather_than_one_that_was_not_read(parley: Parley) -> None:
    await added(parley, "travel.txt")
    del parley.room.files["travel.txt"]
    await added(parley, "travel.txt")
    said = [await parley.alice.command("files remove travel.txt", admin=True) for _ in range(3)]
    assert said[:2] == ["travel.txt is removed: it was for the whole workspace."] * 2
    assert said[2].startswith("There is no file “travel.txt” here.")


async def test_of_several_that_a_name_fits_the_one_is_removed_that_is_meant(parley: Parley) -> None:
    await added(parley, "travel.txt")
    await added(parley, "travel.txt", to="here")
    parley.room.files["travel.txt"] = MENU
    told = await added(parley, "travel.txt")
    assert told.split("\n")[1:] == [
        "travel.txt is there already. If they differ, “files remove travel.txt” tells how to remove the older one."
    ]
    told = await parley.alice.command("files remove travel.txt", admin=True)
    title, *lines = told.split("\n")
    assert title == "There are 3 such files. Say “files remove ID” with the id of the one you mean:"
    assert [line.partition(" — ")[2] for line in lines] == [
        "travel.txt, for the whole workspace, 83 bytes, 1 passage",
        "travel.txt, for this channel, 83 bytes, 1 passage",
        "travel.txt, for the whole workspace, 14 bytes, 1 passage",
    ]
    told = await parley.alice.command("files remove travel.txt HERE", admin=True)
    assert told == "travel.txt is removed: it was for this channel."
    newest = lines[-1].partition(" — ")[0]
    await parley.alice.command(f"files remove {newest}", admin=True)
    assert await listed(parley) == ["For the whole workspace:", LISTED]


async def test_a_name_may_have_blanks_and_end_as_a_scope_does(parley: Parley) -> None:
    parley.room.files |= {"we are here": b"A map.\n", "old plan.txt": b"A plan.\n"}
    await added(parley, "we are here", "old plan.txt")
    assert (await parley.alice.command("files remove old plan.txt here", admin=True)).startswith("There is no file")
    assert (await parley.alice.command("files remove we are here", admin=True)).startswith("we are here is removed")
    assert (await parley.alice.command("files remove old plan.txt workspace", admin=True)).startswith("old plan.txt is")


async def test_what_a_name_does_to_a_list_it_does_to_nobody(parley: Parley) -> None:
    name = "a\n• fake.txt — 1 passage\x1b[2J\u202e.txt"
    parley.room.files[name] = MENU
    await added(parley, name)
    _, *lines = await listed(parley)
    assert len(lines) == 1
    assert lines[0].isprintable()


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["files dance", "files remove", "files add here now", "files list all"])
async def test_other_words_are_answered_with_the_forms(parley: Parley, text: str) -> None:
    told = await parley.alice.command(text, admin=True, files=["travel.txt"])
    assert told == FORMS.format(workspace="workspace")
    assert await listed(parley) == [NO_FILES]


async def test_without_a_file_or_a_scope_it_is_told_how_it_goes(parley: Parley) -> None:
    assert await added(parley) == HOW.format(workspace="workspace")
    assert (await added(parley, "travel.txt", to="there")).startswith("“there” is no scope.")
    assert await added(parley, "travel.txt", to="here", channel="") == "There is no channel here. Say “workspace”."
    terminal = Conversation("console", "local", "console", "main")
    assert (await parley.core.command(CommandRequest(terminal, ALICE, "files add"))).text == IN_THE_SHELL
    assert await listed(parley) == [NO_FILES]


# -- the end of the process -------------------------------------------------------------------------------------------


async def test_what_a_restart_interrupts_is_told_of(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    room.files["travel.txt"] = TRAVEL
    async with parley_at(tmp_path / "parley.db", model, room=room) as before:
        gate = held(before)
        await before.alice.command("files add", admin=True, files=["travel.txt"])
        await gate.reached.wait()
    room.before_download = lambda name: None
    async with parley_at(tmp_path / "parley.db", model, room=room) as after:
        assert f"• travel.txt {INTERRUPTED}" in await after.alice.command("files", admin=True)
        await added(after, "travel.txt")
        assert await listed(after) == ["For the whole workspace:", LISTED]


async def test_a_file_that_is_nearly_read_is_waited_for_at_the_end(tmp_path: Path, model: ScriptedModel) -> None:
    room = Room()
    room.files["travel.txt"] = TRAVEL
    async with parley_at(tmp_path / "parley.db", model, room=room) as before:
        await before.alice.command("files add", admin=True, files=["travel.txt"])
    async with parley_at(tmp_path / "parley.db", model, room=room) as after:
        assert await listed(after) == ["For the whole workspace:", LISTED]
