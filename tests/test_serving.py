"""Serving until a signal comes: what is connected first, what ends first, and what goes wrong in between."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route
from typer.testing import CliRunner

from bot import cli, handler, web
from bot.assistants.types import JSON
from bot.errors import ParleyError, PlatformError
from bot.ports import InboundMessage, Intake, Placed, Prepared, Reply
from bot.serving import serve
from bot.settings import Settings
from bot.view import View
from tests.files import ready
from tests.process import LONGEST, ROOT, environment, started
from tests.simulators.serve import serve as fake


class Desk:
    """An adapter that is called over HTTP or not at all. `told` is what was asked of it, in order."""

    platform = "slack"

    def __init__(self, *, http: bool = True) -> None:
        self.told: list[str] = []
        self.connect: Callable[[], Awaitable[object]] = _at_once
        self.before_the_end: Callable[[], Awaitable[object]] = _at_once
        self.routes: Sequence[BaseRoute] = [Route("/slack/events", self._heard, methods=["POST"])] if http else []
        self.started = asyncio.Event()

    async def _heard(self, request: Request) -> PlainTextResponse:
        self.told.append((await request.body()).decode())
        return PlainTextResponse("ok")

    async def start(self, intake: Intake) -> None:
        self.told.append("start")
        self.started.set()
        await self.connect()

    async def stop_intake(self) -> None:
        await self.before_the_end()
        self.told.append("stop intake")

    async def close(self) -> None:
        self.told.append("close")

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        raise AssertionError("nobody said anything")

    async def download(self, attachment: JSON, limit: int) -> bytes:
        raise AssertionError("nobody attached anything")

    async def ready(self, reply: Reply, placed: Placed) -> None:
        raise AssertionError("nobody asked anything")

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        raise AssertionError("nobody asked anything")


async def _at_once() -> None: ...


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Settings:
    return Settings.model_construct(database_url=f"sqlite:///{ready(tmp_path / 'parley.db')}", port=port)


class Log(structlog.testing.LogCapture):
    """The lines of the log, and a way to wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def __call__(self, *arguments: Any) -> NoReturn:
        self._changed.set()
        super().__call__(*arguments)

    @property
    def said(self) -> list[str]:
        return [entry["event"] for entry in self.entries]

    async def until(self, event: str) -> None:
        async with asyncio.timeout(5):
            while event not in self.said:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def log() -> Log:
    log = Log()
    structlog.reset_defaults()
    structlog.configure(processors=[log])
    return log


@asynccontextmanager
async def served(settings: Settings, desk: Desk, log: Log) -> AsyncIterator[None]:
    """Serves during the block. A signal ends it, within the eight seconds that there are."""
    task = asyncio.create_task(serve(settings, [desk]))
    await log.until("Parley serves")
    yield
    signal.raise_signal(signal.SIGTERM)
    async with asyncio.timeout(8):
        await task


async def test_it_serves_until_a_signal_comes_and_ends_in_order(settings: Settings, log: Log) -> None:
    desk = Desk()
    async with served(settings, desk, log), httpx2.AsyncClient(trust_env=False) as client:
        address = f"http://127.0.0.1:{settings.port}"
        assert (await client.post(f"{address}/slack/events", content="an event")).text == "ok"
        assert (await client.get(f"{address}/healthz")).json() == {"status": "ok", "serves": ["slack"]}
    assert desk.told == ["start", "an event", "stop intake", "close"]


def test_the_graces_leave_two_of_the_eight_seconds_for_everything_else() -> None:
    assert web.GRACE + handler.GRACE <= 6


def test_the_procfile_starts_one_process() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["web: python -m bot"]
    assert "# worker: python -m bot" in lines


def test_the_command_line_changes_the_logging() -> None:
    assert CliRunner().invoke(cli.app, ["slack", "manifest"]).exit_code == 0
    assert structlog.is_configured()


def test_and_a_test_after_it_finds_the_logging_untouched() -> None:
    assert not structlog.is_configured()


async def test_the_log_tells_what_is_served_and_how_it_ends(settings: Settings, log: Log) -> None:
    async with served(settings, Desk(), log):
        pass
    assert [entry for entry in log.entries if entry["event"] == "Parley serves"] == [
        {"event": "Parley serves", "platforms": ["slack"], "model": "demo", "log_level": "info"}
    ]
    assert log.said[-2:] == ["Parley ends: running answers have a few seconds", "Parley has ended"]


async def test_requests_end_before_the_adapter_is_asked_to_stop(settings: Settings, log: Log) -> None:
    async def knock() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", settings.port)

    desk = Desk()
    desk.before_the_end = knock
    async with served(settings, desk, log):
        pass
    assert desk.told[-2:] == ["stop intake", "close"]


async def test_without_routes_there_is_no_http_server(settings: Settings, log: Log) -> None:
    with socket.create_server(("0.0.0.0", settings.port)):  # nor does it want the port
        async with served(settings, Desk(http=False), log):
            pass
    assert "HTTP server listens" not in log.said


async def test_a_signal_while_a_platform_is_being_connected_to_breaks_that_off(settings: Settings, log: Log) -> None:
    desk = Desk()
    desk.connect = asyncio.Event().wait  # never
    task = asyncio.create_task(serve(settings, [desk]))
    await desk.started.wait()
    signal.raise_signal(signal.SIGINT)
    async with asyncio.timeout(8):
        await task
    assert (desk.told, log.said) == (["start", "stop intake", "close"], [])


async def test_a_platform_that_refuses_ends_it_with_its_sentence(settings: Settings, log: Log) -> None:
    async def refuse() -> None:
        raise PlatformError("Slack does not know SLACK_BOT_TOKEN.", permanent=True)

    desk = Desk()
    desk.connect = refuse
    with pytest.raises(PlatformError, match="does not know"):
        await serve(settings, [desk])
    assert (desk.told[-1], log.said) == ("close", [])


async def test_a_port_that_is_taken_ends_it_with_a_sentence(settings: Settings, log: Log) -> None:
    desk = Desk()
    with (
        socket.create_server(("0.0.0.0", settings.port)),
        pytest.raises(ParleyError, match=f"Port {settings.port} is in use"),
    ):
        await serve(settings, [desk])
    assert desk.told == ["start", "stop intake", "close"]


async def test_whoever_gives_up_waiting_leaves_nothing_running(settings: Settings, log: Log) -> None:
    desk = Desk()
    task = asyncio.create_task(serve(settings, [desk]))
    await log.until("Parley serves")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.told == ["start", "stop intake", "close"]
    assert [other.get_name() for other in asyncio.all_tasks() if other.get_name() in ("service", "signal")] == []


async def test_the_program_serves_slack_over_http_until_sigterm(tmp_path: Path, port: int) -> None:
    async def auth_test(request: Request) -> JSONResponse:
        return JSONResponse({"ok": True, "team_id": "T1", "team": "Acme", "user_id": "U1", "user": "p", "bot_id": "B1"})

    slack = Starlette(routes=[Route("/api/auth.test", auth_test, methods=["POST"])])
    async with fake(slack) as url, httpx2.AsyncClient(trust_env=False) as client:
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "hush", "SLACK_API_URL": f"{url}/api/"}
        env = environment(ready(tmp_path / "parley.db"), PORT=str(port), LOG_FORMAT="json", **tokens)
        async with started(env=env, cwd=tmp_path) as process, asyncio.timeout(LONGEST):
            assert process.stderr is not None
            while b"HTTP server listens" not in (line := await process.stderr.readline()):
                assert line, "it ended before it served"
            unsigned = await client.post(f"http://127.0.0.1:{port}/slack/events", json={"type": "url_verification"})
            assert unsigned.status_code == 401
            process.send_signal(signal.SIGTERM)
            _, err = await process.communicate()
    assert (process.returncode, json.loads(err.splitlines()[-1])["event"]) == (0, "Parley has ended")
    assert b"hush" not in err
