"""The program as people start it: `python -m bot`, with piped input on the demo model, and its other commands."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot import cli
from bot.settings import Settings
from tests.files import ready
from tests.simulators.open_meteo import OpenMeteo, open_meteo

ASKED = "What's the temperature in San Francisco and the chance of rain in London?"
TEMPERATURE, RAIN = "calling get_current_temperature…", "calling get_rain_probability…"


class Shell:
    """Starts the program in a folder of the test's own, with a clean environment and the fake Open-Meteo."""

    def __init__(self, folder: Path, fake: OpenMeteo) -> None:
        self.folder = folder
        self.fake = fake
        self.environment = {
            "DATABASE_URL": f"sqlite:///{ready(folder / 'parley.db')}",
            "OPEN_METEO_URL": fake.url,
            "OPEN_METEO_GEOCODING_URL": fake.url,
            "PYTHONIOENCODING": "utf-8",
        }

    @asynccontextmanager
    async def started(self, *arguments: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *arguments),
            cwd=self.folder,
            env=self.environment | more,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        try:
            async with asyncio.timeout(60):
                yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def run(self, *lines: str, arguments: tuple[str, ...] = (), **more: str) -> tuple[int | None, str, str]:
        """Exit code, standard output and standard error."""
        async with self.started(*arguments, **more) as process:
            out, err = await process.communicate("\n".join(lines).encode())
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with open_meteo() as fake:
        yield Shell(tmp_path, fake)


async def line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    return (await stream.readline()).decode().removesuffix("\n")


# -- the conversation ----------------------------------------------------------------------------------------------


async def test_each_line_is_answered_in_order_with_statuses_on_standard_error(shell: Shell) -> None:
    code, out, err = await shell.run(ASKED, "", "My name is Ada", "What's my name?")
    weather, *others = out.splitlines()
    assert re.fullmatch(r"It is .* °C in San Francisco, California, .*London, England, .* is \d+ %\.", weather)
    assert others == ["Nice to meet you, Ada. I will remember your name in this thread.", "Your name is Ada."]
    assert (code, sorted(err.splitlines())) == (0, [TEMPERATURE, RAIN])


async def test_sigterm_while_it_waits_for_input_ends_it_with_0(shell: Shell) -> None:
    async with shell.started() as process:
        assert process.stdin is not None
        process.stdin.write(b"My name is Ada\n")
        assert (await line(process.stdout)).startswith("Nice to meet you, Ada.")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(8):
            assert await process.wait() == 0
        assert await line(process.stderr) == ""


async def test_bad_settings_are_told_one_a_line_with_exit_code_2(shell: Shell) -> None:
    code, out, err = await shell.run(
        "Hi", SLACK_BOT_TOKEN="xoxb-secret", PORT="http", OPENAI_BASE_URL="localhost", OPENAI_API_KEY="sk-…"
    )
    assert (code, out) == (2, "")
    assert [line.split()[0] for line in err.splitlines()] == [
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "PORT",
        "SLACK_BOT_TOKEN",
    ]
    assert "secret" not in err


async def test_what_cannot_be_decoded_or_encoded_breaks_nothing(shell: Shell) -> None:
    async with shell.started(PYTHONIOENCODING="ascii") as process:
        out, err = await process.communicate(b"My name is \xff\xfe\nHow warm is it in London?\n")
    assert process.returncode == 0
    assert b"?C in London" in out
    assert err.decode() == TEMPERATURE.replace("…", "?") + "\n"


# -- the other commands, in this process ---------------------------------------------------------------------------


class Parley:
    """The program, called in this process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = monkeypatch
        self._capture = capsys
        for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
            monkeypatch.delenv(name)
        monkeypatch.chdir(folder)
        monkeypatch.setattr("bot.models.demo.DemoModel.__init__", _without_pause)

    def __call__(self, *arguments: str, said: str = "") -> tuple[object, str, str]:
        """Exit code, standard output and standard error."""
        self._patch.setattr(sys, "argv", ["parley", *arguments])
        self._patch.setattr(sys, "stdin", io.StringIO(said))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *self._capture.readouterr()


def _without_pause(model: object) -> None:
    model._pace = 0  # type: ignore[attr-defined]


@pytest.fixture
def parley(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Parley:
    ready(tmp_path / "parley.db")
    return Parley(tmp_path, monkeypatch, capsys)


def test_the_thread_and_the_switches_are_kept_between_starts(parley: Parley) -> None:
    code, out, err = parley(said="My name is Ada\n/tools disable get_current_time\n/quit\nHi\n")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == ["get_current_time is off for the whole workspace from the next question on."]
    code, out, err = parley(said="What's my name?\nWhat time is it in UTC?\n/new\nWhat's my name?\n")
    assert (code, out.splitlines()[0], out.splitlines()[-1][:21]) == (0, "Your name is Ada.", "You have not told me,")
    assert "get_current_time" not in err


def test_threads_lists_the_newest_first_and_obeys_no_control_characters(parley: Parley) -> None:
    parley(said="Hello [bold]there[/nope] :smile: \x1b[31m\n/new\nSecond thread\nAnd more\n")
    code, out, _ = parley("threads")
    head, newest, oldest = out.splitlines()
    assert (code, head.split()) == (0, ["thread", "begun", "messages", "where", "first", "message"])
    assert re.search(r"^thread_\w{24} .* 4 +console:local:console:main +Second thread *$", newest)
    assert re.search(r"^thread_\w{24} .* 2 +console:\S+ +Hello \[bold\]there\[/nope\] :smile: �\[31m *$", oldest)
    assert len(parley("threads", "--limit", "1")[1].splitlines()) == 2


def test_runs_shows_steps_times_and_tokens(parley: Parley) -> None:
    parley(said="What time is it in UTC?\nHello\n")
    thread = parley("threads")[1].splitlines()[1].split()[0]
    code, out, _ = parley("runs", thread)
    times, tokens = r"\d+\.\d\d s", r"\d+ tokens \(\d+ in, \d+ out\)"
    run = rf"run_\w{{24}}  completed  \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  {times}  \S+  {tokens}\n"
    calls = rf"  step_\w{{24}}  tool_calls  completed  {times}  {tokens}\n    get_current_time  done  {times}\n"
    message = rf"  step_\w{{24}}  message_creation  completed  {times}  {tokens}\n"
    assert code == 0
    assert re.fullmatch(f"{run}{calls}{message}{run}{message}", out), out


def test_runs_of_an_unknown_thread_say_so(parley: Parley) -> None:
    assert parley("runs", "thread_x") == (1, "", "No thread found with id 'thread_x'.\n")


def test_threads_and_backup_without_a_database_say_so_and_make_none(parley: Parley, tmp_path: Path) -> None:
    (tmp_path / "parley.db").unlink()
    for arguments in (["threads"], ["runs", "thread_x"], ["backup", "copy.db"]):
        code, out, err = parley(*arguments)
        assert (code, out) == (1, "")
        assert err.startswith(f"There is no database {tmp_path / 'parley.db'} yet: nothing has been said.")
    assert list(tmp_path.iterdir()) == []


def test_tools_lists_names_and_parameters(parley: Parley) -> None:
    code, out, _ = parley("tools")
    assert code == 0
    assert re.search(r"^get_current_temperature +location \[unit\] +The air temperature at a place", out, re.MULTILINE)


def test_backup_copies_the_database(parley: Parley, tmp_path: Path) -> None:
    parley(said="My name is Ada\n")
    assert parley("backup", "copy.db") == (0, f"Copied {tmp_path / 'parley.db'} to copy.db.\n", "")
    with closing(sqlite3.connect("copy.db")) as copied:
        assert copied.execute("SELECT text FROM messages WHERE role = 'user'").fetchall() == [("My name is Ada",)]
    assert parley("backup", "copy.db") == (1, "", "copy.db exists already. Name a new file.\n")


def test_doctor_says_what_is_right_and_what_is_missing(parley: Parley, tmp_path: Path) -> None:
    code, out, err = parley("doctor")
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith("✓")] == [
        "✓ The settings are well-formed.",
        f"✓ The database {tmp_path / 'parley.db'} is sound and up to date.",
    ]
    for missing in ("OPENAI_API_KEY", "SLACK_BOT_TOKEN", "DISCORD_TOKEN", "ADMINS"):
        assert re.search(rf"^· .*{missing}", out, re.MULTILINE)


def test_doctor_finds_a_damaged_database_and_an_endpoint_that_does_not_answer(
    parley: Parley, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "parley.db").write_bytes(b"garbage" * 1000)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    code, out, _ = parley("doctor")
    wrong = [line for line in out.splitlines() if line.startswith("✗")]
    assert code == 1
    assert wrong[0].startswith(f"✗ The database {tmp_path / 'parley.db'} is damaged or is no SQLite file")
    assert wrong[1].startswith("✗ ")
    assert len(wrong) == 2


def test_doctor_asks_slack_where_its_tokens_are_set(parley: Parley, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-hush")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-hush")
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:9/api/")
    code, out, err = parley("doctor")
    wrong = [line for line in out.splitlines() if line.startswith("✗")]
    assert (code, len(wrong)) == (1, 1)
    assert wrong[0].startswith("✗ Slack does not answer at http://127.0.0.1:9/api/ (")
    assert "Slack is not set up" not in out
    assert "hush" not in out + err


def test_the_manifest_of_the_slack_app_is_printed_without_any_settings(
    parley: Parley, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "http")
    code, out, err = parley("slack", "manifest")
    assert (code, err, json.loads(out)["display_information"]["name"]) == (0, "", "Parley")
    code, out, err = parley("slack", "manifest", "--http", "http://parley.example.com")
    told = "Slack sends events to https addresses only: write it as https://parley.example.com.\n"
    assert (code, out, err) == (1, "", told)


@pytest.mark.parametrize("arguments", [["doctor"], ["threads"], ["console"], ["backup", "copy.db"]])
def test_every_command_that_needs_settings_tells_their_mistakes(
    parley: Parley, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("PORT", "http")
    told = "PORT must be a whole number from 1 to 65535: set it so, or leave it out for 8080.\n"
    assert parley(*arguments) == (2, "", told)


def test_a_platform_that_is_not_to_be_reached_ends_it_with_a_line(
    parley: Parley, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a-token")
    monkeypatch.setenv("DISCORD_API_URL", "http://127.0.0.1:1/api/v10")
    code, _, err = parley()
    assert (code, err) == (1, "Discord cannot be reached: check the network and DISCORD_API_URL.\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_the_commands(parley: Parley, flag: str) -> None:
    code, out, _ = parley(flag)
    assert code == 0
    for command in ("serve", "console", "doctor", "threads", "runs", "tools", "backup", "admin", "slack", "discord"):
        assert re.search(rf"\b{command}\b", out)
    assert "THREAD" in parley("runs", flag)[1]
