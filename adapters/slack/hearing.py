"""What a Slack event says, in plain values: a message for Parley, an edit of one, a deletion, or nothing at all.

Not for Parley are its own messages, those of other bots and of workflows, and what people say to each other outside of
its threads. Shapes: https://docs.slack.dev/reference/events/message and https://docs.slack.dev/reference/events/app_mention
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.assistants.types import well_formed

PLATFORM = "slack"
SPOKEN = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""The subtypes of messages that people wrote. `me_message` is what `/me` makes."""

BUTTONS = frozenset({"actions", "context_actions"})

SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Me:
    """Who Parley is in the workspace, as `auth.test` tells."""

    team: str
    team_name: str
    user: str
    bot: str


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message. `addressed`: it calls for Parley, by a mention or since nobody else is there."""

    channel: str
    ts: str
    thread: str
    """The root of its thread; its own `ts` where it begins one."""
    user: str
    text: str
    """As Slack writes it: https://docs.slack.dev/messaging/formatting-message-text"""
    addressed: bool
    direct: bool
    files: Sequence[Mapping[str, Any]] = ()
    files_known: bool = True
    """False where the event may have left files out, as `app_mention` does."""
    user_team: str = ""

    @property
    def is_reply(self) -> bool:
        return self.thread != self.ts


@dataclass(frozen=True, slots=True)
class Edited:
    channel: str
    ts: str
    thread: str
    text: str
    at: str
    """The event's own `ts`, later for each further edit; that of `edited` may count whole seconds only."""


@dataclass(frozen=True, slots=True)
class Deleted:
    channel: str
    ts: str
    thread: str


Heard = Said | Edited | Deleted


def heard(event: Mapping[str, Any], me: Me) -> Heard | None:
    """None for what is not for Parley. An unaddressed reply in a thread is a `Said` that only its threads care for."""
    match event.get("subtype"):
        case "message_changed":
            return _edited(event)
        case "message_deleted":
            before = event.get("previous_message") or {}
            return Deleted(event["channel"], event["deleted_ts"], before.get("thread_ts") or event["deleted_ts"])
        case subtype if subtype in SPOKEN:
            return _said(event, me)
    return None


def _said(event: Mapping[str, Any], me: Me) -> Said | None:
    user = event.get("user")
    if not user or user in (me.user, SLACKBOT) or event.get("bot_id") or event.get("hidden"):
        return None
    text, ts = well_formed(event.get("text") or ""), event["ts"]
    mention = event["type"] == "app_mention"
    direct = event.get("channel_type") == "im" or event["channel"].startswith("D")
    addressed = mention or direct or bool(re.search(rf"<@{me.user}(\|[^>]*)?>", text))
    if not addressed and "thread_ts" not in event:
        return None
    return Said(
        channel=event["channel"],
        ts=ts,
        thread=event.get("thread_ts") or ts,
        user=user,
        text=text,
        addressed=addressed,
        direct=direct,
        files=event.get("files") or (),
        files_known=not mention or "files" in event,
        user_team=event.get("user_team") or event.get("team") or "",
    )


def _edited(event: Mapping[str, Any]) -> Edited | Deleted | None:
    """Slack tells of unfurled links and of replies to a message in the same way: only a new text counts.

    A deleted root of a thread with replies stays as a `tombstone`.
    """
    now, before = event.get("message") or {}, event.get("previous_message") or {}
    if now.get("bot_id") or not now.get("ts"):
        return None
    thread = now.get("thread_ts") or now["ts"]
    if now.get("subtype") == "tombstone":
        return Deleted(event["channel"], now["ts"], thread)
    if now.get("subtype") not in SPOKEN or now.get("text") == before.get("text"):
        return None
    at = event.get("event_ts") or event.get("ts") or now["ts"]
    return Edited(event["channel"], now["ts"], thread, well_formed(now.get("text") or ""), at)


def words(message: Mapping[str, Any]) -> str:
    """What a message says, as Slack writes it. Other apps often say it in their attachments or blocks only."""
    if text := str(message.get("text") or "").strip():
        return text
    told = [one.get("fallback") or one.get("text") or "" for one in message.get("attachments") or ()]
    shown = [block for block in message.get("blocks") or () if block.get("type") not in BUTTONS]
    return "\n".join(part for part in (*told, *_texts(shown)) if part)


def speaker(message: Mapping[str, Any]) -> str:
    """What an app calls itself; empty for a person."""
    profile = message.get("bot_profile") or {}
    return " ".join(str(message.get("username") or profile.get("name") or "").split())[:80]


def _texts(value: Any) -> Iterator[str]:
    """Every text in blocks, in their order."""
    if isinstance(value, Mapping):
        text = value.get("text")
        if isinstance(text, str):
            yield text
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)


def order(said: Said, me: Me) -> str | None:
    """The command of a message such as `@Parley !tools list`; None where it is none."""
    text = re.sub(rf"^\s*<@{me.user}(\|[^>]*)?>[\s,:]*", "", said.text).strip()
    return text[1:].strip() if said.addressed and re.match(r"![A-Za-z]", text) else None
