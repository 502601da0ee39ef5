"""How the connection to Slack is kept: what it survives, how seldom Slack is asked for another, what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import LogCapture

from adapters.slack import socket
from adapters.slack.calls import connect
from adapters.slack.connection import Desk
from adapters.slack.ears import Ears
from adapters.slack.hearing import Me
from adapters.slack.socket import Socket
from tests.hand_clock import HandClock
from tests.scripted_model import ScriptedModel
from tests.simulators.slack import Workspace, slack, socket_mode
from tests.simulators.slack.delivery import Envelope
from tests.slack_parley import answers, scene, slack_parley


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured in real time here is noticed and given up soon."""
    monkeypatch.setattr(socket, "PING", 0.05)
    monkeypatch.setattr(socket, "GOODBYE", 0.2)


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with slack(limits=False) as made:
        yield made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    capture = LogCapture()
    for module in ("slack.socket", "slack.connection", "door"):
        monkeypatch.setattr(f"adapters.{module}.log", structlog.wrap_logger(None, processors=[capture]))
    return capture


class Line:
    """A socket to the workspace, and the clock of its pauses."""

    def __init__(self, workspace: Workspace, client: AsyncWebClient) -> None:
        self.workspace, self.clock = workspace, HandClock()
        desk = Desk(Me("T1", "Acme", "U1", "B1"), client, "")
        self.socket = Socket(desk.deliver, workspace.app_token, client, self.clock)
        self.socket.message_listeners.append(self._heard)
        self.greetings = 0

    async def _heard(self, client: AsyncBaseSocketModeClient, message: dict[str, Any], raw: str | None) -> None:
        self.greetings += message.get("type") == "hello"

    async def greeted(self, times: int) -> None:
        await self.workspace.until(lambda: self.greetings == times)

    @property
    def asked(self) -> int:
        return self.workspace.count(socket.OPEN)

    async def pauses(self, count: int) -> list[float]:
        """Seconds of the next pauses before another URL is asked for; each is waited out."""
        found = []
        for _ in range(count):
            found.append(round(await asyncio.wait_for(self.clock.asleep(), 10), 3))
            self.clock.advance(found[-1])
            await asyncio.sleep(0)
        return found


@asynccontextmanager
async def connected(workspace: Workspace) -> AsyncIterator[Line]:
    client = connect(workspace.bot_token, workspace.api_url)
    assert client.session is not None
    line = Line(workspace, client)
    line.socket.open()
    try:
        await line.greeted(1)
        yield line
    finally:
        await line.socket.close()
        await client.session.close()


def lines(told: LogCapture) -> list[str]:
    return [entry["event"] for entry in told.entries]


async def test_a_handshake_that_fails_is_followed_by_one_with_a_fresh_ticket(
    workspace: Workspace, told: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(workspace) as line:
        with monkeypatch.context() as broken:
            broken.setattr(workspace.sockets, "ticket", lambda ticket: ticket)  # it opens nothing
            workspace.drop()
            assert await line.pauses(2) == [1, 2]
            await line.clock.asleep()
        assert await line.pauses(1) == [4]
        await line.greeted(2)
        await workspace.until(lambda: len(told.entries) == 2)
    assert lines(told) == ["no connection to Slack; trying again", "connected to Slack again"]
    assert "ticket" not in str(told.entries)


async def test_a_refresh_reconnects_at_once_and_without_a_word(workspace: Workspace, told: LogCapture) -> None:
    async with connected(workspace) as line:
        for times in (2, 3, 4):
            line.clock.advance(3600)
            await workspace.disconnect()
            await line.greeted(times)
        assert (line.clock.sleeps, told.entries) == ([], [])


async def test_a_slack_that_has_too_many_connections_is_asked_ever_more_seldom(
    workspace: Workspace, told: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(workspace) as line:
        monkeypatch.setattr(socket_mode, "MOST_CONNECTIONS", 0)
        workspace.drop()
        assert await line.pauses(6) == [1, 2, 4, 8, 16, 30]
        await line.clock.asleep()
        assert line.asked == 1 + 7
    assert lines(told) == ["no connection to Slack; trying again", "no connection to Slack; trying again"]
    assert told.entries[0]["problem"] == "Slack ended the connection (too_many_websockets)."


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_connections_that_end_as_soon_as_they_begin_are_told_once_a_minute(
    workspace: Workspace, told: LogCapture, reason: str
) -> None:
    async with connected(workspace) as line:
        for times in (1, 2, 3, 4):
            await line.greeted(times)
            await workspace.disconnect(reason)
            if times > 1:
                assert await line.pauses(1) == [2 ** (times - 2)]
        await line.greeted(5)
    assert lines(told)[:2] == ["no connection to Slack; trying again", "connected to Slack again"]
    assert len(told.entries) == 2


async def test_trouble_with_asking_for_a_connection_is_waited_out_in_one_line(
    workspace: Workspace, told: LogCapture, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(workspace) as line:
        workspace.fails(socket.OPEN, status=500, times=4)
        workspace.drop()
        assert await line.pauses(4) == [1, 2, 4, 8]
        await line.greeted(2)
        await workspace.until(lambda: len(told.entries) == 2)
    assert lines(told) == ["no connection to Slack; trying again", "connected to Slack again"]
    assert [record.message for record in caplog.records if record.name.startswith("slack")] == []


async def test_a_revoked_app_token_is_one_error_a_minute(
    workspace: Workspace, told: LogCapture, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(workspace) as line:
        workspace.fails(socket.OPEN, "token_revoked", times=2)
        workspace.drop()
        assert await line.pauses(2) == [60, 60]
        await line.greeted(2)
        await workspace.until(lambda: len(told.entries) == 3)
    assert lines(told) == ["Slack refuses the app token: set SLACK_APP_TOKEN anew"] * 2 + ["connected to Slack again"]
    assert [record.message for record in caplog.records if record.name.startswith("slack")] == []


async def test_a_pause_that_slack_asks_for_is_kept(workspace: Workspace) -> None:
    async with connected(workspace) as line:
        workspace.fails(socket.OPEN, retry_after=45)
        workspace.drop()
        assert await line.pauses(1) == [45]
        await line.greeted(2)


async def test_a_handshake_that_hangs_is_given_up(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(workspace) as line, await asyncio.start_server(_silence, "127.0.0.1") as silent:
        host, port = silent.sockets[0].getsockname()

        async def mute() -> str:
            return f"ws://{host}:{port}/"

        with monkeypatch.context() as hanging:
            hanging.setattr(socket, "HANDSHAKE", 0.1)
            hanging.setattr(line.socket, "issue_new_wss_url", mute)
            workspace.drop()
            await asyncio.wait_for(line.clock.asleep(), 10)
        assert await line.pauses(1) == [1]
        await line.greeted(2)


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_silent_slack_is_given_up_and_called_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.calls.TIMEOUT", 0.3)
    monkeypatch.setattr("adapters.effort.BACK_OFF", (0.01,))
    gate = workspace.holds("auth.test")
    async with asyncio.timeout(10), slack_parley(tmp_path / "p.db", ScriptedModel(), workspace):
        await gate.reached()
    gate.release()


async def test_leaving_does_not_wait_for_what_hangs(
    workspace: Workspace, tmp_path: Path, told: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.door.GRACE", 0.1)
    alice = workspace.person("Alice")
    async with slack_parley(tmp_path / "p.db", ScriptedModel(), workspace) as parley:
        hangs = asyncio.Event()
        monkeypatch.setattr(Ears, "event", lambda ears, body: _hang(hangs))
        await alice.says(f"{workspace.mention} hi", workspace.channel("general"))
        await hangs.wait()
        started = time.monotonic()
        await parley.adapter.stop_intake()
        assert time.monotonic() - started < 5
    assert lines(told) == ["not taken in any more"]
    assert workspace.unacknowledged


async def _hang(reached: asyncio.Event) -> Any:
    reached.set()
    await asyncio.sleep(8)  # cut short where Parley leaves as it should


async def test_what_hung_when_parley_left_is_answered_by_the_next(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.door.GRACE", 0.1)
    alice, general, model = workspace.person("Alice"), workspace.channel("general"), ScriptedModel()
    workspace.patience = 0.5
    async with slack_parley(tmp_path / "p.db", model, workspace) as parley:
        hangs = asyncio.Event()
        monkeypatch.setattr(Ears, "event", lambda ears, body: _hang(hangs))
        asked = await alice.says(f"{workspace.mention} hi", general)
        await hangs.wait()
        await parley.adapter.stop_intake()
    monkeypatch.undo()
    model.say("Here I am.")
    async with slack_parley(tmp_path / "p.db", model, workspace):
        await workspace.until(lambda: answers(workspace, general, asked) == ["Here I am."])


async def test_an_event_that_cannot_be_read_is_acknowledged_and_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path / "p.db", limits=False) as chat, chat.parley() as parley:
        event = {"type": "app_mention", "channel": chat.general.id, "user": chat.alice.id, "text": ["rain?"]}
        sent = Envelope("events_api", {"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": event})
        chat.workspace.delivery.inject(sent)
        await chat.workspace.until(lambda: sent.acknowledged)
        chat.model.say("Well.")
        await chat.answered(await chat.asks(), "Well.")
        assert chat.workspace.sockets.connections == 1
        await parley.quiet()
