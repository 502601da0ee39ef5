"""What the doctor finds out by asking Slack: the real client, against a small Slack on loopback."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adapters.slack.doctor import examine
from adapters.slack.manifest import SCOPES, manifest
from tests.simulators.serve import serve

BOT, APP, CONFIG = "xoxb-1-hush", "xapp-1-A1-2-hush", "xoxe.xoxp-1-hush"
SECRET = "0123456789abcdef" * 2
NOTHING_TO_ASK = "· The bot's tokens cannot tell which events the app is subscribed to: set SLACK_CONFIG_TOKEN for that"


class SmallSlack:
    """The four methods that the doctor calls. `refuse` holds an error for a method, `other` another answer."""

    def __init__(self) -> None:
        self.url = ""
        self.scopes: list[str] | None = list(SCOPES)
        self.manifest: dict[str, Any] = manifest()
        self.me: dict[str, Any] = {"user": "parley", "team": "Acme", "bot_id": "B1"}
        self.refuse: dict[str, str] = {}
        self.other: dict[str, Response] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    async def answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.asked.append((method, request.headers["authorization"], dict(request.query_params)))
        if method in self.other:
            return self.other[method]
        if method in self.refuse:
            return JSONResponse({"ok": False, "error": self.refuse[method]})
        headers = {} if self.scopes is None else {"x-oauth-scopes": ",".join(self.scopes)}
        return JSONResponse({"ok": True, **self._told(method)}, headers=headers)

    def _told(self, method: str) -> dict[str, Any]:
        match method:
            case "auth.test":
                return self.me
            case "bots.info":
                return {"bot": {"app_id": "A1"}}
            case "apps.connections.open":
                return {"url": "wss://127.0.0.1:1/"}
            case _:
                return {"manifest": self.manifest}

    async def examined(self, **given: Any) -> list[str]:
        """The lines, the last of which is `sound` or `unsound`."""
        lines: list[str] = []
        given = {"bot_token": BOT, "app_token": APP, "signing_secret": None, "api_url": self.url} | given
        lines.append("sound" if await examine(lines.append, **given) else "unsound")
        assert not re.search("hush|0123456789abcdef", "\n".join(lines))
        return lines


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    small = SmallSlack()
    async with serve(Starlette(routes=[Route("/api/{method}", small.answer, methods=["POST", "GET"])])) as url:
        small.url = f"{url}/api/"
        yield small


def wrong(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("✗")]


async def test_an_app_that_is_as_it_should_be_is_told_line_by_line(slack: SmallSlack) -> None:
    assert await slack.examined(config_token=CONFIG) == [
        "✓ The Slack bot token is good: parley in Acme.",
        "✓ The Slack app has every scope that Parley uses.",
        "✓ The Slack app token opens connections (Socket Mode).",
        "✓ The Slack app's events, command and shortcut are as they should be.",
        "sound",
    ]


async def test_each_call_carries_its_own_token_and_never_in_the_address(slack: SmallSlack) -> None:
    await slack.examined(config_token=CONFIG)
    assert slack.asked == [
        ("auth.test", f"Bearer {BOT}", {}),
        ("bots.info", f"Bearer {BOT}", {"bot": "B1"}),
        ("apps.connections.open", f"Bearer {APP}", {}),
        ("apps.manifest.export", f"Bearer {CONFIG}", {"app_id": "A1"}),
    ]


async def test_a_missing_scope_is_named_with_what_it_is_for_and_the_remedy(slack: SmallSlack) -> None:
    slack.scopes = [scope for scope in SCOPES if scope != "files:read"]
    lines = await slack.examined()
    assert lines[1:3] == [
        "✗ The scope files:read is missing: files that people attach cannot be read.",
        "  Put what `parley slack manifest` prints into api.slack.com/apps, App Manifest, save it, and install the app "
        "again.",
    ]
    assert lines[-1] == "unsound"


async def test_scopes_that_slack_does_not_tell_are_no_mistake(slack: SmallSlack) -> None:
    slack.scopes = None
    lines = await slack.examined()
    assert "· Slack did not say which scopes the bot token has." in lines
    assert lines[-1] == "sound"


async def test_without_a_configuration_token_it_says_how_to_compare_the_events(slack: SmallSlack) -> None:
    lines = await slack.examined()
    assert lines[-3:] == [
        NOTHING_TO_ASK,
        "  (api.slack.com/apps, Your App Configuration Tokens), or compare with what `parley slack manifest` prints.",
        "sound",
    ]


async def test_an_event_that_the_app_is_not_subscribed_to_is_named(slack: SmallSlack) -> None:
    slack.manifest["settings"]["event_subscriptions"]["bot_events"].remove("message.im")
    del slack.manifest["features"]["agent_view"]
    lines = await slack.examined(config_token=CONFIG)
    assert wrong(lines) == [
        "✗ The app is not subscribed to the event message.im: direct messages do not arrive.",
        "✗ The app is no agent (features.agent_view): people find no suggested prompts and no stop button.",
    ]
    assert lines[-1] == "unsound"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "invalid_auth",
            "Slack does not know SLACK_BOT_TOKEN. Copy it again: api.slack.com/apps, OAuth & Permissions.",
        ),
        ("account_inactive", "SLACK_BOT_TOKEN was revoked, or the app was removed. Install it again, and copy: "),
        ("token_expired", "SLACK_BOT_TOKEN has expired. Get a new one: "),
        ("not_allowed_token_type", "SLACK_BOT_TOKEN is a token of another kind. It must be a bot token (xoxb-…): "),
        ("ratelimited", "Slack had too many calls of auth.test. Run `parley doctor` again in a minute."),
        ("fatal\x1b[31m", "Slack refused auth.test with SLACK_BOT_TOKEN: fatal�[31m."),
    ],
)
async def test_a_bot_token_that_slack_refuses_is_told_with_the_remedy(slack: SmallSlack, code: str, told: str) -> None:
    slack.refuse["auth.test"] = code
    lines = await slack.examined()
    assert lines[0].startswith(f"✗ {told}")
    assert (lines[1][:1], lines[-1]) == ("✓", "unsound")  # the app token is looked at all the same


async def test_a_persons_token_is_no_bot_token(slack: SmallSlack) -> None:
    del slack.me["bot_id"]
    assert (await slack.examined())[0].startswith("✗ SLACK_BOT_TOKEN belongs to a person. It must be a bot token")


async def test_an_app_token_without_its_scope_says_which(slack: SmallSlack) -> None:
    slack.refuse["apps.connections.open"] = "missing_scope"
    (told,) = wrong(await slack.examined())
    assert told.startswith("✗ SLACK_APP_TOKEN has not the scope for apps.connections.open.")
    assert told.endswith("App-Level Tokens. It needs the scope connections:write.")


async def test_tokens_of_two_apps_are_found_out(slack: SmallSlack) -> None:
    (told,) = wrong(await slack.examined(app_token="xapp-1-A2-2-hush"))
    assert told == "✗ SLACK_APP_TOKEN is of the app A2, SLACK_BOT_TOKEN of A1: nothing would arrive."


@pytest.mark.parametrize(
    ("secret", "mark"), [(SECRET, "✓"), ("not-hexadecimal-hush", "·"), ("xoxb-1-hush", "✗"), ("xapp-1-x", "✗")]
)
async def test_the_signing_secret_is_judged_by_its_form(slack: SmallSlack, secret: str, mark: str) -> None:
    lines = await slack.examined(app_token=None, signing_secret=secret)
    assert lines[2][0] == mark
    assert "apps.connections.open" not in [method for method, *_ in slack.asked]


async def test_a_configuration_token_that_has_expired_is_told(slack: SmallSlack) -> None:
    slack.refuse["apps.manifest.export"] = "token_expired"
    (told,) = wrong(await slack.examined(config_token=CONFIG))
    assert told.startswith(
        "✗ SLACK_CONFIG_TOKEN has expired. Get a new one: api.slack.com/apps, Your App Configuration"
    )


async def test_without_users_read_the_app_stays_unknown_and_nothing_else_fails(slack: SmallSlack) -> None:
    slack.refuse["bots.info"] = "missing_scope"
    lines = await slack.examined(config_token=CONFIG)
    assert lines[-2:] == ["· Slack did not say which app this is, so that its manifest was not looked at.", "sound"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (PlainTextResponse("ok"), "What answered auth.test (HTTP 200) is not Slack's Web API. Check SLACK_API_URL."),
        (PlainTextResponse("no", 404), "What answered auth.test (HTTP 404) is not Slack's Web API."),
        (Response("<html>", 200, media_type="text/html"), "What answered auth.test (HTTP 200) is not Slack's Web API."),
        (Response("{", 200, media_type="application/json"), "What answered auth.test (HTTP 200) is not Slack's"),
        (Response("", 503), "Slack failed to answer auth.test (HTTP 503). Run `parley doctor` again in a minute."),
    ],
)
async def test_an_answer_that_is_not_slacks_is_told(slack: SmallSlack, answer: Response, told: str) -> None:
    slack.other["auth.test"] = answer
    assert (await slack.examined())[0].startswith(f"✗ {told}")


async def test_an_address_where_nobody_answers_is_told_once(slack: SmallSlack) -> None:
    lines = await slack.examined(api_url="http://127.0.0.1:9/api/")
    assert len(lines) == 2
    assert lines[0].startswith("✗ Slack does not answer at http://127.0.0.1:9/api/ (")
    assert lines[0].endswith("). Check the network and SLACK_API_URL.")
