"""Files that tools make for the one at a terminal: in a folder beside the database, each told of in a line."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from adapters.console import PipedConsole
from adapters.console.folder import Folder
from adapters.shown import safe_name
from bot.assistants.types import ShownFile
from bot.ports import Placed
from tests.desk import Answer, Desk
from tests.drawing import CHART, CHARTS, DRAWN, TABLE, answer
from tests.files import ready
from tests.process import environment, run
from tests.test_console_chat import ENTER, chat_with


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parley.db.files"


def named(name: str, content: bytes = CHART) -> ShownFile:
    return ShownFile("shown_1", name, "image/png", content)


def kept(path: Path) -> list[tuple[str, bytes]]:
    return sorted((file.name, file.read_bytes()) for file in path.iterdir())


def gone(path: Path) -> bool:
    return not path.exists()


def lines(path: Path, *names: str) -> list[str]:
    return [f"A file for you: {path / name}" for name in names]


# -- the folder -------------------------------------------------------------------------------------------------------


def test_a_file_is_written_for_its_owner_alone_and_told_of(path: Path) -> None:
    assert Folder(path).keep(CHARTS) == lines(path, "chart.png", "table.csv")
    assert kept(path) == DRAWN
    assert [oct(one.stat().st_mode & 0o777) for one in (path, *path.iterdir())] == ["0o700", "0o600", "0o600"]


def test_what_is_there_already_is_not_written_again(path: Path) -> None:
    assert Folder(path).keep(CHARTS) == Folder(path).keep(CHARTS)
    assert kept(path) == DRAWN


def test_a_death_before_the_last_step_leaves_nothing_under_the_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", dies)
        patched.setattr(os, "replace", dies)
        with pytest.raises(SystemExit):
            Folder(path).keep([named("chart.png")])
    assert Folder(path).keep([named("chart.png")]) == lines(path, "chart.png")


def test_another_file_of_that_name_stays_as_it_is(path: Path) -> None:
    Folder(path).keep([named("chart.png", b"before")])
    Folder(path).keep([named("chart.png", b"after")])
    assert Folder(path).keep(CHARTS) == lines(path, "chart-3.png", "table.csv")
    told = [("chart-2.png", b"after"), ("chart-3.png", CHART), ("chart.png", b"before"), ("table.csv", TABLE)]
    assert kept(path) == told


def test_nothing_is_written_through_a_link(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    path.mkdir()
    (path / "chart.png").symlink_to(elsewhere)
    assert Folder(path).keep([named("chart.png")]) == lines(path, "chart-2.png")
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\..\\passwd", "./.bashrc", "a\x00\x1b[2Jb", "..", ""]
)
def test_a_name_leads_nowhere_else(path: Path, name: str) -> None:
    (line,) = Folder(path).keep([named(name)])
    ((shown, content),) = kept(path)
    assert (line, content) == (*lines(path, shown), CHART)
    assert not shown.startswith(".")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Regen in Köln (2026).png", "Regen in Köln (2026).png"),
        ("東京.csv", "東京.csv"),
        ("a/b\\c.png", "c.png"),
        ("<!channel> `x` *y*|.png", "channel_ _x_ _y__.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\r\nb.png", "a__b.png"),
        ("folder/", "folder"),
        ("\ud800", "file"),
        ("x" * 100 + ".jpeg", "x" * 55 + ".jpeg"),
        ("x" * 100 + "." + "y" * 100, "x" * 50 + "." + "y" * 9),
    ],
)
def test_a_name_is_harmless_and_like_the_one_that_was_given(given: str, name: str) -> None:
    assert safe_name(given) == name
    assert safe_name(name) == name


def test_a_folder_that_cannot_be_written_costs_a_sentence(path: Path) -> None:
    path.write_text("no folder")
    sentence = f"It could not be written to {path} (File exists)."
    assert Folder(path).keep(CHARTS[:1]) == [f"I could not show chart.png here: {sentence}"]


def test_a_full_disk_leaves_nothing_half_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, mode: str) -> io.BufferedWriter:
        os.close(handle)
        return Path("/dev/full").open("wb")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", full)
        (line,) = Folder(path).keep(CHARTS[:1])
    assert line.endswith("(No space left on device).")
    assert kept(path) == []


def test_there_are_ten_files_and_a_line_for_each_of_the_others(path: Path) -> None:
    told = Folder(path).keep([named(f"{number}.png") for number in range(11)])
    assert (len(kept(path)), told[10]) == (10, "I could not show 10.png here: An answer has room for 10 files.")


def test_what_is_forgotten_is_removed_with_the_folder(path: Path) -> None:
    folder = Folder(path)
    assert folder.forget() == ""
    folder.keep(CHARTS)
    assert (folder.forget(), path.exists()) == (f"Removed with it: 2 files in {path}.", False)
    folder.keep(CHARTS[:1])
    assert folder.forget() == f"Removed with it: 1 file in {path}."
    folder.keep(CHARTS)
    (path / "mine").mkdir()
    assert folder.forget().startswith(f"The files in {path} could not be removed (")


# -- the chat and the pipe --------------------------------------------------------------------------------------------


async def test_the_chat_tells_where_they_are_below_the_answer(path: Path) -> None:
    async with chat_with(folder=path) as chat:
        await chat.show(answer())
        assert await chat.printed("table.csv") == ["Cold.", *lines(path, "chart.png", "table.csv")]
        assert kept(path) == DRAWN


async def test_the_chat_forgets_them_with_what_was_said(path: Path) -> None:
    async with chat_with(folder=path) as chat:
        await chat.show(answer())
        chat.desk.reply, chat.desk.forgot = "Forgotten.", True
        chat.type(f"/forget sure{ENTER}")
        await chat.printed(f"Forgotten.\nRemoved with it: 2 files in {path}.")
    assert gone(path)


async def test_the_pipe_tells_where_they_are_below_the_answer_and_forgets_them(path: Path) -> None:
    answers = io.StringIO()
    piped = PipedConsole(io.StringIO("/forget sure\n"), answers, io.StringIO(), folder=path)
    await piped.render(Answer(), answer(), Placed())
    assert answers.getvalue().splitlines() == ["Cold.", *lines(path, "chart.png", "table.csv")]
    await piped.start(Desk(reply="Forgotten.", forgot=True))
    await piped.talk()
    told = ["Forgotten.", f"Removed with it: 2 files in {path}."]
    assert (answers.getvalue().splitlines()[-2:], gone(path)) == (told, True)


async def test_what_an_admin_forgets_of_the_terminal_takes_them_along(tmp_path: Path, path: Path) -> None:
    env = environment(ready(tmp_path / "parley.db"))
    await run(lines="The zebra.\n", env=env, cwd=tmp_path)
    Folder(path).keep(CHARTS)
    said = await run("admin", "forget", env=env, cwd=tmp_path)
    assert "The files that tools made for you here go, too, and all that you typed." in said.out
    assert kept(path) == DRAWN
    said = await run("admin", "forget", "sure", env=env, cwd=tmp_path)
    assert said.err == f"Removed with it: 2 files in {path}.\n"
    assert gone(path)
