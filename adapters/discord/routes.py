"""The routes of Discord's REST API that replies go by, and the buckets in which Discord counts what goes there.

https://docs.discord.com/developers/topics/rate-limits
"""

from __future__ import annotations

import re

from discord.http import Route

MESSAGES, MESSAGE = "/channels/{channel_id}/messages", "/channels/{channel_id}/messages/{message_id}"
THREADS = "/channels/{channel_id}/messages/{message_id}/threads"
TYPING = "/channels/{channel_id}/typing"
CHANNEL = "/channels/{channel_id}"
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
DIRECTS = "/users/@me/channels"

KINDS = {
    ("POST", MESSAGES): "messages",
    ("PATCH", MESSAGE): "messages",
    ("PATCH", ORIGINAL): "messages",
    ("POST", THREADS): "threads",
    ("POST", TYPING): "typing",
}
"""Creating and editing are counted as one."""

SPACE = re.compile(
    r"/(?:channels/(?P<channel>\d+)/(?:messages(?:/\d+(?P<opens>/threads)?)?|(?P<typing>typing))"
    r"|webhooks/\d+/(?P<token>[^/?]+)/messages/@original)\Z"
)


def bucket(kind: str, where: str) -> str:
    """Of the messages, threads or typing in a channel, or of the messages of an interaction, by its token."""
    return f"{kind} {where}"


def bucket_of(route: Route) -> str:
    """Empty for what is not counted here."""
    kind = KINDS.get((route.method, route.path))
    return bucket(kind, str(route.webhook_token or route.channel_id)) if kind else ""


def bucket_at(method: str, path: str) -> str:
    """The same by the path of a request."""
    found = SPACE.search(path) if method in ("POST", "PATCH") else None
    if not found:
        return ""
    kind = "threads" if found["opens"] else found["typing"] or "messages"
    return bucket(kind, found["channel"] or found["token"])
