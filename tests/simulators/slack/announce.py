"""Who is told what: the events that the app hears of, given what it subscribed to, its scopes and its memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.slack import events
from tests.simulators.slack.delivery import Envelope
from tests.simulators.slack.posts import Channel, Post
from tests.simulators.slack.values import JSON

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

_MESSAGES = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
EVENTS = {
    "agent_session_stopped": "chat:write",
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "member_joined_channel": "channels:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}
"""The scope that each event needs, if any: https://docs.slack.dev/reference/events."""


def said(workspace: Workspace, post: Post) -> None:
    """A new message: `message` where the bot is a member, and `app_mention` where it is mentioned by somebody else.

    Direct messages bring no app_mention. In a public channel it comes without membership too.
    """
    channel = post.channel
    if workspace.bot_user in channel.members:
        _send(workspace, _MESSAGES[channel.kind], events.message_event(workspace, post), channel)
    if _mentioned(workspace, post):
        event = events.mention_event(workspace, post, files=workspace.mention_files)
        _send(workspace, "app_mention", event, channel)


def changed(workspace: Workspace, post: Post, before: JSON) -> None:
    """A message looks different. An edit that brings a mention in is an `app_mention` too."""
    if workspace.bot_user in post.channel.members:
        event = events.changed_event(workspace, post, before)
        _send(workspace, _MESSAGES[post.channel.kind], event, post.channel)
    if _mentioned(workspace, post) and workspace.mention not in before["text"]:
        event = events.mention_event(workspace, post, files=workspace.mention_files)
        _send(workspace, "app_mention", event, post.channel)


def removed(workspace: Workspace, post: Post, before: JSON) -> None:
    """A message was deleted. A root with answers stays as a tombstone, which comes as a change."""
    if workspace.bot_user not in post.channel.members:
        return
    if post.channel.replies(post.ts):
        event = events.changed_event(workspace, post, before)
    else:
        event = events.deleted_event(workspace, post, before)
    _send(workspace, _MESSAGES[post.channel.kind], event, post.channel)


def joined(workspace: Workspace, channel: Channel, user: str, inviter: str = "") -> None:
    """Somebody, or the bot, is in a channel now. The bot hears it where it is in it itself, and of private ones with
    `groups:read`: https://docs.slack.dev/reference/events/member_joined_channel"""
    event = events.joined_event(workspace, channel, user, inviter)
    unheard = channel.kind == "group" and "groups:read" not in workspace.tokens.scopes
    if unheard or workspace.bot_user not in channel.members:
        return
    _send(workspace, "member_joined_channel", event, channel)


def stopped(workspace: Workspace, channel: Channel, thread_ts: str, user: str, streams: list[str]) -> None:
    event = events.stopped_event(workspace, channel, thread_ts, user, streams)
    _send(workspace, "agent_session_stopped", event, channel)


def home(workspace: Workspace, channel: Channel, user: str, tab: str) -> None:
    view = workspace.homes.get(user)
    event = events.home_event(workspace, channel, user, tab, view.payload if view else None)
    _send(workspace, "app_home_opened", event, channel)


def _mentioned(workspace: Workspace, post: Post) -> bool:
    channel, by_itself = post.channel, post.bot_id == workspace.bot_id
    inside = channel.kind == "channel" or workspace.bot_user in channel.members
    return workspace.mention in post.raw and not by_itself and inside and channel.kind != "im"


def _send(workspace: Workspace, subscription: str, event: JSON, channel: Channel) -> None:
    scope = EVENTS[subscription]
    if subscription not in workspace.events or (scope and scope not in workspace.tokens.scopes):
        return
    if workspace.tokens.revoked:
        return
    workspace.delivery.put(Envelope("events_api", events.envelope(workspace, event, channel)))
