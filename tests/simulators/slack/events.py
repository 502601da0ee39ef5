"""The shapes of what Slack sends: messages, events and their envelope.

https://docs.slack.dev/apis/events-api, https://docs.slack.dev/reference/events/message, …/app_mention
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.simulators.slack.posts import Channel, File, Post
from tests.simulators.slack.values import JSON

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

_USER = re.compile(r"(<@[A-Z0-9]+>)")


def message(workspace: Workspace, post: Post, *, metadata: bool = False) -> JSON:
    """A message as the Web API and events show it; with `metadata` only where it is asked for. A deleted one is what
    stays of the root of a thread.
    """
    found: JSON = {"type": "message", "ts": post.ts, "text": _plain(post)}
    if post.deleted:
        gone = {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "hidden": True}
        return found | gone | _thread(post)
    found |= _author(workspace, post)
    blocks = post.all_blocks or ([] if post.bot else [rich_text(post.raw, post.ts)] if post.raw else [])
    if blocks:
        found["blocks"] = blocks
    if post.attachments:
        found["attachments"] = post.attachments
    if post.files:
        found["files"] = [file(workspace, one) for one in post.files]
    if post.edited:
        found["edited"] = {"user": post.user, "ts": post.edited_at}
    if post.stream:
        found["streaming_state"] = "in_progress" if post.streaming else "completed"
    if metadata and post.metadata:
        found["metadata"] = post.metadata
    return found | _thread(post)


def message_event(workspace: Workspace, post: Post) -> JSON:
    """A `message` event: https://docs.slack.dev/reference/events/message."""
    event = message(workspace, post, metadata=True) | _place(post.channel) | {"event_ts": post.ts}
    for name in ("reply_count", "reply_users", "reply_users_count", "latest_reply"):
        event.pop(name, None)
    if post.username:
        event["subtype"] = "bot_message"
    elif post.broadcast:
        event |= {"subtype": "thread_broadcast", "root": message(workspace, post.channel.posts[post.root])}
    elif post.files:
        event |= {"subtype": "file_share", "upload": False}
    return event


def mention_event(workspace: Workspace, post: Post, *, files: bool) -> JSON:
    """An `app_mention` event: https://docs.slack.dev/reference/events/app_mention. Files are often missing in it."""
    event = message_event(workspace, post) | {"type": "app_mention"}
    for name in ("channel_type", "subtype", "upload", "root", "metadata", *(() if files else ("files",))):
        event.pop(name, None)
    return event


def changed_event(workspace: Workspace, post: Post, before: JSON) -> JSON:
    """`message_changed`: https://docs.slack.dev/reference/events/message/message_changed."""
    now = message(workspace, post, metadata=True)
    event = {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": now,
        "previous_message": before,
    }
    return event | _moment(workspace, post.channel)


def deleted_event(workspace: Workspace, post: Post, before: JSON) -> JSON:
    """`message_deleted`: https://docs.slack.dev/reference/events/message/message_deleted."""
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": post.ts}
    return event | {"previous_message": before} | _moment(workspace, post.channel)


def joined_event(workspace: Workspace, channel: Channel, user: str, inviter: str = "") -> JSON:
    """https://docs.slack.dev/reference/events/member_joined_channel"""
    event = {"type": "member_joined_channel", "user": user, "team": workspace.team_id}
    event |= {"inviter": inviter} if inviter else {}
    return event | {"channel": channel.id, "channel_type": channel.id[0], "event_ts": workspace.next_ts()}


def stopped_event(workspace: Workspace, channel: Channel, thread_ts: str, user: str, streams: list[str]) -> JSON:
    """https://docs.slack.dev/reference/events/agent_session_stopped"""
    event: JSON = {"type": "agent_session_stopped", "channel": channel.id, "thread_ts": thread_ts, "user": user}
    return event | {"streaming_message_ts": streams, "event_ts": workspace.next_ts()}


def home_event(workspace: Workspace, channel: Channel, user: str, tab: str, view: JSON | None) -> JSON:
    """https://docs.slack.dev/reference/events/app_home_opened"""
    event: JSON = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
    return event | {"event_ts": workspace.next_ts()} | ({"view": view} if view else {})


def envelope(workspace: Workspace, event: JSON, channel: Channel | None) -> JSON:
    """The `event_callback` around an event; the text of the token that Slack deprecated is there still."""
    return {
        "token": "verification",
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.next_id("Ev"),
        "event_time": int(workspace.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.shared),
        "event_context": workspace.next_id("4-"),
    }


def file(workspace: Workspace, one: File) -> JSON:
    """A file object: https://docs.slack.dev/reference/objects/file-object."""
    if one.hidden:
        return {"id": one.id, "mode": "file_access", "file_access": "check_file_info"}
    return whole_file(workspace, one)


def whole_file(workspace: Workspace, one: File) -> JSON:
    filetype = one.name.rsplit(".", 1)[-1].lower() if "." in one.name else "text"
    return {
        "id": one.id,
        "created": one.created,
        "timestamp": one.created,
        "name": one.name,
        "title": one.name,
        "mimetype": one.mimetype,
        "filetype": filetype,
        "pretty_type": filetype.upper(),
        "user": one.user,
        "user_team": workspace.team_id,
        "editable": False,
        "size": len(one.content),
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": one.url_private,
        "url_private_download": f"{one.url_private}?download=1",
        "media_display_type": "unknown",
        "permalink": f"{workspace.url}files/{one.user}/{one.id}/{one.name}",
        "permalink_public": f"{workspace.url}{workspace.team_id}-{one.id}",
        "is_starred": False,
        "has_rich_preview": False,
        "file_access": "visible",
        "channels": [],
        "groups": [],
    }


def rich_text(text: str, ts: str) -> JSON:
    """The block that Slack's own composer makes of what a person types."""
    parts = [part for part in _USER.split(text) if part]
    inside: list[JSON] = [
        {"type": "user", "user_id": part[2:-1]} if _USER.fullmatch(part) else {"type": "text", "text": part}
        for part in parts
    ]
    section = {"type": "rich_text_section", "elements": inside}
    return {"type": "rich_text", "block_id": f"r{ts[-4:]}", "elements": [section]}


def _author(workspace: Workspace, post: Post) -> JSON:
    if post.bot_id == workspace.bot_id:
        found: JSON = {"bot_id": post.bot_id, "app_id": workspace.app_id, "team": workspace.team_id}
        if post.username:
            return {"bot_id": post.bot_id, "app_id": workspace.app_id, "username": post.username}
        profile = {"id": post.bot_id, "name": "parley", "app_id": workspace.app_id, "team_id": workspace.team_id}
        return found | {"user": post.user, "bot_profile": {**profile, "deleted": False, "updated": 0, "icons": {}}}
    person = workspace.people[post.user]
    found = {"user": post.user, "team": person.team_id}
    if post.client_msg_id:
        found["client_msg_id"] = post.client_msg_id
    if post.bot_id:
        found |= {"bot_id": post.bot_id, "app_id": "A2"}
    if person.foreign:
        found |= {"user_team": person.team_id, "source_team": person.team_id}
    return found


def _plain(post: Post) -> str:
    return post.stream.text if post.stream and not post.rewritten else post.raw


def _thread(post: Post) -> JSON:
    if post.thread_ts and post.thread_ts != post.ts:
        root = post.channel.posts[post.thread_ts]
        return {"thread_ts": post.thread_ts, "parent_user_id": root.user}
    replies = post.channel.replies(post.ts) if not post.ephemeral else []
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    found = {"thread_ts": post.ts, "reply_count": len(replies), "reply_users": users, "reply_users_count": len(users)}
    return found | {"latest_reply": replies[-1].ts}


def _place(channel: Channel) -> JSON:
    return {"channel": channel.id, "channel_type": channel.kind}


def _moment(workspace: Workspace, channel: Channel) -> JSON:
    ts = workspace.next_ts()
    return {"ts": ts, "event_ts": ts} | _place(channel)
