"""Input that is no terminal: what is written where, and what a terminal behind it is spared."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest

from adapters.console import PipedConsole
from bot.errors import PlatformError
from bot.ports import Document, Placed
from bot.view import StatusLine, View, printable
from tests.desk import Answer, Desk


@dataclass(slots=True)
class Streams:
    answers: io.StringIO
    statuses: io.StringIO


@pytest.fixture
def streams() -> Streams:
    return Streams(io.StringIO(), io.StringIO())


def console(streams: Streams, source: TextIO | None = None) -> PipedConsole:
    return PipedConsole(source or io.StringIO(""), streams.answers, streams.statuses)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Grüße, 東京 — 18 °C\n\tfine", "Grüße, 東京 — 18 °C\n\tfine"),
        ("family 👩\u200d👩\u200d👧, 10\u00a0%, 全\u3000角", "family 👩\u200d👩\u200d👧, 10\u00a0%, 全\u3000角"),
        ("two\r\nlines", "two\nlines"),
        ("\x1b[2J\x1b]52;c;cHduZWQ=\x07", "�[2J�]52;c;cHduZWQ=�"),
        ("\x9b31m\x08\x7f", "�31m��"),
        ("\u202egnp.exe", "�gnp.exe"),
    ],
)
def test_what_a_terminal_would_obey_is_not_printed(written: str, shown: str) -> None:
    assert printable(written) == shown


def test_a_status_is_one_short_line_whatever_the_model_calls_the_tool() -> None:
    assert str(StatusLine("call_1", "get_forecast")) == "calling get_forecast…"
    assert str(StatusLine("call_1", "bad\x1b]0;pwn\x07\nroot: fake line")) == "calling bad�]0;pwn� root: fake line…"
    assert len(str(StatusLine("call_1", "x" * 5000))) < 80


async def test_answers_and_statuses_go_to_their_streams_once(streams: Streams) -> None:
    piped = console(streams)
    view = View((StatusLine("call_1", "forecast"),), "It ")
    placed = await piped.render(Answer(), view, Placed())
    placed = await piped.render(Answer(), view, placed)
    await piped.render(Answer(), View(text="It is \x1b[31mcold.", outcome="completed"), placed)
    assert streams.statuses.getvalue() == "calling forecast…\n"
    assert streams.answers.getvalue() == "It is �[31mcold.\n"


async def test_remarks_are_printed_once_with_the_answer(streams: Streams) -> None:
    piped, remarks = console(streams), ["film.mov was not read."]
    placed = await piped.render(Answer(), View(text="Co", remarks=remarks), Placed())
    await piped.render(Answer(), View(text="Cold.", outcome="completed", remarks=remarks), placed)
    assert streams.answers.getvalue() == "Cold.\n\nfilm.mov was not read.\n"


async def test_input_that_cannot_be_read_is_an_empty_one(tmp_path: Path, streams: Streams) -> None:
    with (tmp_path / "file").open("w") as not_readable:
        piped = console(streams, not_readable)
        await piped.start(Desk())
        await piped.talk()
    assert streams.answers.getvalue() == ""


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fileno(self) -> int:
        return os.open(os.devnull, os.O_WRONLY)


async def test_answers_that_cannot_be_written_end_the_talk(streams: Streams) -> None:
    piped = PipedConsole(io.StringIO("/help\n"), FullDisk(), streams.statuses)
    await piped.start(Desk())
    with pytest.raises(PlatformError, match="cannot be written any more"):
        await piped.talk()


async def test_a_file_is_printed_after_what_the_command_says(streams: Streams) -> None:
    desk = Desk(reply="All of it.", file=Document("it.json", "application/json", b'{"a": 1}\n'))
    piped = console(streams, io.StringIO("/export\n"))
    await piped.start(desk)
    await piped.talk()
    assert streams.answers.getvalue() == 'All of it.\n{"a": 1}\n'
