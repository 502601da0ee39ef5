"""The operator's shell: the commands of the chat, beside a running Parley or without one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import admin, cli
from bot.admin import STOPPING, Given, Outcome
from bot.assistants.types import Author
from bot.errors import ParleyError
from bot.ownership import RENEWAL
from bot.ports import Answer, Conversation, Document, InboundMessage
from bot.settings import DEFAULT_INSTRUCTIONS, Settings
from tests.files import ready
from tests.kept import traces
from tests.parley import Parley, forecast, parley_at, settings_for, tide
from tests.process import environment, run, started
from tests.room import BOB
from tests.scripted_model import ScriptedModel
from tools.registry import Registry

TERMINAL = Conversation("console", "local", "console", "main")
C1 = Given(channel="C1", thread="1")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    """Parley, talked to in one workspace."""
    async with parley_at(tmp_path / "parley.db", model) as made:
        model.say("Hello.")
        await made.alice.say("Hello", thread="0")
        await made.quiet()
        yield made
        model.assert_done()


async def outcome(parley: Parley, text: str, given: Given = C1) -> Outcome:
    """A command in the shell, beside the running Parley."""
    settings = settings_for(parley.core.database.path)
    known, clock = Registry([forecast, tide]), parley.clock
    return await admin.carry_out(
        settings, given, text, operator=Author("ada", "Ada"), terminal=TERMINAL, registry=known, clock=clock
    )


async def shell(parley: Parley, text: str, given: Given = C1) -> str:
    return (await outcome(parley, text, given)).answer.text


# -- beside a running Parley ---------------------------------------------------------------------------------------


async def test_what_is_set_holds_in_the_running_parley_from_the_next_question_on(
    parley: Parley, model: ScriptedModel
) -> None:
    assert await shell(parley, "tools disable tide") == (
        "tide is off for the whole workspace from the next question on."
    )
    await shell(parley, "assistant create helper")
    await shell(parley, "assistant use helper here")
    await shell(parley, "assistant set instructions Be brief.\nBe blunt.")
    for channel in ("C1", "C2"):
        model.say("Well.")
        await parley.alice.say("How is Oslo?", channel=channel)
        await parley.quiet()
    made = [(request.instructions, [tool.name for tool in request.tools]) for request in model.requests[1:]]
    assert made[0] == ("Be brief.\nBe blunt.", ["forecast"])
    assert made[1] == (DEFAULT_INSTRUCTIONS, ["forecast"])


async def test_the_record_tells_that_it_was_the_operator(parley: Parley) -> None:
    await shell(parley, "tools disable tide here")
    assert await parley.alice.command("audit", admin=True) == await shell(parley, "audit")
    assert (await shell(parley, "audit")) == (
        "2027-01-15 08:00:00 UTC  operator “Ada” in C1: tools disable tide (channel): not set → off"
    )


async def test_the_help_is_an_admins_and_without_words_too(parley: Parley) -> None:
    assert await shell(parley, "") == await shell(parley, "help") == await parley.alice.command("help", admin=True)


async def test_an_unknown_command_is_known_to_be_none(parley: Parley) -> None:
    found = await outcome(parley, "dance now")
    assert (found.known, found.answer.text[:30]) == (False, "There is no command “dance”. T")
    assert (await outcome(parley, "TOOLS list")).known


async def test_an_answer_is_stopped_by_its_owner_within_seconds(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("Well")
    await parley.alice.say("Why?")
    await held.reached.wait()
    assert await shell(parley, "stop", Given(channel="C1", thread="2")) == "There is nothing to stop here."
    assert await shell(parley, "stop") == f"Stopped. {STOPPING}"
    assert await shell(parley, "stop") == "There is nothing to stop here."
    parley.clock.advance(RENEWAL)
    await parley.room.until(lambda room: len(room.answers) == 2)
    assert parley.room.answers[-1] == "Well\n\nStopped."


async def test_an_answer_is_stopped_wherever_it_is_made_in_a_channel(parley: Parley, model: ScriptedModel) -> None:
    held = model.hold("Well")
    await parley.alice.say("Why?", thread="7")
    await held.reached.wait()
    assert await shell(parley, "stop", Given(channel="C2")) == "There is nothing to stop here."
    assert await shell(parley, "stop", Given(channel="C1")) == f"Stopped. {STOPPING}"
    parley.clock.advance(RENEWAL)
    await parley.quiet()


# -- which workspace -----------------------------------------------------------------------------------------------


async def test_of_several_workspaces_it_has_to_be_said_which_is_meant(parley: Parley, model: ScriptedModel) -> None:
    model.say("Hello.")
    there = Conversation("room", "T2", "C1", "1")
    await parley.core.accept(InboundMessage(there, BOB, "Hello", "key-x"))
    await parley.quiet()
    with pytest.raises(ParleyError) as told:
        await shell(parley, "tools disable tide")
    assert str(told.value) == (
        "Say which workspace is meant, with --platform and --workspace. "
        "Parley knows: --platform room --workspace T1; --platform room --workspace T2."
    )
    await shell(parley, "tools disable tide", Given(workspace="T2"))
    assert await shell(parley, "tools list", Given(workspace="T2")) == (
        "forecast: on\ntide: off (set for this workspace)"
    )
    assert await shell(parley, "tools list", Given(workspace="T1")) == "forecast: on\ntide: on"


async def test_a_workspace_that_nobody_has_talked_in_is_taken_where_it_is_named_whole(parley: Parley) -> None:
    for half in (Given(platform="discord"), Given(workspace="123")):
        with pytest.raises(ParleyError, match="Say which workspace is meant"):
            await shell(parley, "tools list", half)
    whole = Given("discord", "123")
    assert await shell(parley, "tools disable tide here", whole) == "There is no channel here. Say “server”."
    assert await shell(parley, "tools disable tide", whole) == (
        "tide is off for the whole server from the next question on."
    )
    assert await shell(parley, "tools list", Given(platform="room")) == "forecast: on\ntide: on"


async def test_the_terminals_own_place_is_meant_where_it_is_named(parley: Parley) -> None:
    console = Given(platform="console")
    await shell(parley, "tools disable tide", console)
    assert await shell(parley, "tools list", console) == "forecast: on\ntide: off (set for this workspace)"
    assert await shell(parley, "tools list") == "forecast: on\ntide: on"
    assert "  ada “Ada” in console: tools disable tide" in await shell(parley, "audit", console)
    assert "thread_" not in await shell(parley, "threads", console)
    assert (await shell(parley, "threads")).startswith("There are no threads of programs in this workspace")


@pytest.mark.parametrize("text", ["usage me", "export me"])
async def test_elsewhere_the_operator_is_nobody_of_the_workspace(parley: Parley, text: str) -> None:
    answer = (await outcome(parley, text)).answer
    assert "Hello" not in answer.text + (answer.file.content.decode() if answer.file else "")


# -- the program ---------------------------------------------------------------------------------------------------


class Program:
    """`parley admin …`, called in this process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]):
        self._patch = monkeypatch
        self._capture = capsysbinary
        for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
            monkeypatch.delenv(name)
        monkeypatch.chdir(folder)

    def __call__(self, *words: str) -> tuple[object, str, str]:
        """Exit code, standard output and standard error."""
        self._patch.setattr(sys, "argv", ["parley", "admin", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self._capture.readouterr()
        return ended.value.code or 0, out.decode(), err.decode()

    def exports(self, content: bytes) -> None:
        """Every command hands over a file."""

        async def carry_out(*_: object, **__: object) -> Outcome:
            return Outcome(Answer("Here it is.", Document("x.json", "application/json", content)), True, TERMINAL)

        self._patch.setattr(admin, "carry_out", carry_out)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Program:
    ready(tmp_path / "parley.db")
    return Program(tmp_path, monkeypatch, capsysbinary)


PLACE = ("--platform", "slack", "--workspace", "T1", "--channel", "C1")


def test_words_are_given_with_and_without_the_two_dashes(program: Program) -> None:
    on = "get_current_time is on for this channel from the next question on.\n"
    assert program(*PLACE, "--", "tools", "disable", "get_current_time", "here")[0] == 0
    assert program(*PLACE, "tools", "enable", "get_current_time", "here") == (0, on, "")
    assert program("audit")[1].count("\n") == 2


def test_an_unknown_command_ends_with_1_and_is_told_all_the_same(program: Program) -> None:
    code, out, err = program(*PLACE, "dance")
    assert (code, err) == (1, "")
    assert out.startswith("There is no command “dance”. There are: tools, assistant, ")
    assert program(*PLACE)[:2] == program(*PLACE, "help")[:2]
    assert program(*PLACE)[0] == 0


def test_a_workspace_that_is_not_said_ends_with_1(program: Program) -> None:
    told = "Say which workspace is meant, with --platform and --workspace. Nobody has talked to Parley yet.\n"
    assert program("tools", "list") == (1, "", told)
    assert program("--platform", "irc", "tools", "list")[0] == 2


def test_without_a_database_it_says_so_and_makes_none(program: Program, tmp_path: Path) -> None:
    (tmp_path / "parley.db").unlink()
    code, out, err = program("tools", "list")
    assert (code, out, err.split(" yet")[0]) == (1, "", f"There is no database {tmp_path / 'parley.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_standard_output_and_nothing_else_is(program: Program) -> None:
    program.exports("{“a”: 1}\x1b".encode())
    assert program(*PLACE, "export") == (0, "{“a”: 1}\x1b", "Here it is.\n")


def test_a_file_is_written_where_it_is_asked_for_and_over_no_other(program: Program, tmp_path: Path) -> None:
    program.exports(b"\xff\x00")
    assert program(*PLACE, "--output", "x.json", "export") == (0, "Here it is.\n", "")
    assert (tmp_path / "x.json").read_bytes() == b"\xff\x00"
    program.exports(b"new")
    assert program(*PLACE, "--output", "x.json", "export") == (1, "", "x.json exists already. Name a new file.\n")
    assert (tmp_path / "x.json").read_bytes() == b"\xff\x00"
    code, _, err = program(*PLACE, "--output", "nowhere/x.json", "export")
    assert (code, err) == (1, "nowhere/x.json cannot be written (No such file or directory). Name another file.\n")


def test_an_answer_without_a_file_makes_none(program: Program, tmp_path: Path) -> None:
    told = "There is no file in this answer: x.json was not written.\n"
    code, out, err = program(*PLACE, "--output", "x.json", "help")
    assert (code, out[:10], err) == (1, "tools list", told)
    assert not (tmp_path / "x.json").exists()


async def test_what_was_said_in_the_terminal_is_ones_own(tmp_path: Path) -> None:
    env = environment(ready(tmp_path / "parley.db"))
    await run(lines="My name is Ada\n", env=env, cwd=tmp_path)
    said = await run("admin", "export", "me", env=env, cwd=tmp_path)
    texts = [message["text"] for thread in json.loads(said.out)["conversations"] for message in thread["messages"]]
    assert (said.code, texts[0]) == (0, "My name is Ada")
    assert said.err


async def test_what_is_forgotten_of_the_terminal_is_not_kept_as_typed_either(tmp_path: Path) -> None:
    env = environment(ready(tmp_path / "parley.db"))
    await run(lines="The zebra.\n", env=env, cwd=tmp_path)
    typed = tmp_path / "parley.db.history"
    typed.write_text("\n# 2026-11-28\n+The zebra.\n")
    assert (await run("admin", "forget", env=env, cwd=tmp_path)).out.startswith("This removes 1 message and 1 answer")
    assert "zebra" in typed.read_text()
    assert (await run("admin", "forget", "sure", env=env, cwd=tmp_path)).out.startswith("Forgotten: 1 message")
    assert traces(tmp_path, "zebra") == {}


async def test_a_terminal_that_is_open_meanwhile_learns_of_it(tmp_path: Path) -> None:
    env = environment(ready(tmp_path / "parley.db"))
    async with started(env=env, cwd=tmp_path) as chat:
        assert chat.stdin is not None
        assert chat.stdout is not None
        chat.stdin.write(b"My name is Ada\n")
        assert (await chat.stdout.readline()).startswith(b"Nice to meet you, Ada.")
        said = await run("admin", "tools", "disable", "get_current_time", env=env, cwd=tmp_path)
        told = "get_current_time is off for the whole workspace from the next question on.\n"
        assert (said.code, said.out, said.err) == (0, told, "")
        out, err = await chat.communicate(b"What time is it in UTC?\n")
        assert (b"get_current_time" in err, chat.returncode) == (False, 0)
        assert out
