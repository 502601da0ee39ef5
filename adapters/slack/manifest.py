"""The Slack app as Parley wants it: scopes and events, each with what it is for, and the manifest that asks for them.

`SCOPES` and `EVENTS` are the one truth: the manifest is made of them, and the doctor compares an installed app with
them. The limits that the texts keep are those of https://docs.slack.dev/reference/app-manifest and of the schema
that it is checked with, https://github.com/slackapi/manifest-schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.errors import ParleyError

EVENTS_PATH = "/slack/events"
"""Where events, interactions and the command arrive over HTTP."""

COMMAND = "/parley"
SHORTCUT = "ask_parley"
"""The `callback_id` of the message shortcut."""

SCOPES: Mapping[str, str] = {
    "app_mentions:read": "mentions of Parley do not arrive",
    "assistant:write": "Parley is no agent: no suggested prompts, no sessions with a stop button",
    "channels:history": "messages of public channels do not arrive, and what a thread said before cannot be read",
    "channels:read": f"{COMMAND} ask and the message shortcut are refused in public channels, and their names unknown",
    "chat:write": "Parley can neither answer nor say what it is doing",
    "commands": f"there is no {COMMAND} and no message shortcut",
    "files:read": "files that people attach cannot be read",
    "files:write": "no files can be shown: neither what people ask for, such as an export, nor what tools draw",
    "groups:history": "messages of private channels do not arrive, and what a thread said before cannot be read",
    "groups:read": f"{COMMAND} ask and the message shortcut are refused in private channels, and their names unknown",
    "im:history": "direct messages do not arrive",
    "im:read": f"{COMMAND} ask and the message shortcut are refused in direct messages",
    "im:write": "files that people ask for, such as an export, cannot be sent to them",
    "mpim:history": "messages of group direct messages do not arrive",
    "mpim:read": f"{COMMAND} ask and the message shortcut are refused in group direct messages",
    "users:read": "people have no names, and neither guests nor admins can be told from others",
}
"""The bot's scopes, and what does not work without each.

| call | scope |
|---|---|
| `chat.*`, `agents.sessions.*`, `assistant.threads.setStatus` | `chat:write` |
| `assistant.threads.setSuggestedPrompts`, the agent itself | `assistant:write` |
| `conversations.replies`, `conversations.history` | `channels:`, `groups:`, `im:` or `mpim:history`, by their kind |
| `conversations.info`, which tells whether Parley is there | `channels:`, `groups:`, `im:` or `mpim:read`, likewise |
| `users.info`, `bots.info` | `users:read` |
| `files.info` and the address that it tells | `files:read` |
| `conversations.open` with one person, to send that person a file | `im:write` |
| `files.getUploadURLExternal`, `files.completeUploadExternal` | `files:write` |
| `auth.test`, `views.*`, response URLs | none |

Not asked for: `mpim:write` (Parley opens no conversation of several people), `chat:write.public` (it speaks where it
was invited), `metadata.message:read` (that is for events of metadata, and none is subscribed to).
https://docs.slack.dev/reference/scopes
"""

EVENTS: Mapping[str, str] = {
    "agent_session_stopped": "Slack's own stop button is not shown",
    "app_home_opened": "the Home tab stays empty",
    "app_mention": "mentions of Parley do not arrive",
    "app_uninstalled": "Parley does not learn that it was removed",
    "member_joined_channel": "Parley does not say who it is where it is added to a channel",
    "message.channels": "follow-ups without a mention do not arrive from public channels",
    "message.groups": "follow-ups without a mention do not arrive from private channels",
    "message.im": "direct messages do not arrive",
    "message.mpim": "messages of group direct messages do not arrive",
    "tokens_revoked": "Parley does not learn that its token was revoked",
}
"""The bot's events, and what does not work without each. https://docs.slack.dev/reference/events

`member_joined_channel` comes with `channels:read` and `groups:read`. Not subscribed to: `app_context_changed` (what a
person looks at is nobody's business here).
"""

DESCRIPTION = "An assistant for your team: mention it, write to it directly, or ask it about a message."
AGENT_DESCRIPTION = (
    "Parley answers questions and uses tools for what it has to look up, such as the weather. It says what it is "
    "doing, remembers the thread, and can be stopped at any time."
)
PROMPTS = (
    ("What can you do?", "What can you do, and which tools do you have?"),
    ("The weather here and there", "What's the weather in San Francisco, CA, and will it rain in London?"),
    ("The time elsewhere", "What time is it in Tokyo now?"),
)


def manifest(url: str | None = None) -> dict[str, Any]:
    """For Socket Mode or, with a URL, for HTTP there. Raises `ParleyError` where Slack could not send events to it."""
    request = {} if url is None else {"request_url": request_url(url)}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {"name": "Parley", "description": DESCRIPTION, "background_color": "#1F3A5F"},
        "features": _features(request.get("request_url")),
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**request, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,  # one workspace a token
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def rendered(url: str | None = None) -> str:
    """The manifest as JSON text, ASCII only: it goes through terminals and pipes. Raises `ParleyError`."""
    return json.dumps(manifest(url), indent=2) + "\n"


def request_url(given: str) -> str:
    """Where Slack sends to, of a host with or without the path. Raises `ParleyError`."""
    remedy = "write it as https://parley.example.com"
    try:
        parts = urlsplit(given.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ParleyError(f"That is not a URL: {remedy}.") from None
    if parts.scheme != "https" or not host:
        raise ParleyError(f"Slack sends events to https addresses only: {remedy}.")
    if parts.path.rstrip("/") not in ("", EVENTS_PATH) or parts.query or parts.fragment:
        raise ParleyError(f"Parley listens at {EVENTS_PATH} only: leave the rest of the address out, {remedy}.")
    if parts.username is not None or any(blank.isspace() for blank in parts.netloc):
        raise ParleyError(f"The address must name a host and nothing else: {remedy}.")
    return f"https://{parts.netloc}{EVENTS_PATH}"


def lacks(exported: Mapping[str, Any], *, socket_mode: bool) -> Iterator[str]:
    """What an app's own manifest lacks of ours, a sentence each with what does not work for it."""
    features, settings = _part(exported, "features"), _part(exported, "settings")
    subscriptions = _part(settings, "event_subscriptions")
    subscribed = _entries(subscriptions, "bot_events")
    for event, loss in EVENTS.items():
        if event not in subscribed:
            yield f"The app is not subscribed to the event {event}: {loss}."
    yield from _features_lacking(features)
    if _part(settings, "interactivity").get("is_enabled") is not True:
        yield "Interactivity is off: buttons and the message shortcut do nothing."
    if socket_mode and settings.get("socket_mode_enabled") is not True:
        yield "Socket Mode is off, and an app token is set: nothing arrives."
    if not socket_mode and settings.get("socket_mode_enabled") is True:
        yield "Socket Mode is on, and no app token is set: nothing arrives over HTTP."
    elif not socket_mode and not subscriptions.get("request_url"):
        yield f"There is no request URL for events: nothing arrives. It is https://, this server, {EVENTS_PATH}."


def _features(url: str | None) -> dict[str, Any]:
    command = {
        "command": COMMAND,
        **({} if url is None else {"url": url}),
        "description": "Ask Parley, or tell it what to do",
        "usage_hint": "ask … | new | stop | usage | export | forget | tools | assistant | help",
        "should_escape": True,  # a mentioned person or channel comes as its id, not as a name
    }
    return {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "bot_user": {"display_name": "Parley", "always_online": True},
        "agent_view": {
            "agent_description": AGENT_DESCRIPTION,
            "suggested_prompts": [{"title": title, "message": message} for title, message in PROMPTS],
        },
        "shortcuts": [
            {
                "name": "Ask Parley about this",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "Asks a question about this message",
            }
        ],
        "slash_commands": [command],
    }


def _features_lacking(features: Mapping[str, Any]) -> Iterator[str]:
    if "agent_view" not in features:
        yield "The app is no agent (features.agent_view): people find no suggested prompts and no stop button."
    home = _part(features, "app_home")
    if home.get("messages_tab_enabled") is not True or home.get("messages_tab_read_only_enabled") is True:
        yield "The Messages tab is off or read-only: nobody can write to Parley directly."
    if home.get("home_tab_enabled") is not True:
        yield "The Home tab is off: what Parley shows there is not seen."
    commands = {command.get("command"): command for command in _entries(features, "slash_commands")}
    if COMMAND not in commands:
        yield f"The command {COMMAND} is missing."
    elif commands[COMMAND].get("should_escape") is not True:
        yield f"The command {COMMAND} does not escape mentions: people and channels in it are not recognised."
    shortcuts = _entries(features, "shortcuts")
    if not any(entry.get("callback_id") == SHORTCUT and entry.get("type") == "message" for entry in shortcuts):
        yield f"The message shortcut {SHORTCUT} is missing."


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _entries(whole: Mapping[str, Any], name: str) -> list[Any]:
    entries = whole.get(name)
    return entries if isinstance(entries, list) else []
