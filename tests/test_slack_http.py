"""Slack over signed HTTP requests, as it calls a server on the internet."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx2
import pytest

from tests.scripted_model import ScriptedModel
from tests.simulators.slack import Workspace, slack
from tests.slack_parley import answers, slack_parley


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with slack() as made:
        yield made


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


async def test_a_signed_mention_is_answered(workspace: Workspace, model: ScriptedModel, tmp_path: Path) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    model.say("Over HTTP.")
    async with slack_parley(tmp_path / "p.db", model, workspace, http=True):
        asked = await alice.says(f"{workspace.mention} how?", general)
        await workspace.until(lambda: answers(workspace, general, asked) == ["Over HTTP."])
        assert workspace.count("apps.connections.open") == 0


async def test_commands_and_presses_come_by_the_same_address(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path
) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    model.say("Here.")
    async with slack_parley(tmp_path / "p.db", model, workspace, http=True) as parley:
        listed = await alice.command("/parley", "tools list", general)
        assert "forecast: on" in listed.text
        asked = await alice.says(f"{workspace.mention} where?", general)
        await workspace.until(lambda: answers(workspace, general, asked) == ["Here."])
        await parley.quiet()
        await alice.presses(workspace.thread(general, asked)[-1], "feedback")
        await workspace.until(lambda: workspace.ephemerals)


@pytest.mark.parametrize(("secret", "skew"), [("somebody-else", 0.0), (None, -600.0)])
async def test_what_is_signed_wrongly_or_long_ago_is_not_taken_in(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path, secret: str | None, skew: float
) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    async with slack_parley(tmp_path / "p.db", model, workspace, http=True) as parley:
        assert workspace.pusher is not None
        pusher = workspace.deliver_to(workspace.pusher.url, secret=secret, skew=skew)
        asked = await alice.says(f"{workspace.mention} let me in", general)
        await workspace.until(lambda: pusher.answers)
        assert set(pusher.answers) == {401}
        await parley.quiet()
        assert answers(workspace, general, asked) == []


async def test_a_request_from_anybody_else_is_refused(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path
) -> None:
    body = json.dumps({"type": "event_callback", "event": {"type": "app_mention", "channel": "C1", "ts": "1.0"}})
    async with slack_parley(tmp_path / "p.db", model, workspace, http=True), httpx2.AsyncClient() as stranger:
        assert workspace.pusher is not None
        answer = await stranger.post(workspace.pusher.url, content=body)
        assert answer.status_code == 401
        challenge = await stranger.post(workspace.pusher.url, json={"type": "url_verification", "challenge": "x"})
        assert challenge.status_code == 401


@pytest.mark.parametrize(
    ("stamp", "signature", "body", "status"),
    [
        ("abc", "v0=1", b"{}", 401),
        ("9" * 400, "v0=1", b"{}", 401),
        ("²", "v0=1", b"{}", 401),
        ("now", "v0=\xe9", b"{}", 401),
        ("now", "v0=1", b"[1, 2]", 401),
        ("now", "v0=1", b"{", 401),
        ("now", "v0=1", b"\xff\xfe", 400),
    ],
)
async def test_what_cannot_even_be_read_is_refused_without_a_word(
    workspace: Workspace, tmp_path: Path, stamp: str, signature: str, body: bytes, status: int,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    at = str(int(time.time())) if stamp == "now" else stamp
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature, "Content-Type": "application/json"}
    async with slack_parley(tmp_path / "p.db", ScriptedModel(), workspace, http=True):
        assert workspace.pusher is not None
        caplog.clear()
        capsys.readouterr()
        async with (
            aiohttp.ClientSession() as stranger,
            stranger.post(workspace.pusher.url, data=body, headers=headers) as answer,
        ):
            assert answer.status == status
        assert (caplog.records, capsys.readouterr().out) == ([], "")


@pytest.mark.parametrize(
    "body",
    [
        *("{", "[]", "[" * 100_000, '{"type": "zq"}', '{"event": [], "type": "event_callback", "event_id": "Ev1"}'),
        '{"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention", "channel": 1, "ts": null}}',
        '{"type": "block_actions", "trigger_id": "1", "actions": [{}], "user": {"id": "U1"}}',
        '{"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention", "channel": "\\ud800", '
        '"ts": "1"}}',
        '{"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention", "channel": "C1", "ts": "1", '
        '"user": "U1", "team": "\\udfff"}}',
    ],
    ids=range(9),
)
async def test_what_cannot_be_read_is_refused_for_good_in_one_line(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with slack_parley(tmp_path / "p.db", model, workspace, http=True) as parley:
        assert workspace.pusher is not None
        assert await workspace.pusher.inject(body, "application/json") == (400, "")
        await parley.quiet()
    told = capsys.readouterr().out
    assert "Slack delivered what cannot be read" in told
    assert "Traceback" not in told
