"""The log: readable in a terminal, JSON elsewhere, one line a run, and nothing in it that is nobody's business."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import log
from bot.models.demo import DemoModel
from bot.store import runs
from tests.hand_clock import HandClock
from tests.parley import parley_at
from tests.scripted_model import ScriptedModel


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the process's: other tests find it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_elsewhere_than_in_a_terminal_each_line_is_json(out: io.StringIO) -> None:
    log.configure("info", None, out)
    structlog.get_logger("x").info("run ended", seconds=0.5, place="Zürich")
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "run ended", "level": "info", "seconds": 0.5, "place": "Zürich"}
    assert "Zürich" in out.getvalue()


def test_in_a_terminal_it_is_readable() -> None:
    out = Terminal()
    log.configure("info", None, out)
    structlog.get_logger("x").info("run ended", outcome="completed")
    assert "run ended" in out.getvalue()
    assert "\x1b[" in out.getvalue()
    assert not out.getvalue().startswith("{")


@pytest.mark.parametrize(("form", "stream"), [("json", Terminal()), ("console", io.StringIO())])
def test_the_form_that_was_set_wins(form: str, stream: io.StringIO) -> None:
    log.configure("info", form, stream)
    structlog.get_logger("x").info("run ended", outcome="completed")
    assert stream.getvalue().startswith("{") is (form == "json")
    assert "\x1b[" not in stream.getvalue()


def test_lines_below_the_level_are_left_out(out: io.StringIO) -> None:
    log.configure("warning", None, out)
    structlog.get_logger("x").info("not told")
    structlog.get_logger("x").warning("told")
    assert [line["event"] for line in lines(out)] == ["told"]


def test_libraries_are_heard_from_warning_on_in_the_same_form(out: io.StringIO) -> None:
    log.configure("debug", None, out)
    logging.getLogger("httpx2").info("GET https://example.org/?key=secret")
    logging.getLogger("httpx2").warning("%s retries", 3)
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("3 retries", "warning")


def test_a_traceback_is_told_without_local_variables(out: io.StringIO) -> None:
    log.configure("info", None, out)

    def fail(message: str) -> None:
        raise RuntimeError("It broke.")

    for logger in (structlog.get_logger("x"), logging.getLogger("x")):
        try:
            fail("a private message")
        except RuntimeError:
            logger.exception("broke off")
    assert [line["exception"][0]["exc_value"] for line in lines(out)] == ["It broke.", "It broke."]
    assert "private" not in out.getvalue()


def test_lines_go_to_what_standard_error_is_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat puts a stream of its own there while the prompt is up."""
    log.configure("info", "json")
    above = io.StringIO()
    monkeypatch.setattr(sys, "stderr", above)
    structlog.get_logger("x").info("run ended")
    logging.getLogger("x").warning("careful")
    assert [line["event"] for line in lines(above)] == ["run ended", "careful"]


async def test_a_run_leaves_one_line_with_its_ids_outcome_time_and_tokens(tmp_path: Path, out: io.StringIO) -> None:
    log.configure("info", None, out)
    async with parley_at(tmp_path / "parley.db", DemoModel(pace=0)) as parley:
        accepted = await parley.alice.say("My name is Ada and my password is hunter2")
        await parley.quiet()
        (run,) = await parley.core.database.read(lambda c: runs.of_thread(c, accepted.thread_id))
    (line,) = lines(out)
    assert run.usage is not None
    assert line.pop("timestamp")
    assert line == {
        "event": "run ended",
        "level": "info",
        "run_id": run.id,
        "thread_id": accepted.thread_id,
        "outcome": "completed",
        "seconds": 0.0,
        "model": "gpt-test",
        "prompt_tokens": run.usage.prompt_tokens,
        "completion_tokens": run.usage.completion_tokens,
        "total_tokens": run.usage.total_tokens,
    }


async def test_a_run_with_tools_logs_no_message_no_argument_and_no_secret(tmp_path: Path, out: io.StringIO) -> None:
    log.configure("info", None, out)
    model = ScriptedModel()
    model.call(("forecast", {"place": "hunter2"}))
    model.say("hunter2 is cold.")
    async with parley_at(tmp_path / "parley.db", model, openai_api_key="sk-hunter2") as parley:
        await parley.alice.say("How is hunter2?")
        await parley.quiet()
    assert [line["event"] for line in lines(out)] == ["run ended"]
    assert "hunter2" not in out.getvalue()


async def test_a_run_that_breaks_off_logs_no_message_either(tmp_path: Path, out: io.StringIO) -> None:
    log.configure("info", None, out)
    clock = HandClock()
    async with parley_at(tmp_path / "parley.db", BrokenModel(), clock=clock) as parley:
        await parley.alice.say("My password is hunter2")
        await parley.quiet()
    told = lines(out)
    assert told[-1]["outcome"] == "failed"
    assert told[-1]["error"] == "server_error"
    assert {line["run_id"] for line in told} == {told[-1]["run_id"]}
    assert "hunter2" not in out.getvalue()


class BrokenModel(DemoModel):
    """Raises what no model should raise."""

    def stream(self, request: Any) -> Any:
        said = request.items[-1].text
        raise RuntimeError(f"{len(said)} characters were too much.")
