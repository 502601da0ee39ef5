"""The manifest of the Slack app: what is committed is what is printed, and it keeps Slack's limits."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.slack.manifest import COMMAND, EVENTS, SCOPES, SHORTCUT, lacks, manifest, request_url
from bot.cli import app
from bot.errors import ParleyError

COMMITTED = Path(__file__).parent.parent / "adapters/slack/manifest.json"
HERE = "https://parley.example.com"


def printed(*arguments: str) -> dict[str, Any]:
    told = CliRunner().invoke(app, ["slack", "manifest", *arguments])
    assert told.exit_code == 0, told.output
    parsed: dict[str, Any] = json.loads(told.stdout)
    return parsed


def test_the_committed_copy_is_what_is_printed_for_socket_mode() -> None:
    assert COMMITTED.read_text() == CliRunner().invoke(app, ["slack", "manifest"]).stdout
    assert printed()["settings"]["socket_mode_enabled"] is True
    assert "https://" not in COMMITTED.read_text()


def test_over_http_everything_is_sent_to_one_address() -> None:
    asked = printed("--http", HERE)
    sent_to = f"{HERE}/slack/events"
    assert asked["settings"]["socket_mode_enabled"] is False
    assert asked["settings"]["event_subscriptions"]["request_url"] == sent_to
    assert asked["settings"]["interactivity"] == {"is_enabled": True, "request_url": sent_to}
    assert [command["url"] for command in asked["features"]["slash_commands"]] == [sent_to]


def test_scopes_and_events_are_those_that_the_doctor_looks_for() -> None:
    asked = manifest()
    assert set(asked["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert set(asked["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)


@pytest.mark.parametrize("kind", ["channels", "groups", "im", "mpim"])
def test_each_kind_of_conversation_has_its_event_and_is_read_but_not_written_to_elsewhere(kind: str) -> None:
    assert f"message.{kind}" in EVENTS
    files = ["im:write"] if kind == "im" else []  # a file of one's own comes by direct message
    found = [scope for scope in SCOPES if scope.startswith(f"{kind}:")]
    assert found == [f"{kind}:history", f"{kind}:read", *files]


def test_texts_keep_the_limits_of_slack() -> None:
    """https://docs.slack.dev/reference/app-manifest"""
    asked = manifest()
    agent, shortcut = asked["features"]["agent_view"], asked["features"]["shortcuts"][0]
    assert len(asked["display_information"]["description"]) <= 140
    assert len(agent["agent_description"]) <= 300
    assert 1 <= len(agent["suggested_prompts"]) <= 4
    assert (len(shortcut["name"]) <= 24, len(shortcut["description"]) <= 150) == (True, True)
    assert all(len(name) <= 50 for name in (*SCOPES, *EVENTS))


@pytest.mark.parametrize(
    "given", [HERE, f"{HERE}/", f"{HERE}/slack/events", f" {HERE}/slack/events/ ", f"{HERE}:8443/slack/events"]
)
def test_an_address_is_taken_with_and_without_the_path(given: str) -> None:
    assert request_url(given) in (f"{HERE}/slack/events", f"{HERE}:8443/slack/events")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "parley.example.com",
        "http://parley.example.com",
        "https://",
        "https://[::1",
        "https://parley.example.com:port",
        "https://par ley.example.com",
        "https://me@parley.example.com",
        f"{HERE}/bot",
        f"{HERE}/?a=1",
    ],
)
def test_any_other_address_is_refused_in_a_sentence(given: str) -> None:
    with pytest.raises(ParleyError, match=r"write it as https://parley\.example\.com\.$"):
        request_url(given)


def test_an_app_that_was_made_of_the_manifest_lacks_nothing() -> None:
    assert list(lacks(manifest(), socket_mode=True)) == []
    assert list(lacks(manifest(HERE), socket_mode=False)) == []


def test_an_empty_app_lacks_everything_and_each_thing_is_named() -> None:
    told = "\n".join(lacks({}, socket_mode=True))
    for name in (*EVENTS, "agent_view", "Messages tab", "Home tab", COMMAND, SHORTCUT, "Interactivity", "Socket Mode"):
        assert name in told


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("features.agent_view", None, "no agent"),
        ("features.app_home.messages_tab_read_only_enabled", True, "read-only"),
        ("features.shortcuts", [{"type": "global", "callback_id": SHORTCUT}], "shortcut"),
        ("features.slash_commands", [{"command": COMMAND}], "does not escape"),
        ("settings.event_subscriptions.bot_events", sorted({*EVENTS} - {"message.im"}), "message.im"),
        ("settings.interactivity", {"is_enabled": False}, "Interactivity is off"),
        ("settings.socket_mode_enabled", False, "Socket Mode is off"),
    ],
)
def test_one_thing_that_is_missing_is_the_one_that_is_told(path: str, value: object, told: str) -> None:
    *outer, name = path.split(".")
    exported = copy.deepcopy(manifest())
    part = exported
    for key in outer:
        part = part[key]
    part.pop(name)
    if value is not None:
        part[name] = value
    (sentence,) = lacks(exported, socket_mode=True)
    assert told in sentence


def test_an_app_of_the_other_mode_is_told() -> None:
    assert "Socket Mode is on" in next(iter(lacks(manifest(), socket_mode=False)))
    unaddressed = manifest(HERE)
    del unaddressed["settings"]["event_subscriptions"]["request_url"]
    assert "no request URL" in next(iter(lacks(unaddressed, socket_mode=False)))
