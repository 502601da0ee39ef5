"""Asks Slack whether the app is set up as Parley needs it: tokens, scopes and, with a configuration token, events.

Nothing is changed and nothing is posted. No line holds a token or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.manifest import SCOPES, lacks
from bot.view import printable

TIMEOUT = 10
"""Seconds for each answer of Slack."""

APPS = "api.slack.com/apps"
AGAIN = f"Put what `parley slack manifest` prints into {APPS}, App Manifest, save it, and install the app again."

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Token:
    """A token by the variable that holds it, and where there is another one."""

    variable: str
    value: str
    where: str
    kind: str


class _Trouble(Exception):
    """Slack refused a call: `code` is its word for why, empty where it did not answer as Slack does."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class _Unreachable(Exception):
    """Slack did not answer at all."""


async def examine(
    say: Say,
    *,
    bot_token: str,
    app_token: str | None,
    signing_secret: str | None,
    api_url: str,
    config_token: str | None = None,
) -> bool:
    """Say a line for each thing looked at (✓ right, ✗ wrong, · worth knowing); True where nothing is wrong.

    `config_token` is an app configuration token, which can export the app's manifest; it lives for 12 hours:
    https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests
    """
    examination = _Examination(AsyncWebClient(base_url=api_url, timeout=TIMEOUT, retry_handlers=[]), say)
    bot = _Token("SLACK_BOT_TOKEN", bot_token, f"{APPS}, OAuth & Permissions", "a bot token (xoxb-…)")
    try:
        app_id = await examination.bot(bot)
        if app_token is not None:
            where = f"{APPS}, Basic Information, App-Level Tokens"
            token = _Token("SLACK_APP_TOKEN", app_token, where, "an app-level token (xapp-…)")
            await examination.app(token, app_id)
        elif signing_secret is not None:
            examination.secret(signing_secret)
        where = f"{APPS}, Your App Configuration Tokens"
        config = _Token("SLACK_CONFIG_TOKEN", config_token or "", where, "an app configuration token (xoxe.xoxp-…)")
        await examination.manifest(config, app_id, socket_mode=app_token is not None)
    except _Unreachable as error:
        examination.wrong(f"Slack does not answer at {api_url} ({error}). Check the network and SLACK_API_URL.")
    return examination.sound


class _Examination:
    def __init__(self, client: AsyncWebClient, say: Say) -> None:
        self._client = client
        self._say = say
        self.sound = True

    def wrong(self, sentence: str) -> None:
        self.sound = False
        self._say(f"✗ {sentence}")

    async def bot(self, token: _Token) -> str | None:
        """The app's id, where Slack tells it."""
        try:
            me = await _ask(self._client, "auth.test", token)
        except _Trouble as trouble:
            self.wrong(str(trouble))
            return None
        if not me.get("bot_id"):
            self.wrong(f"{token.variable} belongs to a person. It must be {token.kind}: {token.where}.")
            return None
        self._say(f"✓ The Slack bot token is good: {_named(me, 'user')} in {_named(me, 'team')}.")
        granted = me.headers.get("x-oauth-scopes")
        self._scopes(granted)
        return await self._app_id(token, me["bot_id"])

    def _scopes(self, header: str | None) -> None:
        """https://docs.slack.dev/authentication/installing-with-oauth: each answer names the token's scopes."""
        if header is None:
            self._say("· Slack did not say which scopes the bot token has.")
            return
        granted = {scope.strip() for scope in header.split(",")}
        missing = [scope for scope in SCOPES if scope not in granted]
        for scope in missing:
            self.wrong(f"The scope {scope} is missing: {SCOPES[scope]}.")
        self._say(f"  {AGAIN}" if missing else "✓ The Slack app has every scope that Parley uses.")

    async def _app_id(self, token: _Token, bot_id: str) -> str | None:
        """https://docs.slack.dev/reference/methods/bots.info, which wants `users:read`."""
        try:
            found = await _ask(self._client, "bots.info", token, bot=bot_id)
        except _Trouble as trouble:
            if trouble.code != "missing_scope":  # that one has been told of
                self.wrong(str(trouble))
            return None
        app_id = _part(found.get("bot")).get("app_id")
        return app_id if isinstance(app_id, str) else None

    async def app(self, token: _Token, app_id: str | None) -> None:
        """https://docs.slack.dev/reference/methods/apps.connections.open: the address is asked for, and not used."""
        try:
            await _ask(self._client, "apps.connections.open", token)
        except _Trouble as trouble:
            scope = " It needs the scope connections:write." if trouble.code == "missing_scope" else ""
            self.wrong(f"{trouble}{scope}")
            return
        owner = re.match(r"xapp-\d+-(A[A-Z0-9]+)-", token.value)
        if owner and app_id and owner[1] != app_id:
            self.wrong(f"SLACK_APP_TOKEN is of the app {owner[1]}, SLACK_BOT_TOKEN of {app_id}: nothing would arrive.")
        else:
            self._say("✓ The Slack app token opens connections (Socket Mode).")

    def secret(self, value: str) -> None:
        """Whether it is the right one shows when Slack sends something: no call tells."""
        where = f"{APPS}, Basic Information, App Credentials"
        if re.match(r"xox|xapp-", value):
            self.wrong(f"SLACK_SIGNING_SECRET holds a token. The secret is at {where}.")
        elif re.fullmatch(r"[0-9a-f]{32}", value):
            self._say("✓ The Slack signing secret has the right form.")
        else:
            self._say(
                "· SLACK_SIGNING_SECRET is not 32 hexadecimal digits, as Slack's are. If Parley answers Slack with"
            )
            self._say(f"  401, copy it again: {where}.")

    async def manifest(self, token: _Token, app_id: str | None, *, socket_mode: bool) -> None:
        if not token.value:
            self._say(
                "· The bot's tokens cannot tell which events the app is subscribed to: set SLACK_CONFIG_TOKEN for that"
            )
            self._say(
                f"  ({APPS}, Your App Configuration Tokens), or compare with what `parley slack manifest` prints."
            )
            return
        if app_id is None:
            self._say("· Slack did not say which app this is, so that its manifest was not looked at.")
            return
        try:
            exported = await _ask(self._client, "apps.manifest.export", token, app_id=app_id)
        except _Trouble as trouble:
            self.wrong(str(trouble))
            return
        findings = list(lacks(_part(exported.get("manifest")), socket_mode=socket_mode))
        for finding in findings:
            self.wrong(finding)
        self._say(f"  {AGAIN}" if findings else "✓ The Slack app's events, command and shortcut are as they should be.")


async def _ask(client: AsyncWebClient, method: str, token: _Token, **params: str) -> AsyncSlackResponse:
    """Raises `_Trouble` and `_Unreachable`."""
    try:
        return await client.api_call(method, params={"token": token.value, **params})
    except TimeoutError:
        raise _Unreachable(f"no answer to {method} within {TIMEOUT} seconds") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _Unreachable(str(error) or type(error).__name__) from error
    except AttributeError:  # the client takes every answer with status 200 for a JSON object
        raise _Trouble(_stranger(method, 200)) from None
    except SlackApiError as error:
        status = getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0)
        code = _part(getattr(error.response, "data", None)).get("error")
        if not isinstance(code, str):
            raise _Trouble(_stranger(method, status)) from None
        raise _Trouble(_refusal(method, token, code), code) from None


def _stranger(method: str, status: int) -> str:
    if status >= 500:
        return f"Slack failed to answer {method} (HTTP {status}). Run `parley doctor` again in a minute."
    return f"What answered {method} (HTTP {status}) is not Slack's Web API. Check SLACK_API_URL."


def _refusal(method: str, token: _Token, code: str) -> str:
    """What an error means, and what to do: https://docs.slack.dev/reference/methods/auth.test lists them."""
    match code:
        case "invalid_auth" | "not_authed":
            return f"Slack does not know {token.variable}. Copy it again: {token.where}."
        case "account_inactive" | "token_revoked":
            return f"{token.variable} was revoked, or the app was removed. Install it again, and copy: {token.where}."
        case "token_expired":
            return f"{token.variable} has expired. Get a new one: {token.where}."
        case "not_allowed_token_type":
            return f"{token.variable} is a token of another kind. It must be {token.kind}: {token.where}."
        case "missing_scope":
            return f"{token.variable} has not the scope for {method}. Get one that has: {token.where}."
        case "ratelimited" | "rate_limited":
            return f"Slack had too many calls of {method}. Run `parley doctor` again in a minute."
        case _:
            return f"Slack refused {method} with {token.variable}: {printable(code)}."


def _named(me: AsyncSlackResponse, name: str) -> str:
    return printable(str(me.get(name) or "?"))


def _part(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
